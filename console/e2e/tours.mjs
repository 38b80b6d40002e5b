import assert from 'node:assert/strict';

const TYPE = 'Customer';
const FIELD = 'taxNumber';

const SCHEMA = `{ __schema { queryType { fields { name args { name } type { name ofType { name } } } } }
  __type(name: "${TYPE}") { fields { name type { kind ofType { kind } } } } }`;

/**
 * What the server itself says a persona's schema is: the page must agree.
 * Somebody who is not active is refused.
 */
async function truth(origin, persona) {
  const response = await fetch(new URL(endpoint(persona), origin), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${persona.token}` },
    body: JSON.stringify({ query: SCHEMA }),
  });
  const { data, errors } = await response.json();
  if (errors?.[0]?.extensions?.code === 'UNAUTHENTICATED') return { refused: true };
  assert.ok(data?.__schema, `${persona.name}: ${JSON.stringify(errors)}`);
  const list = data.__schema.queryType.fields.find((f) => (f.type.name ?? f.type.ofType?.name) === `${TYPE}Connection` && f.args.some((a) => a.name === 'first'));
  return { fields: data.__type?.fields.map((f) => f.name), list: list?.name };
}

function endpoint(persona) {
  return persona.application ? `/apps/${persona.application}/graphql` : '/graphql';
}

/** One persona who has the field, one who sees the type without it, and a third. */
async function choose(origin, people) {
  const known = [];
  for (const [index, persona] of people.entries()) {
    if (persona.application) known.push({ index, persona, ...(await truth(origin, persona)) });
  }
  const refused = known.find((k) => k.refused);
  const types = known.filter((k) => k.fields && k.list);
  const sees = types.find((k) => k.fields.includes(FIELD) && /sales.rep/i.test(k.persona.role ?? '')) ?? types.find((k) => k.fields.includes(FIELD));
  const lacks = types.find((k) => !k.fields.includes(FIELD));
  const others = types.filter((k) => k !== sees && k !== lacks);
  const third = others.find((k) => k.persona.role && k.persona.role !== sees?.persona.role) ?? others[0];
  assert.ok(sees && lacks && third, `the demo needs personas with and without ${TYPE}.${FIELD}, and a third; it has ${types.length} with ${TYPE}`);
  return { chosen: [sees, lacks, third], refused };
}

async function ready(page) {
  await page.waitForSelector('main[aria-busy=false] .graphiql-query-editor .view-lines', { timeout: 60_000 });
}

/**
 * Replaces the operation by one of the same name: the editor learns a new name a
 * moment after the text, and a run before that asks for the old one.
 */
async function write(page, selection, kind = 'query') {
  const name = await page.textContent('.graphiql-tab-active .graphiql-tab-button');
  await page.click('.graphiql-query-editor .view-lines');
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(`${kind} ${name.trim()} ${selection}`);
  await page.keyboard.press('Control+Home'); // a long line leaves the editor scrolled
}

async function run(page, wanted) {
  const lines = '.graphiql-response .view-lines';
  await page.click('.graphiql-execute-button');
  await page.waitForFunction(([where, text]) => document.querySelector(where)?.textContent.includes(text), [lines, wanted], { timeout: 20_000 });
  const answer = await page.textContent(lines);
  assert.doesNotMatch(answer, /"errors"/);
}

/** The fields of a type as the documentation explorer lists them. */
async function documented(page) {
  const show = page.locator('button[aria-label="Show Documentation Explorer"]');
  if (await show.count()) await show.click();
  await page.fill('[data-cy=doc-explorer-input]', TYPE);
  await page.locator('[role=option]', { hasText: new RegExp(`^${TYPE}$`) }).first().click();
  await page.waitForFunction((name) => document.querySelector('.graphiql-doc-explorer-title')?.textContent === name, TYPE);
  const names = await page.locator('.graphiql-doc-explorer-content .graphiql-doc-explorer-field-name').allTextContents();
  return names;
}

/**
 * The text of the explorer. It follows the editor a moment later: it is read
 * once a field that the persona has is there.
 */
async function explored(page, fields) {
  const show = page.locator('button[aria-label="Show GraphiQL Explorer"]');
  if (await show.count()) await show.click();
  const where = '.docExplorerWrap, .graphiql-explorer-root';
  const witness = fields.includes('addedTime') ? 'addedTime' : fields.find((f) => f !== FIELD);
  await page.waitForFunction(([tree, text]) => document.querySelector(tree)?.textContent.includes(text), [where, witness], { timeout: 20_000 });
  return page.locator(where).first().textContent();
}

async function visit(browser, chosen) {
  const { page } = browser;
  const { persona, index, fields, list } = chosen;
  await page.selectOption('#persona', String(index));
  await page.waitForFunction((name) => document.querySelector('.who strong')?.textContent === name, persona.name);
  await ready(page);
  const who = await page.textContent('.who');
  for (const fact of [persona.role, persona.permissionSet]) {
    if (fact) assert.ok(who.includes(fact), `"${who}" does not say ${fact}`);
  }
  await run(page, '"data"'); // the first example must work as it is
  await browser.shot(`${persona.name}-example`);
  await write(page, `{ probe: ${list}(first: 3) { nodes { id } } }`);
  await run(page, '"probe"');
  const tree = await explored(page, fields);
  assert.equal(tree.includes(FIELD), fields.includes(FIELD), `${persona.name}: the explorer and ${TYPE}.${FIELD}`);
  await browser.shot(`${persona.name}-explorer`);
  const names = await documented(page);
  assert.deepEqual(names.toSorted(), fields.toSorted(), `${persona.name}: the documentation of ${TYPE}`);
  await browser.shot(`${persona.name}-documentation`);
  console.log(`  ${persona.name}: ${fields.length} fields of ${TYPE}, ${FIELD} ${fields.includes(FIELD) ? 'shown' : 'absent'}`);
}

const EXECUTE = '.graphiql-execute-button';

/** Runs what the active tab holds until the answer shows text; then the subscription is stopped. */
async function watchUntil(page, text, meanwhile) {
  await page.click(EXECUTE);
  await page.waitForSelector(`${EXECUTE}[aria-label^=Stop]`);
  const shown = () => page.textContent('.graphiql-response .view-lines').then((answer) => answer.includes(text));
  // When the server has begun is not told: something happens again until it is seen.
  for (const end = Date.now() + 60_000; !(await shown()); ) {
    assert.ok(Date.now() < end, `no event shows ${text}`);
    await meanwhile();
    await page.waitForTimeout(100);
  }
}

/** A subscription shows what others do, until somebody stops it; its errors are shown. */
async function watchOrders(browser, origin, { persona }) {
  const { page } = browser;
  let orders = 0;
  const addOrder = async () => {
    const response = await fetch(new URL(endpoint(persona), origin), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${persona.token}` },
      body: JSON.stringify({ query: `mutation { createOrder(input: { number: "E2E-${++orders}", title: "Pumps" }) { id } }` }),
    });
    const { errors } = await response.json();
    assert.equal(errors, undefined);
  };
  await page.getByRole('tab', { name: /Changes$/ }).click(); // the example that is a subscription
  await page.locator('.graphiql-query-editor .view-lines', { hasText: 'subscription' }).waitFor();
  await page.waitForTimeout(2_000); // nothing shows when the editor has learned the operation's name; a run before that asks for the tab before
  await write(page, '{ orderChanges { kind order { title } } }', 'subscription');
  await watchUntil(page, '"ADDED"', addOrder);
  await browser.shot('subscription');
  await page.click(EXECUTE);
  await page.waitForSelector(`${EXECUTE}[aria-label^=Execute]`);
  await write(page, '{ orderChanges(where: { customer: { name: { eq: "x" } } }) { kind } }', 'subscription');
  await page.click(EXECUTE);
  await page.locator('.graphiql-response .view-lines', { hasText: 'BAD_USER_INPUT' }).waitFor();
  await page.waitForSelector(`${EXECUTE}[aria-label^=Execute]`);
  await browser.shot('subscription-refused');
  console.log(`  ${persona.name}: a subscription ran and was stopped`);
}

