// A stand-in for the server behind the page: two APIs, three people with
// different schemas. Prints its port; ends with its standard input.
import { createServer } from 'node:http';
import { buildSchema, graphql } from 'graphql';

const people = {
  'token-rep': { name: 'Asha Rao', role: 'Sales Rep', kind: 'LIVE', tax: true },
  'token-clerk': { name: 'Ben Ito', role: 'Finance Clerk', kind: 'LIVE', tax: false },
  'token-manager': { name: 'Mara Lind', role: 'Sales Manager', kind: 'LIVE', tax: true },
  'token-developer': { name: 'Dev Lal', role: '', kind: 'DEVELOPER', tax: true },
  'token-session': { name: 'Ola Berg', role: 'Sales Rep', kind: 'LIVE', tax: true },
};

const application = (who) =>
  buildSchema(`
  type Query {
    "Customers that you may see."
    customers(first: Int, after: String): CustomerConnection!
    orders(first: Int, after: String): OrderConnection!
    me: Viewer!
  }
  enum Kind { LIVE DEVELOPER ADMIN }
  type Viewer { name: String! kind: Kind! role: String }
  "Somebody who buys."
  type Customer { id: ID! name: String region: String ${who.tax ? 'taxNumber: String' : ''} addedTime: String! }
  type CustomerConnection { nodes: [Customer!]! totalCount: Int! pageInfo: PageInfo! }
  type Order { id: ID! title: String amount: String customer: Customer }
  type OrderConnection { nodes: [Order!]! totalCount: Int! pageInfo: PageInfo! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
`);

const management = buildSchema(`
  type Query { me: Me! viewAsTargets(application: String!, search: String, first: Int): Targets! }
  type Targets { nodes: [Target!]! pageInfo: PageInfo! }
  type Target { id: ID! displayName: String! }
  type PageInfo { hasNextPage: Boolean! }
  type Me { user: User! kind: String! applications: [Place!]! }
  type Place { application: String! role: String tools: [String!]! }
  type User { id: ID! displayName: String! email: String! }
  type Mutation { signIn(organization: String!, email: String!, password: String!): Session! signOut: SignedOut! }
  type SignedOut { signedOut: Boolean! }
  type Session { token: String! }
`);

const customers = ['Orchid Foods', 'Blue Peak Outdoor', 'Zylker Retail'].map((name, i) => ({
  id: `c${i}`, name, region: 'EMEA', taxNumber: `DE${i}00`, addedTime: '2026-01-01T00:00:00Z',
}));
const page = (nodes) => ({ first }) => ({
  nodes: nodes.slice(0, first ?? 50), totalCount: nodes.length, pageInfo: { hasNextPage: false, endCursor: null },
});
const orders = customers.map((customer, i) => ({ id: `o${i}`, title: `Order ${i}`, amount: '12.50', customer }));

function signIn({ organization, email, password }) {
  if (organization === 'Zylker' && email === 'ola@zylker.example' && password === 'correct horse') return { token: 'token-session' };
  throw new Error('organization, address or password is wrong');
}

// By id of the target: who views as them is answered what they are.
const targets = { u2: 'token-clerk', u3: 'token-rep' };

function viewAsTargets({ search }) {
  const all = Object.entries(targets).map(([id, token]) => ({ id, displayName: people[token].name }));
  const nodes = all.filter((t) => t.displayName.toLowerCase().includes((search ?? '').toLowerCase()));
  return { nodes, pageInfo: { hasNextPage: false } };
}

async function answer(url, token, body, as) {
  const asker = people[token];
  const who = as && asker?.kind === 'DEVELOPER' ? people[targets[as]] : asker;
  if (as && (url === '/graphql' || /^\s*mutation/.test(body.query))) return [403, { errors: [{ message: 'read-only', extensions: { code: 'FORBIDDEN' } }] }];
  if (url === '/graphql') {
    if (!who && !/signIn/.test(body.query)) return [401, { errors: [{ message: 'sign in first', extensions: { code: 'UNAUTHENTICATED' } }] }];
    const me = { user: { id: 'u1', displayName: who?.name, email: 'a@b.example' }, kind: 'ORDINARY', applications: [{ application: 'sales', role: who?.role, tools: who?.kind === 'DEVELOPER' ? ['VIEW_AS'] : [] }] };
    const rootValue = { me, viewAsTargets, signIn, signOut: { signedOut: true } };
    return [200, await graphql({ schema: management, source: body.query, rootValue, variableValues: body.variables })];
  }
  if (!who) return [401, { errors: [{ message: 'sign in first', extensions: { code: 'UNAUTHENTICATED' } }] }];
  if (url !== '/apps/sales/graphql') return [404, { errors: [{ message: 'no such application', extensions: { code: 'NOT_FOUND' } }] }];
  const rootValue = { customers: page(customers), orders: page(orders), me: who };
  return [200, await graphql({ schema: application(who), source: body.query, rootValue, variableValues: body.variables, operationName: body.operationName })];
}

const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const [status, result] = await answer(request.url, token, JSON.parse(text), request.headers['sluice-view-as']);
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(result));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
