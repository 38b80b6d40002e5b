// Starts the demo, takes the schema of a sales rep, generates and checks the
// types of every client, and runs the clients against the server.
//
//   node run.mjs                        starts "go run . demo"
//   SLUICE_URL=… SLUICE_TOKEN=… node run.mjs    uses a running server
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { buildSchema, validateSchema } from 'graphql';
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

/** The schema of the token's owner is served as text: it tells what introspection does. */
async function saveSchema(file) {
  console.log('== schema');
  const response = await fetch(new URL('schema.graphql', url), { headers: { authorization: `Bearer ${token}` } });
  const text = await response.text();
  if (!response.ok) throw new Error(`schema: HTTP ${response.status} ${text}`);
  const wrong = validateSchema(buildSchema(text));
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  writeFileSync(file, text);
}

try {
  await saveSchema('schema.graphql');
  step('graphql-codegen', 'npm', 'exec', '--no', '--', 'graphql-codegen', '--config', 'urql/codegen.ts');
  mkdirSync('relay/__generated__', { recursive: true });
  step('relay-compiler', 'npm', 'exec', '--no', '--', 'relay-compiler', 'relay/relay.config.json');
  step('types', 'npm', 'exec', '--no', '--', 'tsc', '--noEmit');
  for (const client of ['fetch/orders.mjs', 'fetch/live.mjs', 'urql/orders.ts', 'apollo/orders.ts', 'relay/orders.ts', 'live/orders.ts']) {
    step(client, process.execPath, '--import', 'tsx', '--test', client);
  }
  console.log('clients: ok');
} catch (e) {
  console.error(`clients: FAILED: ${e.message}`);
  process.exitCode = 1;
} finally {
  await demo?.stop();
}
