// Reads schemas from the standard input, one JSON object {name, sdl, introspection}
// a line, and has graphql-js judge them: both forms must be valid, and be the same
// schema. Prints how many there were; fails with what is wrong.
import { createInterface } from 'node:readline';
import { buildClientSchema, buildSchema, lexicographicSortSchema, printSchema, validateSchema } from 'graphql';

let schemas = 0;
let types = 0;
let wrong = 0;

function valid(schema) {
  const errors = validateSchema(schema);
  if (errors.length > 0) throw new Error(errors.map((e) => e.message).join('\n'));
  return lexicographicSortSchema(schema);
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { name, sdl, introspection } = JSON.parse(line);
  try {
    const text = valid(buildSchema(sdl));
    const client = valid(buildClientSchema(introspection));
    if (printSchema(text) !== printSchema(client)) throw new Error('the text and the introspection differ');
    types += Object.keys(client.getTypeMap()).length;
  } catch (e) {
    wrong++;
    if (wrong <= 5) console.error(`${name}: ${e.message}`);
  }
  schemas++;
}
console.log(JSON.stringify({ schemas, types, wrong }));
process.exitCode = wrong > 0 || schemas === 0 ? 1 : 0;
