import assert from 'node:assert/strict';
import test from 'node:test';
import { drawer, withoutHeaders } from './storage.js';

function memory() {
  const kept = {};
  return Object.defineProperties(kept, {
    getItem: { value: (k) => kept[k] ?? null },
    setItem: { value: (k, v) => (kept[k] = v) },
    removeItem: { value: (k) => delete kept[k] },
  });
}

test('headers are never kept', () => {
  const base = memory();
  const one = drawer(base, '/graphql');
  for (const key of ['graphiql:queries', 'graphiql:favorites', 'graphiql:tabState']) {
    one.setItem(key, JSON.stringify({ tabs: [{ query: '{a}', headers: '{"Authorization":"Bearer secret"}' }] }));
  }
  one.setItem('graphiql:headers', '{"Authorization":"Bearer secret"}');
  one.setItem('graphiql:queries', 'not JSON: secret');
  assert.doesNotMatch(JSON.stringify(base), /secret/);
  assert.match(one.getItem('graphiql:tabState'), /\{a\}/);
});

test('each endpoint has its own drawer', () => {
  const base = memory();
  const one = drawer(base, '/apps/a/graphql');
  const two = drawer(base, '/apps/b/graphql');
  one.setItem('x', '1');
  assert.equal(two.getItem('x'), null);
  assert.equal(one.length, 1);
  two.clear();
  assert.equal(one.getItem('x'), '1');
});

test('withoutHeaders keeps the rest', () => {
  assert.equal(withoutHeaders('{"a":[{"headers":"x","b":1}]}'), '{"a":[{"headers":null,"b":1}]}');
});
