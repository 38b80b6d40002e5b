import assert from 'node:assert/strict';
import test from 'node:test';
import { applicationEndpoint, applicationOf, checkEndpoint, socketAddress } from './endpoint.js';

test('only our own paths are endpoints', () => {
  for (const good of ['/graphql', '/apps/orders/graphql', '/apps/orders@test/graphql']) {
    assert.equal(checkEndpoint(good), good);
  }
  for (const bad of [
    null, '', 'graphql', '//evil.example/graphql', 'https://evil.example/graphql', '/apps//graphql', '/apps/../graphql',
    '/apps/a/b/graphql', '/apps/a/graphql?x=1', '/apps/a%2f/graphql', '/graphql/', '\\\\evil\\graphql', '/apps/orders/graphql\n',
  ]) {
    assert.equal(checkEndpoint(bad), null, String(bad));
  }
});

test('applications and paths', () => {
  assert.equal(applicationEndpoint('orders'), '/apps/orders/graphql');
  assert.equal(applicationEndpoint('a b'), null);
  assert.equal(applicationOf('/apps/orders/graphql'), 'orders');
  assert.equal(applicationOf('/graphql'), null);
});

test('sockets stay on the host of the page', () => {
  assert.equal(socketAddress('/graphql', { protocol: 'https:', host: 'a:1' }), 'wss://a:1/graphql');
  assert.equal(socketAddress('/graphql', { protocol: 'http:', host: 'a' }), 'ws://a/graphql');
});
