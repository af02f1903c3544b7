// Secrets that were planted, and what people are given, are searched for where they must not be; and
// what was acknowledged is still there after the process was killed.
import assert from 'node:assert/strict';
import {generateKeyPairSync, randomBytes} from 'node:crypto';
import {existsSync, readFileSync} from 'node:fs';
import {after, before, describe, it} from 'node:test';

import {jsonPart} from '../support/assertion.mjs';
import {Scene} from '../support/scene.mjs';
import {traceOf} from '../support/traces.mjs';
import {until} from '../support/world.mjs';

const kPlanted = {
  sub: 'planted-user-7f3a91c2',
  name: 'Planted Name Quux',
  email: 'planted.address@corp.example',
};

const kSecretParameters =
  ['code', 'state', 'pomerium_session_encrypted', 'pomerium_signature', 'id_token_hint'];

describe('the search for traces', () => {
  it('finds a text in every form', () => {
    const secret = 'planted-secret';
    const raw = Buffer.from(secret);
    for (const encoding of ['utf8', 'hex', 'base64', 'base64url']) {
      assert.ok(traceOf(secret, Buffer.from(`x${raw.toString(encoding)}y`)), encoding);
    }
    for (const before of ['', 'a', 'ab', 'abc']) {
      const inside = Buffer.from(`${before}${secret}${before}`).toString('base64');
      assert.ok(traceOf(secret, Buffer.from(inside)), before);
    }
    assert.equal(traceOf(secret, Buffer.from('planted-secre t')), undefined);
    const id = '0f0e0d0c-0b0a-4908-8706-050403020100';
    assert.equal(traceOf(id, Buffer.from(id.replaceAll('-', ''), 'hex')), 'as 16 bytes');
  });
});

