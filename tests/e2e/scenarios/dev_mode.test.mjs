// `vallum dev`: everything a newcomer needs, on one machine, without a network.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {after, before, describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';

import {describedRequest, newProfile, startBrowser} from '../support/browser.mjs';
import {Development} from '../support/development.mjs';
import {requireBinary, runVallum} from '../support/vallum.mjs';
import {World} from '../support/world.mjs';

describe('vallum dev', () => {
  const world = new World();
  let dev;
  let browser;

  before(async () => {
    requireBinary();
    dev = await Development.start(world);
    browser = await startBrowser(world);
  });
  after(() => world.end());

  it('prints the URL and nothing else that is no record, and tells a person the rest', () => {
    const [first, ...rest] = dev.output.stdout.trim().split('\n');
    assert.match(first, /^https:\/\/app\.localhost(:\d+)?$/);
    for (const line of rest) JSON.parse(line);
    assert.match(dev.output.stderr, /alice@example\.com +groups: engineering, admins/);
    assert.ok(existsSync(dev.authority));
    assert.ok(dev.output.stderr.includes(dev.authority));
  });

  it('signs somebody in, and the application knows who and that it is true', async () => {
    const page = await (await newProfile(browser)).newPage();
    await page.goto(`${dev.url}/hello?to=you`);
    await page.getByRole('button', {name: 'Alice Archer'}).click();
    await page.waitForURL(`${dev.url}/hello?to=you`);

    await page.getByRole('heading', {name: 'Hello, alice@example.com'}).waitFor();
    await page.getByText('it is genuine, for this host, and in time').waitFor();
    await page.goto(dev.admin);
    await page.getByRole('heading', {name: 'Hello, alice@example.com'}).waitFor();
  });

  it('lets anybody be somebody else, and holds policy against them', async () => {
    const page = await (await newProfile(browser)).newPage();
    await page.goto(dev.admin);
    await page.getByLabel('E-mail').fill('eve@elsewhere.example');
    await page.getByLabel('Groups').fill('visitors, admins-not');
    await page.getByRole('button', {name: 'Continue'}).click();

    await page.getByRole('heading', {name: 'You may not open this page'}).waitFor();
    await page.getByText('eve@elsewhere.example').waitFor();
    await page.goto(dev.url);
    await page.getByRole('heading', {name: 'Hello, eve@elsewhere.example'}).waitFor();
  });

  it('has a certificate that the authority it names has signed', async () => {
    const answer = await dev.visitor().request(`${dev.url}/ping`);
    assert.equal(answer.status, 200);
  });

  it('keeps people signed in, and its authority, over a restart', async () => {
    const visitor = dev.visitor();
    await dev.signIn(visitor, 'bob');
    const authority = readFileSync(dev.authority);

    await dev.restart();

    assert.ok(authority.equals(readFileSync(dev.authority)));
    const answer = await visitor.request(`${dev.url}/`);
    assert.equal(answer.status, 200);
    assert.match(answer.body, /Hello, bob@example\.com/);
  });

  it('listens to this machine only', async () => {
    // Every listening socket of the process, from the kernel's own table.
    const inodes = dev.socketInodes();
    const tables = ['/proc/net/tcp', '/proc/net/tcp6'].filter(existsSync);
    const listening = tables.flatMap((table) => readFileSync(table, 'utf8')
      .split('\n').slice(1).map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[3] === '0A' && inodes.has(columns[9])));
    assert.ok(listening.length >= 4, `${listening.length} listeners`);
    for (const columns of listening) {
      assert.match(columns[1], /^0100007F:/, 'a listener on another address than 127.0.0.1');
    }
  });

  it('does not answer other names than those of this machine', async () => {
    const answer = await dev.visitor().request(`${dev.provider}/.well-known/openid-configuration`,
      {headers: {host: 'rebound.example'}});
    assert.equal(answer.status, 403);
  });

  it('is the only way to its provider', async () => {
    const port = await runVallum(['--cores', '1', 'dev'], {env: dev.environment});
    assert.equal(port.code, 1);
    assert.match(port.stderr, /the development identity provider runs in `vallum dev` only/);

    // The configuration it wrote is an ordinary one; without `vallum dev` nobody answers as provider.
    await dev.stop();
    const ordinary = await dev.startConfigured();
    try {
      const answer = await dev.visitor().follow(`${dev.url}/`);
      assert.equal(answer.status, 503);
      assert.match(answer.body, /The identity provider is not available/);
    } finally {
      await ordinary.stop();
    }
    await dev.launch();
  });

  it('needs no network', async (t) => {
    const probe = await run('unshare', ['--net', '--map-root-user', 'true']);
    if (probe.code !== 0) return t.skip('this machine lets nobody make a network of their own');
    const script = fileURLToPath(new URL('../support/development_offline.mjs', import.meta.url));

    const result = await run('unshare', ['--net', '--map-root-user', process.execPath, script]);

    assert.equal(result.code, 0, result.output);
    assert.match(result.output, /Hello, carol@partner\.example/);
  });
});

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args);
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({code: -1, output: String(error)}));
    child.on('close', (code) => resolve({code, output}));
  });
}
