// No library: one function sends an operation and gives back its data.
import { test } from 'node:test';
import assert from 'node:assert/strict';

const url = process.env.SLUICE_URL;
const token = process.env.SLUICE_TOKEN;

/** Sends an operation. Throws what the server says is wrong, with its code. */
export async function ask(query, variables = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw Object.assign(new Error(errors[0].message), { code: errors[0].extensions.code, errors });
  return data;
}

/** All records of a list, page by page. */
export async function* everyOrder(pageSize = 50) {
  for (let after = null; ; ) {
    const { orders } = await ask(
      `query ($n: Int!, $after: String) {
        orders(first: $n, after: $after, orderBy: [{ field: number }]) {
          nodes { id number title amount customer { name } }
          pageInfo { hasNextPage endCursor }
        }
      }`,
      { n: pageSize, after },
    );
    yield* orders.nodes;
    if (!orders.pageInfo.hasNextPage) return;
    after = orders.pageInfo.endCursor;
  }
}

test('every order, page by page', async () => {
  const numbers = [];
  for await (const order of everyOrder(7)) numbers.push(order.number);
  const { orders } = await ask('{ orders(first: 0) { totalCount } }');
  assert.equal(numbers.length, orders.totalCount);
  assert.equal(new Set(numbers).size, numbers.length);
});

test('from the end of a list backwards', async () => {
  const page = `query ($before: String) {
    orders(last: 3, before: $before, orderBy: [{ field: number }]) {
      nodes { number }
      pageInfo { hasPreviousPage startCursor }
    }
  }`;
  const last = (await ask(page)).orders;
  assert.equal(last.pageInfo.hasPreviousPage, true);
  const before = (await ask(page, { before: last.pageInfo.startCursor })).orders;
  const numbers = [...before.nodes, ...last.nodes].map((o) => o.number); // a page is in the order of its list
  assert.equal(numbers.length, 6);
  const { orders } = await ask('{ orders(first: 6, orderBy: [{ field: number, direction: DESC }]) { nodes { number } } }');
  assert.deepEqual(numbers, orders.nodes.map((o) => o.number).toReversed());
});

test('an order is written, and what is wrong with one is told', async () => {
  const { createOrder } = await ask(
    'mutation ($in: CreateOrderInput!) { createOrder(input: $in) { id order { version amount } } }',
    { in: { number: `FETCH-${process.pid}`, title: 'Pumps', amount: '12.50' } },
  );
  assert.equal(createOrder.order.amount, '12.50'); // a decimal is a string: nothing is rounded
  await assert.rejects(
    ask('mutation ($id: ID!) { updateOrder(id: $id, input: { title: "Valves" }, ifVersion: 7) { id } }', { id: createOrder.id }),
    { code: 'CONFLICT' },
  );
  await ask('mutation ($id: ID!) { deleteOrder(id: $id) { id } }', { id: createOrder.id });
});
