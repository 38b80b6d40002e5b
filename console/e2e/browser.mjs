import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
];

/**
 * A browser with an empty profile that may talk to one host only. Requests to
 * others, failed requests, console errors and policy violations are collected.
 */
export async function openBrowser(executablePath, host) {
  const profile = mkdtempSync(join(tmpdir(), 'sluice-profile-'));
  const shots = process.env.SLUICE_SHOTS ?? mkdtempSync(join(tmpdir(), 'sluice-shots-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath, headless: true, args: FLAGS, viewport: { width: 1400, height: 860 },
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const seen = { requests: 0, external: [], failed: [], console: [] };
  watch(context, page, host, seen);
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  let number = 0;
  const complaints = () => [
    ...seen.external.map((u) => `request to another host: ${u}`),
    ...seen.failed.map((u) => `failed request: ${u}`),
    ...seen.console.map((m) => `console: ${m}`),
  ];
  return {
    page, shots, seen, complaints,
    shot: (name) => page.screenshot({ path: join(shots, `${String(++number).padStart(2, '0')}-${name.replace(/\W+/g, '-')}.png`) }),
    assertClean() {
      if (complaints().length > 0) throw new Error('the page was not quiet');
      if (seen.requests < 5) throw new Error(`only ${seen.requests} requests were seen: the watch does not work`);
    },
    /** Forgets what is expected to be noisy: refused requests of a test's own making. */
    forget(pattern) {
      seen.console = seen.console.filter((m) => !pattern.test(m));
    },
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

function watch(context, page, host, seen) {
  const local = (url) => !/^(https?|wss?):/.test(url) || new URL(url).host === host;
  context.route((url) => !local(url.href), (route) => route.abort());
  context.on('request', (request) => {
    seen.requests++;
    if (!local(request.url())) seen.external.push(request.url());
  });
  context.on('requestfailed', (request) => {
    // A switch of persona while a request is under way cancels it.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') seen.failed.push(`${request.url()} ${request.failure()?.errorText}`);
  });
  page.on('websocket', (socket) => {
    if (!local(socket.url())) seen.external.push(socket.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error') seen.console.push(`${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => seen.console.push(`uncaught: ${error.message}`));
}
