// Drives the playground in headless Chromium.
//
//   node e2e/run.mjs                      starts "go run . demo" and uses its personas
//   node e2e/run.mjs --url <page>         uses a running server in demo mode; --live: subscriptions too
//   node e2e/run.mjs --url <page> --organization .. --email .. --password ..   the sign-in form
//
// Without Chromium it says so and ends with 0, unless SLUICE_E2E is set.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openBrowser } from './browser.mjs';
import { personaTour, signInTour } from './tours.mjs';
import { startDemo } from './demo.mjs';

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    organization: { type: 'string' },
    email: { type: 'string' },
    password: { type: 'string' },
    live: { type: 'boolean', default: false },
  },
});

const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(chromium)) {
  console.error(`\n*** console/e2e NOT RUN: no browser at ${chromium} (set CHROMIUM or install it) ***\n`);
  process.exit(process.env.SLUICE_E2E ? 1 : 0);
}

const demo = values.url ? null : await startDemo();
const url = values.url ?? demo.playground;
const browser = await openBrowser(chromium, new URL(url).host);
try {
  if (values.email) await signInTour(browser, url, values);
  else await personaTour(browser, url, values.live || demo !== null);
  browser.assertClean();
  console.log(`console/e2e: ok; screenshots in ${browser.shots}`);
} catch (error) {
  await browser.shot('failure').catch(() => {});
  console.error(`console/e2e: ${error.message}\nscreenshots in ${browser.shots}`);
  console.error(browser.complaints().join('\n'));
  process.exitCode = 1;
} finally {
  await browser.close();
  await demo?.stop();
}
