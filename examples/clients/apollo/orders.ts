// Apollo Client with its normalized cache: records are kept by type and id, and
// lists grow page by page by relayStylePagination.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { headers, url } from '../demo.ts';

function newClient() {
  return new ApolloClient({
    link: new HttpLink({ uri: url, headers }),
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { orders: relayStylePagination(['where', 'orderBy']) } } },
    }),
  });
}

type Order = { __typename: 'Order'; id: string; title: string; version: number };
type Page = { orders: { edges: { cursor: string; node: Order }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };

const ORDERS = gql`
  query Orders($first: Int!, $after: String) {
    orders(first: $first, after: $after, orderBy: [{ field: number }]) {
      edges { cursor node { id title version } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`;

test('pages come together in the cache', async () => {
  const client = newClient();
  const { data } = await client.query<Page>({ query: ORDERS, variables: { first: 3 } });
  // What fetchMore of a component does; the list that is in the cache is no answer to this.
  const after = data!.orders.pageInfo.endCursor;
  await client.query({ query: ORDERS, variables: { first: 4, after }, fetchPolicy: 'network-only' });
  const all = client.readQuery<Page>({ query: ORDERS, variables: { first: 3 } })!;
  assert.equal(all.orders.edges.length, 7);
  assert.equal(new Set(all.orders.edges.map((e) => e.node.id)).size, 7);
});

test('a mutation changes the record wherever it is shown', async () => {
  const client = newClient();
  const first = await client.query<Page>({ query: ORDERS, variables: { first: 1 } });
  const order = first.data!.orders.edges[0].node;
  const retitle = gql`
    mutation Retitle($id: ID!, $title: String!, $version: Int) {
      updateOrder(id: $id, input: { title: $title }, ifVersion: $version) { order { id title version } }
    }
  `;
  await client.mutate({ mutation: retitle, variables: { id: order.id, title: 'Retitled', version: order.version } });
  const shown = client.readQuery<Page>({ query: ORDERS, variables: { first: 1 } })!.orders.edges[0].node;
  assert.equal(shown.title, 'Retitled');
  assert.equal(shown.version, order.version + 1);
  await client.mutate({ mutation: retitle, variables: { id: order.id, title: order.title } });
});
