import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const PATIENCE = 300; // seconds: the first start compiles the server

/** Starts the demo on a free port with an empty data directory. */
export async function startDemo() {
  const data = mkdtempSync(join(tmpdir(), 'sluice-demo-'));
  const child = spawn('go', ['run', '.', 'demo', '-data', data, '-addr', '127.0.0.1:0'], {
    cwd: root, stdio: ['ignore', 'ignore', 'pipe'], detached: true,
  });
  let log = '';
  child.stderr.on('data', (chunk) => (log = (log + chunk).slice(-4000)));
  const stop = async () => {
    // The whole group: "go run" does not pass signals on to what it runs.
    if (child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    for (let i = 0; i < 100 && child.exitCode === null && child.signalCode === null; i++) await pause(100);
    rmSync(data, { recursive: true, force: true });
  };
  const file = join(data, 'demo.json');
  for (let i = 0; i < PATIENCE * 5; i++) {
    if (child.exitCode !== null) break;
    if (existsSync(file)) {
      try {
        return { ...JSON.parse(readFileSync(file, 'utf8')), stop };
      } catch {
        // Not written whole yet.
      }
    }
    await pause(200);
  }
  await stop();
  throw new Error(`the demo did not start\n${log}`);
}
