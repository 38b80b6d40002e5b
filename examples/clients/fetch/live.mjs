// No library: a subscription is one request whose answer is a stream of
// server-sent events. (EventSource of browsers sends no token and only GET.)
import { test } from 'node:test';
import assert from 'node:assert/strict';

const url = process.env.SLUICE_URL;
const token = process.env.SLUICE_TOKEN;

function send(accept, query, variables, signal) {
  return fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept },
    body: JSON.stringify({ query, variables }),
    signal,
  });
}

function dataOf({ data, errors }) {
  if (errors) throw Object.assign(new Error(errors[0].message), { code: errors[0].extensions.code, errors });
  return data;
}

async function ask(query, variables) {
  return dataOf(await (await send('application/graphql-response+json', query, variables)).json());
}

/** The events of a stream: what stands between two empty lines, comments left out. */
async function* events(body) {
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const event = { event: 'message', data: '' };
      for (const line of block.split('\n')) {
        const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
        if (name) event[name] = value; // the server writes one line of data per event
      }
      if (event.data !== '' || event.event !== 'message') yield event;
    }
  }
}

/**
 * Begins a subscription and gives back its answers. When the promise is kept it
 * has begun; abort ends it.
 */
export async function subscribe(query, variables, signal) {
  const response = await send('text/event-stream', query, variables, signal);
  if (!response.ok) dataOf(await response.json());
  return (async function* () {
    for await (const { event, data } of events(response.body)) {
      if (event === 'complete') return;
      yield dataOf(JSON.parse(data));
    }
  })();
}

const CHANGES = 'subscription ($where: OrderFilter) { orderChanges(where: $where) { kind id order { title } } }';

test('an order comes, changes and goes', async () => {
  const stop = new AbortController();
  const number = `STREAM-${process.pid}`;
  const live = await subscribe(CHANGES, { where: { number: { eq: number } } }, stop.signal);
  const next = async () => (await live.next()).value.orderChanges;

  const { createOrder } = await ask('mutation ($in: CreateOrderInput!) { createOrder(input: $in) { id } }', { in: { number, title: 'Pumps' } });
  const id = createOrder.id;
  assert.deepEqual(await next(), { kind: 'ADDED', id, order: { title: 'Pumps' } });

  await ask('mutation ($id: ID!) { updateOrder(id: $id, input: { title: "Valves" }) { id } }', { id });
  assert.deepEqual(await next(), { kind: 'CHANGED', id, order: { title: 'Valves' } });

  await ask('mutation ($id: ID!) { deleteOrder(id: $id) { id } }', { id });
  assert.deepEqual(await next(), { kind: 'REMOVED', id, order: null });

  stop.abort();
  await assert.rejects(live.next(), { name: 'AbortError' });
});

test('what is wrong with a subscription is told before it begins', async () => {
  const where = { customer: { name: { eq: 'Orchid Foods' } } };
  await assert.rejects(subscribe(CHANGES, { where }), { code: 'BAD_USER_INPUT' });
});