/** Who holds the tool views as somebody who lacks the field, sees that it is so, and comes back. */
async function viewAs(browser, index, developer, lacks) {
  const { page } = browser;
  await page.selectOption('#persona', String(index));
  await page.waitForFunction((name) => document.querySelector('.who strong')?.textContent === name, developer.name);
  await ready(page);
  assert.ok((await documented(page)).includes(FIELD), `${developer.name} does not see ${FIELD}`);
  await page.click('.viewas summary');
  const target = lacks.persona.name.replace(/ \(.*$/, ''); // the demo says in brackets what they are
  await page.fill('#target', target.split(' ')[0].toUpperCase());
  const choice = page.locator('.viewas li button', { hasText: target });
  await choice.waitFor();
  await browser.shot('view-as-choice');
  await choice.click();
  await page.locator('.viewing', { hasText: `Viewing as ${target}, read-only` }).waitFor();
  await page.waitForFunction((name) => document.querySelector('.who strong')?.textContent === name, target);
  await ready(page);
  await write(page, `{ looked: ${lacks.list}(first: 3) { nodes { id } } }`);
  await run(page, '"looked"');
  assert.deepEqual((await documented(page)).toSorted(), lacks.fields.toSorted(), 'the schema is not that of the one viewed as');
  await browser.shot('view-as');
  await page.getByRole('button', { name: 'Back to yourself' }).click();
  await page.waitForFunction((name) => !document.querySelector('.viewing') && document.querySelector('.who strong')?.textContent === name, developer.name);
  await ready(page);
  assert.ok((await documented(page)).includes(FIELD), 'the way back leads elsewhere');
  console.log(`  ${developer.name} as ${lacks.persona.name}: ${FIELD} absent, and there again afterwards`);
}

async function assertNothingKept(page, secrets) {
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, document.cookie]));
  for (const secret of secrets) assert.ok(!kept.includes(secret), 'a secret stays in the browser');
}

