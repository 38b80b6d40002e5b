// Relay: the compiler checks every operation against the viewer's schema, and the
// runtime keeps records by their id.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import relay from 'relay-runtime';
import type { ordersPageQuery } from './__generated__/ordersPageQuery.graphql.ts';
import pageNode from './__generated__/ordersPageQuery.graphql.ts';
import type { ordersRefetchQuery } from './__generated__/ordersRefetchQuery.graphql.ts';
import refetchNode from './__generated__/ordersRefetchQuery.graphql.ts';
import { headers, url } from '../demo.ts';

const { Environment, Network, RecordSource, Store, fetchQuery, graphql } = relay;

const environment = new Environment({
  store: new Store(new RecordSource()),
  network: Network.create(async (operation, variables) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query: operation.text, operationName: operation.name, variables }),
    });
    return response.json();
  }),
});

// The compiler reads this text; the module that it makes of it is imported above,
// which a bundler with Relay's plugin does by itself.
export const pageText = () => graphql`
  query ordersPageQuery($count: Int!, $cursor: String) {
    orders(first: $count, after: $cursor, orderBy: [{ field: number }])
      @connection(key: "ordersPageQuery_orders", filters: ["orderBy"]) {
      edges {
        cursor
        node { id number title customer { id name } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

// Any record again by its id, which is what refetchable fragments send.
export const refetchText = () => graphql`
  query ordersRefetchQuery($id: ID!) {
    node(id: $id) { __typename id ... on Order { number title version } }
  }
`;

test('a page through the store', async () => {
  const data = await fetchQuery<ordersPageQuery>(environment, pageNode, { count: 5 }).toPromise();
  assert.equal(data!.orders.edges.length, 5);
  const id = data!.orders.edges[0].node.id;
  const kept = environment.getStore().getSource().get(id);
  assert.equal(kept?.__typename, 'Order');
});

test('an order of the store again by its id', async () => {
  const page = await fetchQuery<ordersPageQuery>(environment, pageNode, { count: 1 }).toPromise();
  const { id, number } = page!.orders.edges[0].node;
  const again = await fetchQuery<ordersRefetchQuery>(environment, refetchNode, { id }).toPromise();
  assert.equal(again!.node?.number, number);
  assert.equal(environment.getStore().getSource().get(id)?.version, again!.node?.version);
  // An id of nobody, and one of a record out of reach, is null: no error tells them apart.
  const none = await fetchQuery<ordersRefetchQuery>(environment, refetchNode, { id: '00000000-0000-7000-8000-000000000000' }).toPromise();
  assert.equal(none!.node, null);
});
