// A person with a browser: signs in at the company's provider, works, signs out.
import assert from 'node:assert/strict';
import {after, before, describe, it} from 'node:test';

import {jsonPart, verifiedClaims} from '../support/assertion.mjs';
import {chooseUser, describedRequest, newProfile, startBrowser} from '../support/browser.mjs';
import {Scene} from '../support/scene.mjs';

describe('a person with a browser', () => {
  let scene;
  let browser;

  before(async () => {
    scene = await Scene.open();
    browser = await startBrowser(scene.world);
  });
  after(() => scene?.close());

  async function signedIn(user, url = `${scene.plan.app}/`) {
    const context = await newProfile(browser);
    const page = await context.newPage();
    await page.goto(url);
    await chooseUser(page, user);
    await page.waitForURL(url);
    return {context, page};
  }

  // One tab for each URL, all of them left at the provider's page.
  async function openTabs(context, urls) {
    const tabs = [];
    for (const url of urls) {
      const tab = await context.newPage();
      await tab.goto(url);
      await tab.waitForURL(/\/interaction\//);
      tabs.push(tab);
    }
    return tabs;
  }

  // By the page that asks first.
  async function signOut(page) {
    await page.goto(`${scene.plan.app}/.pomerium/sign_out`);
    await page.getByRole('button', {name: 'Sign out'}).click();
    await page.getByRole('heading', {name: 'You are signed out'}).waitFor();
  }

  function header(request, name) {
    return request.headers.find(([candidate]) => candidate.toLowerCase() === name)?.[1];
  }

  async function userSeenOn(page) {
    return header(await describedRequest(page), 'x-pomerium-claim-email');
  }

  // How often browsers were sent to the provider so far.
  function visitsToProvider() {
    return scene.provider.count(/^\/auth$/);
  }

  it('signs in and is known to the application, at the page that was wanted', async () => {
    const {plan} = scene;
    const {page} = await signedIn('alice', `${plan.app}/reports/2024?view=all&q=a%20b`);

    const request = await describedRequest(page);
    assert.equal(request.path, '/reports/2024?view=all&q=a%20b');
    assert.equal(header(request, 'x-pomerium-claim-email'), 'alice@corp.example');
    assert.equal(header(request, 'x-pomerium-claim-groups'), 'eng,ops');
    const jwt = header(request, 'x-pomerium-jwt-assertion');
    const claims = await verifiedClaims(scene.visitor(), plan.app, jwt);
    assert.equal(claims.email, 'alice@corp.example');
    assert.equal(claims.sub, 'alice');
    assert.equal(claims.aud, 'app.localhost');
    assert.equal(claims.iss, 'app.localhost');
    assert.deepEqual(claims.groups, ['eng', 'ops']);
    const now = Date.now() / 1000;
    assert.ok(claims.iat <= now + 1 && claims.exp > now, JSON.stringify(claims));
  });

  // Covers SES-21.
  it('keeps the session where scripts and other sites cannot have it', async () => {
    const {context, page} = await signedIn('alice');

    const kept = (await context.cookies()).filter(({name}) => name.startsWith('_pomerium'));
    assert.deepEqual(new Set(kept.map(({name, domain}) => `${name} ${domain}`)), new Set([
      '_pomerium app.localhost',
      '_pomerium_login app.localhost',
      '_pomerium_authenticate authenticate.localhost',
      '_pomerium_csrf authenticate.localhost',
    ]));
    for (const cookie of kept) {
      assert.ok(cookie.secure && cookie.httpOnly && cookie.path === '/', JSON.stringify(cookie));
    }
    assert.equal(await page.evaluate(() => document.cookie), '');
  });

  it('is told who may not open a page, and why nothing happens, without being sent round', async () => {
    const {plan, origin} = scene;
    origin.forget();
    const {page} = await signedIn('bob', `${plan.admin}/salaries`);
    const before = visitsToProvider();

    const answer = await page.goto(`${plan.admin}/salaries`);

    assert.equal(answer.status(), 403);
    assert.equal(answer.request().redirectedFrom(), null);
    assert.equal(page.url(), `${plan.admin}/salaries`);
    assert.equal(visitsToProvider(), before);
    await page.getByRole('heading', {name: 'You may not open this page'}).waitFor();
    assert.match(await page.locator('body').innerText(), /bob@corp\.example/);
    assert.ok(!origin.bytes.includes('/salaries'), 'the application was asked');

    // The page offers the way out of a wrong account.
    await page.getByRole('button', {name: 'Sign out'}).click();
    await page.getByRole('heading', {name: 'You are signed out'}).waitFor();
  });

  // Covers SES-23.
  it('signs out here and at the provider, and is asked who they are afterwards', async () => {
    const {plan, provider} = scene;
    const {context, page} = await signedIn('alice');
    const stolen = await context.cookies();
    const open = await context.newPage();
    await open.goto(`${plan.app}/open`);
    const ask = () => open.evaluate(async () => (await fetch('/data')).status);
    assert.equal(await ask(), 200);
    const revoked = provider.count(/^\/token\/revocation$/);
    const told = page.waitForRequest((request) =>
      request.url().startsWith(`${provider.issuer}/session/end?`));

    await signOut(page);

    assert.equal(page.url(), `${plan.origin('authenticate')}/.pomerium/signed_out`);
    const {searchParams} = new URL((await told).url());
    assert.equal(jsonPart(searchParams.get('id_token_hint').split('.')[1]).sub, 'alice');
    assert.equal(provider.count(/^\/token\/revocation$/), revoked + 2, 'both tokens are revoked');
    const left = (await context.cookies()).map(({name}) => name);
    assert.ok(!left.includes('_pomerium') && !left.includes('_pomerium_authenticate'), left.join());
    // A page that is still open is told by a status, as its scripts cannot follow a sign-in.
    assert.equal(await ask(), 401);
    await page.goto(`${plan.app}/`);
    await page.waitForURL(/\/interaction\//);

    // Whoever kept the cookies has nothing: the session itself has ended.
    const thief = await newProfile(browser);
    await thief.addCookies(stolen.filter(({name}) => name.startsWith('_pomerium')));
    const attempt = await thief.newPage();
    await attempt.goto(`${plan.app}/`);
    await attempt.waitForURL(/\/interaction\//);

    await chooseUser(page, 'bob');
    await page.waitForURL(`${plan.app}/`);
    assert.equal(await userSeenOn(page), 'bob@corp.example');
  });

  it('may sign out and in again at once, and again', async () => {
    const {plan} = scene;
    const {page} = await signedIn('alice');
    for (const user of ['bob', 'alice', 'bob']) {
      await signOut(page);
      await page.goto(`${plan.app}/`);
      await chooseUser(page, user);
      await page.waitForURL(`${plan.app}/`);
      assert.equal(await userSeenOn(page), `${user}@corp.example`);
    }
  });

  it('stays signed in while Vallum is restarted', async () => {
    const {plan, vallum} = scene;
    const {page} = await signedIn('alice');
    const before = visitsToProvider();

    const began = Date.now();
    await vallum.stop();
    assert.ok(Date.now() - began < 10_000, 'an idle connection of a browser held up the end');
    await vallum.launch();
    await page.reload();

    assert.equal(await userSeenOn(page), 'alice@corp.example');
    await page.goto(`${plan.admin}/`);
    assert.equal(await userSeenOn(page), 'alice@corp.example');
    assert.equal(visitsToProvider(), before);
  });

  it('signs in once for all tabs and all applications', async () => {
    const {plan} = scene;
    const context = await newProfile(browser);
    const urls = [1, 2, 3].map((number) => `${plan.app}/tab/${number}`);
    const tabs = await openTabs(context, urls);
    await chooseUser(tabs[0], 'alice');
    await tabs[0].waitForURL(urls[0]);
    const before = visitsToProvider();

    // The others were left at the provider's page: going back to the application is enough.
    await Promise.all([1, 2].map((index) => tabs[index].goto(urls[index])));
    const other = await context.newPage();
    await other.goto(`${plan.admin}/`);

    for (const [index, url] of urls.entries()) assert.equal(tabs[index].url(), url);
    assert.deepEqual(await Promise.all([...tabs, other].map(userSeenOn)),
      Array(4).fill('alice@corp.example'));
    assert.equal(visitsToProvider(), before);
  });

  it('may also finish a sign-in that was begun in each of several tabs', async () => {
    const {plan} = scene;
    const context = await newProfile(browser);
    const urls = [1, 2, 3].map((number) => `${plan.app}/begun/${number}`);
    const tabs = await openTabs(context, urls);

    for (const [index, tab] of tabs.entries()) {
      await chooseUser(tab, 'alice');
      await tab.waitForURL(urls[index]);
    }

    assert.deepEqual(await Promise.all(tabs.map(userSeenOn)), Array(3).fill('alice@corp.example'));
  });

  it('may open several tabs at the very same moment', async () => {
    const {plan} = scene;
    const context = await newProfile(browser);
    const urls = [1, 2, 3].map((number) => `${plan.app}/restored/${number}`);
    const tabs = await Promise.all(urls.map(() => context.newPage()));
    await Promise.all(tabs.map((tab, index) => tab.goto(urls[index])));

    for (const [index, tab] of tabs.entries()) {
      await chooseUser(tab, 'alice');
      // The browser keeps one of the cookies with which the attempts began, so the others cannot be
      // finished: those tabs say so, and lead to where they were going.
      const wayOn = tab.getByRole('link', {name: 'Try again'});
      await wayOn.or(tab.getByText('alice@corp.example')).first().waitFor();
      if (await wayOn.isVisible()) await wayOn.click();
      await tab.waitForURL(urls[index]);
      assert.equal(await userSeenOn(tab), 'alice@corp.example');
    }
  });

  // Covers SES-06.
  it('loses a live connection with the session', async () => {
    const {plan} = scene;
    const {context, page} = await signedIn('alice');
    const echoed = await page.evaluate((url) => new Promise((resolve, reject) => {
      window.live = new WebSocket(url);
      window.ended = new Promise((done) => (window.live.onclose = () => done('closed')));
      window.live.onopen = () => window.live.send('hello');
      window.live.onmessage = ({data}) => resolve(data);
      window.live.onerror = () => reject(new Error('no connection'));
    }), `${plan.app.replace('https:', 'wss:')}/socket`);
    assert.equal(echoed, 'hello');

    await signOut(await context.newPage());

    assert.equal(await page.evaluate(() => window.ended), 'closed');
  });
});