/** Demo mode: three people see three schemas; live says that the server has subscriptions. */
export async function personaTour(browser, url, live) {
  const { page } = browser;
  const people = await (await fetch(new URL('personas.json', url))).json();
  assert.ok(people.length >= 3, 'the demo needs three personas');
  const { chosen, refused } = await choose(url, people);
  await page.goto(url);
  await ready(page);
  await browser.shot('first');
  for (const one of chosen) await visit(browser, one);
  const developer = people.findIndex((p) => /developer/i.test(p.kind) && p.application);
  assert.ok(developer >= 0, 'the demo needs a developer');
  await viewAs(browser, developer, people[developer], chosen[1]);
  await page.selectOption('#persona', String(chosen[0].index));
  assert.equal(await page.locator('.viewas').count(), 0, 'the tool is offered to somebody who does not hold it');
  await page.emulateMedia({ colorScheme: 'dark' });
  await visit(browser, chosen[0]); // back again: nothing of the others is left
  if (live) await watchOrders(browser, url, chosen[0]);
  await page.selectOption('#endpoint', '/graphql');
  await ready(page);
  await browser.shot('management');
  await assertNothingKept(page, people.map((p) => p.token).filter(Boolean));
  browser.assertClean();
  if (refused) {
    await page.selectOption('#persona', String(refused.index));
    await assertRefused(browser, 'refused-persona');
  }
  await page.fill('#token', 'not-a-token');
  await page.press('#token', 'Enter');
  await assertRefused(browser, 'refused-token');
  browser.forget(/status of 4\d\d/);
}

/** The page shows why there is no schema, in the server's words. */
async function assertRefused(browser, name) {
  await browser.page.waitForSelector('#failure');
  assert.match(await browser.page.textContent('[role=alert]'), /UNAUTHENTICATED/);
  await browser.shot(name);
}

/** Outside of demo mode: sign in, look, sign out. */
export async function signInTour(browser, url, { organization, email, password }) {
  const { page } = browser;
  await page.goto(url);
  await page.getByLabel('Organization').fill(organization);
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill('wrong');
  await browser.shot('sign-in');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.messages').first().waitFor();
  await browser.shot('sign-in-refused');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await ready(page);
  await page.locator('#endpoint option[value^="/apps/"]').first().waitFor({ state: 'attached' });
  await browser.shot('signed-in');
  await assertNothingKept(page, [password, await page.inputValue('#token')]);
  await page.selectOption('#endpoint', { index: 0 });
  await ready(page);
  await browser.shot('application');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Organization').waitFor();
  assert.equal(await page.inputValue('#token'), '');
  // Without a token the page asks for its personas and its schema in vain.
  browser.forget(/status of 4\d\d/);
}
