import assert from 'node:assert/strict';
import test from 'node:test';
import { withSubscriptions, withoutSubscriptions } from './fetcher.js';

const TEXT = 'query List { orders } subscription Watch { orderChanges }';

/** A client whose subscription tells events and then breaks with reason, if there is one. */
function fakeClient(events, reason) {
  const seen = { asked: [], stopped: 0 };
  const iterate = (params) => {
    seen.asked.push(params);
    const live = (async function* () {
      yield* events;
      if (reason) throw reason;
    })();
    const end = live.return.bind(live);
    live.return = (value) => {
      seen.stopped++;
      return end(value);
    };
    return live;
  };
  return { seen, iterate };
}

function run(client, params, text = TEXT) {
  return withSubscriptions(() => 'plain', client)({ query: text, ...params });
}

async function all(live) {
  const told = [];
  for await (const answer of live) told.push(answer);
  return told;
}

test('only subscriptions go over the socket', async () => {
  const client = fakeClient([]);
  assert.equal(run(client, { operationName: 'List' }), 'plain');
  assert.equal(run(client, {}, '{ orders }'), 'plain');
  assert.equal(run(client, {}, 'subscription {'), 'plain');
  assert.equal(run(client, {}), 'plain'); // which of two is not said
  assert.equal(client.seen.asked.length, 0);
  await all(run(client, { operationName: 'Watch', variables: { a: 1 } }));
  assert.deepEqual(client.seen.asked, [{ query: TEXT, operationName: 'Watch', variables: { a: 1 } }]);
  assert.deepEqual(await all(run(client, {}, 'subscription { orderChanges }')), []);
  assert.equal(client.seen.asked.length, 2);
});

test('events come one by one, until somebody stops', async () => {
  const client = fakeClient([{ data: 1 }, { data: 2 }, { data: 3 }]);
  const live = run(client, { operationName: 'Watch' });
  assert.deepEqual(await live.next(), { done: false, value: { data: 1 } });
  assert.deepEqual(await live.next(), { done: false, value: { data: 2 } });
  await live[Symbol.asyncIterator]().return();
  assert.equal(client.seen.stopped, 1);
  assert.equal((await live.next()).done, true);
});

test('why a subscription ended is its last answer', async () => {
  const reset = [{ message: 'list anew', extensions: { code: 'RESET' } }];
  const cases = [
    [reset, reset],
    [{ code: 4401, reason: 'Unauthorized' }, [{ message: 'The connection was closed: Unauthorized, 4401' }]],
    [{ code: 1006, reason: '' }, [{ message: 'The connection was closed: no reason given, 1006' }]],
    [new Error('bad frame'), [{ message: 'bad frame' }]],
  ];
  for (const [reason, errors] of cases) {
    assert.deepEqual(await all(run(fakeClient([{ data: 1 }], reason), { operationName: 'Watch' })), [{ data: 1 }, { errors }]);
  }
});

test('as somebody else there are no subscriptions', async () => {
  const fetcher = withoutSubscriptions(() => 'plain');
  assert.equal(fetcher({ query: TEXT, operationName: 'List' }), 'plain');
  assert.equal(fetcher({ query: 'mutation { x }' }), 'plain');
  const { errors } = await fetcher({ query: TEXT, operationName: 'Watch' });
  assert.match(errors[0].message, /read-only/);
});
