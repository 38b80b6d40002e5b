// urql with types made by graphql-codegen from the viewer's own schema.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Client, cacheExchange, fetchExchange } from '@urql/core';
import { graphql } from './generated/index.ts';
import { headers, url } from '../demo.ts';

const client = new Client({ url, exchanges: [cacheExchange, fetchExchange], fetchOptions: { headers }, preferGetMethod: false });

const openOrders = graphql(`
  query OpenOrders($where: OrderFilter, $after: String) {
    openOrders(where: $where, first: 10, after: $after, orderBy: [{ field: amount, direction: DESC }]) {
      totalCount
      nodes { id number amount orderDate customer { name } orderLines(first: 3) { nodes { quantity } } }
      pageInfo { hasNextPage endCursor }
      aggregate { count amount { sum max } }
    }
  }
`);

const byStatus = graphql(`
  query ByStatus {
    ordersAggregate(groupBy: [{ field: status }], orderBy: [{ field: amount, function: SUM, direction: DESC }]) {
      nodes { key { status } count amount { sum } }
    }
    orders(first: 0) { totalCount }
  }
`);

const addOrder = graphql(`
  mutation AddOrder($input: CreateOrderInput!) {
    createOrder(input: $input) { id order { number orderLines { totalCount } } }
  }
`);

const dropOrder = graphql(`
  mutation DropOrder($id: ID!) { deleteOrder(id: $id) { id } }
`);

test('a typed list with a filter', async () => {
  const { data, error } = await client.query(openOrders, { where: { amount: { gte: '100' } } });
  assert.ifError(error);
  const amounts = data!.openOrders.nodes.map((o) => Number(o.amount));
  assert.ok(amounts.length > 0);
  assert.deepEqual(amounts, amounts.toSorted((a, b) => b - a));
  // The aggregate is over all orders of the list, not only over those of the page.
  assert.equal(data!.openOrders.aggregate.count, data!.openOrders.totalCount);
  assert.equal(Number(data!.openOrders.aggregate.amount!.max), amounts[0]);
});

test('orders by status', async () => {
  const { data, error } = await client.query(byStatus, {});
  assert.ifError(error);
  const groups = data!.ordersAggregate.nodes;
  assert.equal(groups.reduce((n, g) => n + Number(g.count), 0), data!.orders.totalCount);
  const sums = groups.flatMap((g) => (g.amount?.sum ? [Number(g.amount.sum)] : []));
  assert.deepEqual(sums, sums.toSorted((a, b) => b - a));
});

test('an order with its lines in one mutation', async () => {
  const { data, error } = await client.mutation(addOrder, {
    input: { number: `URQL-${process.pid}`, title: 'Pumps', orderLines: [{ quantity: 2 }, { quantity: 3 }] },
  });
  assert.ifError(error);
  assert.equal(data!.createOrder.order!.orderLines.totalCount, 2);
  const dropped = await client.mutation(dropOrder, { id: data!.createOrder.id });
  assert.ifError(dropped.error);
});
