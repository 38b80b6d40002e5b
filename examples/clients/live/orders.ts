// graphql-ws: subscriptions, queries and mutations over one WebSocket.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws'; // browsers, and node from version 22 on, have their own
import { token, url } from '../demo.ts';

const client = createClient({
  url: url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${token}` },
});
after(() => client.dispose()); // the socket is closed, and the process may end

type Order = { number: string; title: string };
type Change = { kind: 'ADDED' | 'CHANGED' | 'REMOVED'; id: string; token: string | null; order: Order | null };

const CHANGES = `subscription ($where: OrderFilter, $resume: String) {
  orderChanges(where: $where, resume: $resume) { kind id token order { number title } }
}`;

/** The changes of orders as they come; return() of the iterator ends the subscription. */
async function* changes(where: object, resume?: string): AsyncGenerator<Change> {
  for await (const { data, errors } of client.iterate<{ orderChanges: Change }>({ query: CHANGES, variables: { where, resume } })) {
    if (errors) throw new AggregateError(errors, errors[0].message);
    yield data!.orderChanges;
  }
}

/** Sends a query or mutation over the socket and gives back its data. */
async function ask<T>(query: string, variables = {}): Promise<T> {
  for await (const { data, errors } of client.iterate<any>({ query, variables })) {
    if (errors) throw new AggregateError(errors, errors[0].message);
    return data;
  }
  throw new Error('the operation was completed without an answer');
}

async function next(live: AsyncGenerator<Change>): Promise<Change> {
  const { value, done } = await live.next();
  assert.ok(!done, 'the subscription ended');
  return value;
}

test('a list that stays up to date', async () => {
  const where = { number: { startsWith: `LIVE-${process.pid}-` } };
  const live = changes(where);
  const first = live.next(); // subscribed before the list is read: nothing is missed between the two
  const { orders } = await ask<{ orders: { nodes: Order[] } }>(
    'query ($where: OrderFilter) { orders(where: $where) { nodes { id number title } } }',
    { where },
  );
  assert.deepEqual(orders.nodes, []);

  const number = `LIVE-${process.pid}-1`;
  const { createOrder } = await ask<{ createOrder: { id: string } }>(
    'mutation ($in: CreateOrderInput!) { createOrder(input: $in) { id } }',
    { in: { number, title: 'Pumps' } },
  );
  const id = createOrder.id;
  const added: Change = (await first).value;
  assert.deepEqual({ ...added, token: null }, { kind: 'ADDED', id, token: null, order: { number, title: 'Pumps' } });

  await ask('mutation ($id: ID!) { updateOrder(id: $id, input: { title: "Valves" }) { id } }', { id });
  const changed = await next(live);
  assert.deepEqual({ ...changed, token: null }, { kind: 'CHANGED', id, token: null, order: { number, title: 'Valves' } });
  await live.return(undefined);

  // While nobody listens the order goes; the token of the last event tells what was missed.
  await ask('mutation ($id: ID!) { deleteOrder(id: $id) { id } }', { id });
  const again = changes(where, changed.token!);
  const removed = await next(again);
  assert.deepEqual({ ...removed, token: null }, { kind: 'REMOVED', id, token: null, order: null });
  await again.return(undefined);
});

test('what is wrong with a subscription is told', async () => {
  const live = changes({ customer: { name: { eq: 'Orchid Foods' } } });
  await assert.rejects(live.next(), (errors: any) => errors[0].extensions.code === 'BAD_USER_INPUT');
});
