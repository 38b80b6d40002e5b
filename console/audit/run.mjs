// Runs the graphql-http audits against both surfaces of a server.
//
//   node audit/run.mjs                                    starts "go run . demo" and audits it
//   node audit/run.mjs --token T --url U [--url U ...]    audits a running server
//
// Fails when an audit that says MUST fails, or more than one in twenty of those
// that say SHOULD. What says MAY is told and not judged.
import { parseArgs } from 'node:util';
import { auditServer } from 'graphql-http';
import { startDemo } from '../e2e/demo.mjs';

const LEAST_SHOULD = 0.95;

const { values } = parseArgs({
  options: { url: { type: 'string', multiple: true }, token: { type: 'string' } },
});

const demo = values.url ? null : await startDemo();
try {
  const token = values.token ?? demo.personas.find((p) => p.kind === 'LIVE' && p.token).token;
  const urls = values.url ?? [...Object.values(demo.applications), demo.management];
  let ok = true;
  for (const url of urls) ok = (await audit(url, token)) && ok;
  if (!ok) process.exitCode = 1;
} finally {
  await demo?.stop();
}

/** Audits one address, prints a table, and says whether it is good enough. */
async function audit(url, token) {
  const fetchFn = (to, init = {}) =>
    fetch(to, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
  const results = await auditServer({ url, fetchFn });
  const levels = new Map(['MUST', 'SHOULD', 'MAY'].map((level) => [level, { passed: 0, all: 0 }]));
  console.log(`\n${url}`);
  for (const { id, name, status, reason } of results) {
    const level = levels.get(name.split(' ')[0]);
    if (!level) throw new Error(`an audit of no level: ${name}`);
    level.all++;
    if (status === 'ok') level.passed++;
    else console.log(`  ${id}  ${name}\n        ${reason}`);
  }
  for (const [level, { passed, all }] of levels) console.log(`  ${level.padEnd(6)} ${passed} of ${all}`);
  const must = levels.get('MUST');
  const should = levels.get('SHOULD');
  if (must.all === 0 || should.all === 0) throw new Error('the suite has no audits');
  const ok = must.passed === must.all && should.passed >= LEAST_SHOULD * should.all;
  console.log(ok ? '  ok' : '  FAILED');
  return ok;
}
