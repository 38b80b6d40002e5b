// Relay: the compiler checks every operation against the viewer's schema, and the
// runtime keeps records by their id.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import relay from 'relay-runtime';
import type { ordersPageQuery } from './__generated__/ordersPageQuery.graphql.ts';
import pageNode from './__generated__/ordersPageQuery.graphql.ts';
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

test('a page through the store', async () => {
  const data = await fetchQuery<ordersPageQuery>(environment, pageNode, { count: 5 }).toPromise();
  assert.equal(data!.orders.edges.length, 5);
  const id = data!.orders.edges[0].node.id;
  const kept = environment.getStore().getSource().get(id);
  assert.equal(kept?.__typename, 'Order');
});