describe('a deployment with planted secrets', () => {
  let scene;
  const secrets = new Map();  // what it is -> text
  const personal = new Map();

  function plant(what, text) {
    assert.ok(text && text.length >= 8, `${what}: nothing to look for`);
    secrets.set(`${what} (${secrets.size})`, text);
  }

  function plantUrls(visited) {
    for (const url of visited) {
      const {searchParams} = new URL(url);
      for (const name of kSecretParameters) {
        if (searchParams.get(name)) plant(name, searchParams.get(name));
      }
    }
  }

  function plantCookies(visitor) {
    for (const [host, jar] of visitor.cookies) {
      if (!host.endsWith('.localhost')) continue;
      for (const [name, value] of jar) {
        // The counter of attempts is a time and a number: nothing to hide.
        if (!name.endsWith('_login')) plant(`${name} of ${host}`, value);
      }
    }
  }

  // A sign-in of which everything secret is noted.
  async function signIn(user) {
    const visitor = scene.visitor();
    const page = await visitor.follow(`${scene.plan.app}/`);
    const answer = await visitor.submit(page, {user});
    plantUrls([...page.visited, page.url, ...answer.visited]);
    plantCookies(visitor);
    return {visitor, answer};
  }

  before(async () => {
    const {privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'});
    const pem = privateKey.export({format: 'pem', type: 'pkcs8'});
    scene = await Scene.open((config) => {
      config.signing_key = Buffer.from(pem).toString('base64');
      config.log_level = 'debug';
    });
    const {plan, provider} = scene;
    provider.users[kPlanted.sub] = {...kPlanted, email_verified: true, groups: ['planted-group-xyzzy']};
    plant('client secret', plan.clientSecret);
    plant('shared secret', plan.sharedSecret);
    plant('cookie secret', plan.cookieSecret);
    plant('shared secret, decoded', Buffer.from(plan.sharedSecret, 'base64').toString('hex'));
    plant('signing key', privateKey.export({format: 'jwk'}).d);
    for (const line of pem.split('\n').slice(1, -2)) plant('line of the signing key', line);
    await everythingThatPeopleDo();
    for (const token of provider.tokens) {
      plant('token', token);
      if (token.split('.').length === 3) plant('signature of a token', token.split('.')[2]);
    }
  });
  after(() => scene?.close());

  // What goes well and what goes wrong: errors are where secrets are printed.
  async function everythingThatPeopleDo() {
    const {plan, provider} = scene;
    const {visitor, answer} = await signIn(kPlanted.sub);
    assert.equal(answer.status, 200);
    const handle = visitor.cookie('app.localhost', '_pomerium');
    const claims = jsonPart(handle.split('.')[1]);
    assert.equal(claims.sub, kPlanted.sub);
    const {jti: session} = claims;
    for (const [name, text] of Object.entries({...kPlanted, group: 'planted-group-xyzzy', session})) {
      assert.ok(text, `the handle names no ${name}`);
      personal.set(name, text);
    }
    const secretary = scene.visitor();
    for (const headers of [
      {authorization: `Pomerium ${handle}`}, {authorization: `Bearer Pomerium-${handle}`},
      {'x-pomerium-authorization': handle}, {referer: `${plan.app}/?pomerium_session=${handle}`},
    ]) await secretary.request(`${plan.app}/`, {headers});
    await secretary.request(`${plan.app}/?pomerium_session=${handle}`);
    await secretary.request(`${plan.app}/.pomerium/callback/?pomerium_session_encrypted=${handle}`);
    assert.equal((await visitor.follow(`${plan.admin}/`)).status, 403);

    // Sign-ins that fail at each place where a credential is in hand.
    for (const fault of [{status: 500, body: '{"error":"server_error"}'}, {body: 'rubbish'}, {reset: true}]) {
      provider.fail(/^\/token$/, fault);
      assert.ok((await signIn('alice')).answer.status >= 500);
      provider.heal();
    }
    provider.fail(/^\/me$/, {body: '{"sub":"somebody else"}'});
    assert.equal((await signIn('alice')).answer.status, 401);
    provider.heal();
    const again = scene.visitor();
    const page = await again.follow(`${plan.app}/`);
    const done = await again.submit(page, {user: 'bob'});
    plantUrls(done.visited);
    const callback = done.visited.find((url) => url.includes('/oauth2/callback'));
    assert.equal((await again.request(callback)).status, 400, 'a callback works once');

    const programmatic = await secretary.request(
      `${plan.app}/.pomerium/api/v1/login?pomerium_redirect_uri=http://localhost:1/`);
    assert.equal(programmatic.status, 200);
    plantUrls([programmatic.body.trim()]);
    const {visitor: leaving} = await signIn('bob');
    const left = await leaving.signOut(plan.app);
    assert.ok(left.url.startsWith(`${provider.issuer}/session/end`), left.url);
    plantUrls([...left.visited, left.url]);
  }

  function everyTrace(map, bytes) {
    return [...map].map(([what, text]) => [what, traceOf(text, bytes)])
      .filter(([, form]) => form)
      .map(([what, form]) => `${what} ${form}`);
  }

  // Covers ADM-02, SES-18.
  it('says who did what, and prints no secret', async () => {
    assert.ok(secrets.size > 40, `only ${secrets.size} secrets were noted`);
    await until('the records have come', () =>
      scene.vallum.records('http-request').some(({method, path}) =>
        method === 'POST' && path === '/.pomerium/sign_out'));
    const written = Buffer.from(scene.vallum.everythingWritten);
    assert.ok(written.includes(kPlanted.email), 'the records do not name the person');
    assert.ok(scene.vallum.records('http-request').length >= 20);

    assert.deepEqual(everyTrace(secrets, written), []);
  });

  // Covers DBR-25.
  it('keeps nothing readable in the files of its store', async () => {
    const files = () => ['', '-wal', '-shm'].map((suffix) => scene.plan.store + suffix).filter(existsSync);
    const read = () => Buffer.concat(files().map((file) => readFileSync(file)));
    const whileItRuns = read();
    assert.ok(whileItRuns.length > 4096 && whileItRuns.includes('SQLite format 3'));
    await scene.vallum.stop();
    const afterwards = read();

    for (const bytes of [whileItRuns, afterwards]) {
      assert.deepEqual(everyTrace(secrets, bytes), []);
      assert.deepEqual(everyTrace(personal, bytes), []);
    }
    await scene.vallum.launch();
  });

  // Covers ADM-02.
  it('prints no secret when it does not start', async () => {
    const {plan, vallum} = scene;
    await vallum.stop();
    const before = vallum.everythingWritten.length;
    const file = readFileSync(vallum.configFile, 'utf8');
    const {configFile} = vallum;
    const other = randomBytes(32).toString('base64');
    try {
      for (const [from, to] of [[plan.sharedSecret, other], [plan.cookieSecret, `${plan.cookieSecret}!`]]) {
        vallum.configFile = plan.write(JSON.parse(file.replace(from, to)), 'refused.yaml');
        await assert.rejects(vallum.launch(), /vallum ended at start/);
      }
    } finally {
      vallum.configFile = configFile;
    }
    const written = Buffer.from(vallum.everythingWritten.slice(before));
    assert.ok(written.length > 0);
    assert.deepEqual(everyTrace(secrets, written), []);
    assert.equal(traceOf(other, written), undefined);
    await vallum.launch();
  });
});

describe('a storm of sign-ins that ends in a kill', () => {
  const kVisitors = 40;
  const kAcknowledgedBeforeTheKill = [1, 7, 15];
  let scene;

  before(async () => {
    scene = await Scene.open();
  });
  after(() => scene?.close());

  // Covers DBR-17.
  it('loses no session whose cookie a browser has', async () => {
    const {plan, vallum} = scene;
    let interrupted = 0;
    for (const wanted of kAcknowledgedBeforeTheKill) {
      const visitors = Array.from({length: kVisitors}, () => scene.visitor());
      const hasSession = (visitor) => visitor.cookie('authenticate.localhost', '_pomerium_authenticate');
      const storm = visitors.map((visitor) =>
        visitor.signIn(`${plan.app}/`, 'alice').then(() => true, () => false));
      await until('sessions are acknowledged', () => visitors.filter(hasSession).length >= wanted);
      await vallum.kill();
      interrupted += (await Promise.all(storm)).filter((finished) => !finished).length;
      const acknowledged = visitors.filter(hasSession);
      await vallum.launch();

      for (const visitor of acknowledged) {
        const asked = scene.provider.count(/^\/auth$/);
        const answer = await visitor.follow(`${plan.app}/`);
        assert.equal(answer.status, 200, `${answer.url}: ${answer.body}`);
        assert.ok(answer.url.startsWith(plan.app), `was sent to ${answer.url}`);
        assert.equal(scene.provider.count(/^\/auth$/), asked, 'had to sign in again');
      }
    }
    assert.ok(interrupted > 0, 'every sign-in had ended: the kill interrupted nothing');
  });
});
