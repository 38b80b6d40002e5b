// Turns build/ into what is committed: every file gzip-compressed under dist/,
// and SHA256SUMS over the uncompressed files. With --check nothing is written
// and a difference to the committed sums or to dist/ is an error.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const sumsFile = join(here, 'SHA256SUMS');

function tree(root) {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => relative(root, join(entry.parentPath, entry.name))).sort();
}

function sums(root, read) {
  return tree(root)
    .map((name) => `${createHash('sha256').update(read(join(root, name))).digest('hex')}  ${name.replace(/\.gz$/, '')}\n`)
    .join('');
}

function pack() {
  const dist = join(here, 'dist');
  rmSync(dist, { recursive: true, force: true });
  for (const name of tree(join(here, 'build'))) {
    const to = join(dist, `${name}.gz`);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, gzipSync(readFileSync(join(here, 'build', name)), { level: 9 }));
  }
  writeFileSync(sumsFile, sums(join(here, 'build'), readFileSync));
}

function check() {
  const want = readFileSync(sumsFile, 'utf8');
  const built = sums(join(here, 'build'), readFileSync);
  const committed = sums(join(here, 'dist'), (file) => gunzipSync(readFileSync(file)));
  const faults = [];
  if (committed !== want) faults.push('dist/ does not hold what SHA256SUMS lists');
  if (built !== want) faults.push('a fresh build differs from SHA256SUMS');
  if (faults.length === 0) return;
  console.error(`console: ${faults.join('; ')}.\nRun "npm ci && npm run build" in console/ and commit dist/ and SHA256SUMS.`);
  const known = new Set(want.split('\n'));
  console.error(built.split('\n').filter((line) => !known.has(line)).join('\n'));
  process.exit(1);
}

if (process.argv.includes('--check')) check();
else pack();
