import assert from 'node:assert/strict';
import test from 'node:test';
import { buildSchema, parse, validate } from 'graphql';
import { examples, whoQuery } from './examples.js';

const application = buildSchema(`
  type Query {
    customer(id: ID!): Customer
    customers(first: Int, after: String): CustomerConnection!
    myCustomers(first: Int): CustomerConnection!
    customersAggregate(first: Int, groupBy: [String!]): CustomerAggregateConnection!
    node(id: ID!): Node
    me: Viewer!
  }
  interface Node { id: ID! }
  type Viewer { name: String role: String kind: Kind! forms: [String!]! user: User! }
  enum Kind { LIVE ADMIN }
  type User { id: ID! displayName: String! }
  type Customer implements Node {
    id: ID! name: String taxNumber: String addedTime: String! owner: User old: String @deprecated
    history(first: Int!): CustomerConnection
  }
  type CustomerConnection { nodes: [Customer!]! totalCount: Int! pageInfo: PageInfo! }
  type CustomerAggregateConnection { nodes: [CustomerAggregate!]! totalCount: Int! pageInfo: PageInfo! }
  type CustomerAggregate { count: Int! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
`);

test('every example is valid for its schema', () => {
  const made = examples(application);
  assert.equal(made.length, 2);
  for (const text of made) assert.deepEqual(validate(application, parse(text)), [], text);
  assert.match(made[0], /taxNumber/);
  assert.match(made[0], /owner \{ displayName \}/);
  assert.doesNotMatch(made[0], /old|history|addedTime/);
  assert.doesNotMatch(made.join(), /Aggregate/);
});

test('lists of records come first', () => {
  const made = examples(buildSchema(`
    type Query { members(first: Int): UserConnection! orders(first: Int, where: OrderFilter): OrderConnection! }
    input OrderFilter { id: ID }
    type UserConnection { nodes: [User!]! }
    type User { displayName: String }
    type OrderConnection { nodes: [Order!]! }
    type Order { title: String }
  `));
  assert.match(made[0], /orders/);
  assert.match(made[1], /members/);
});

test('a subscription comes last', () => {
  const schema = buildSchema(`
    type Query { orders(first: Int): OrderConnection! }
    type Subscription { orderChanges(resume: String): OrderChange! lineChanges: OrderChange! }
    type OrderConnection { nodes: [Order!]! }
    type OrderChange { kind: String! id: ID! token: String order: Order }
    type Order { title: String }
  `);
  const made = examples(schema);
  assert.equal(made.length, 2);
  assert.deepEqual(validate(schema, parse(made[1])), [], made[1]);
  assert.match(made[1], /^subscription OrderChanges \{\n {2}orderChanges \{\n {4}id\n {4}kind\n {4}token\n {4}order \{ title \}/);
});

test('a schema with little in it', () => {
  assert.deepEqual(examples(buildSchema('type Query { ping: String }')), []);
  assert.equal(whoQuery(buildSchema('type Query { ping: String }')), null);
  assert.equal(whoQuery(buildSchema('type Query { me(id: ID!): Me } type Me { name: String }')), null);
});

test('whoQuery asks what there is', () => {
  assert.equal(whoQuery(application), '{ me { name kind role user { displayName } } }');
});
