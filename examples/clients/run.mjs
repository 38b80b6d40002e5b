// Starts the demo, takes the schema of a sales rep, generates and checks the
// types of every client, and runs the clients against the server.
//
//   node run.mjs                        starts "go run . demo"
//   SLUICE_URL=… SLUICE_TOKEN=… node run.mjs    uses a running server
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { buildClientSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema, validateSchema } from 'graphql';
import { startDemo } from '../../console/e2e/demo.mjs';

const demo = process.env.SLUICE_URL ? null : await startDemo();
const url = process.env.SLUICE_URL ?? demo.applications.sales;
const token = process.env.SLUICE_TOKEN ?? demo.personas.find((p) => p.persona === 'sales rep').token;
const env = { ...process.env, SLUICE_URL: url, SLUICE_TOKEN: token };

/** Runs one step and ends with its exit code where it fails. */
function step(name, command, ...args) {
  console.log(`== ${name}`);
  const { status, error } = spawnSync(command, args, { env, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${name}: exit code ${status}`);
}

async function saveSchema(file) {
  console.log('== schema');
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      query: getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true, directiveIsRepeatable: true, oneOf: true }),
    }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  const schema = lexicographicSortSchema(buildClientSchema(data));
  const wrong = validateSchema(schema);
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  writeFileSync(file, printSchema(schema) + '\n');
}

try {
  await saveSchema('schema.graphql');
  step('graphql-codegen', 'npm', 'exec', '--no', '--', 'graphql-codegen', '--config', 'urql/codegen.ts');
  mkdirSync('relay/__generated__', { recursive: true });
  step('relay-compiler', 'npm', 'exec', '--no', '--', 'relay-compiler', 'relay/relay.config.json');
  step('types', 'npm', 'exec', '--no', '--', 'tsc', '--noEmit');
  for (const client of ['fetch/orders.mjs', 'urql/orders.ts', 'apollo/orders.ts', 'relay/orders.ts']) {
    step(client, process.execPath, '--import', 'tsx', '--test', client);
  }
  console.log('clients: ok');
} catch (e) {
  console.error(`clients: FAILED: ${e.message}`);
  process.exitCode = 1;
} finally {
  await demo?.stop();
}
