// The provider is down, slow, wrong or talks rubbish: people are told so, nobody who has signed in
// notices, and signing in works again as soon as the provider does.
import assert from 'node:assert/strict';
import {after, afterEach, before, describe, it} from 'node:test';

import {Scene} from '../support/scene.mjs';
import {until} from '../support/world.mjs';

const kDiscovery = /openid-configuration/;
const kKeys = /^\/jwks$/;
const kToken = /^\/token$/;
const kUserinfo = /^\/me$/;

// A provider that lasts through the scenarios of one block, and somebody who signed in before.
async function openWithSession() {
  const scene = await Scene.open();
  return {scene, early: await scene.signedIn('alice')};
}

async function assertStillServed(scene, visitor) {
  const answer = await visitor.request(`${scene.plan.app}/`);
  assert.equal(answer.status, 200, `whoever had signed in got ${answer.status}: ${answer.body}`);
  assert.match(answer.body, /alice@corp\.example/);
}

// What a new visitor gets who tries to sign in, as far as it goes.
async function tryToSignIn(scene, user = 'bob') {
  const visitor = scene.visitor();
  const page = await visitor.follow(`${scene.plan.app}/wanted`);
  return page.url.includes('/interaction/') ? visitor.submit(page, {user}) : page;
}

async function assertRecovers(scene) {
  await until('signing in works again', async () => (await tryToSignIn(scene)).status === 200);
}

// A page for people: what is wrong in words, a way to try again, and the number that is in the log.
async function assertExplains(scene, page, status, title, reason) {
  assert.equal(page.status, status, page.body);
  assert.match(page.headers['content-type'], /^text\/html/);
  assert.ok(page.body.includes(`<h1>${title}</h1>`), page.body);
  assert.match(page.body, /Try again/);
  const written = await until(`the log has the number of the page: ${page.body}`, () =>
    scene.vallum.everythingWritten.split('\n')
      .filter((line) => line.includes('sign-in failed') && line.endsWith('}'))
      .map((line) => JSON.parse(line))
      .findLast((record) => page.body.includes(record['request-id'])));
  assert.match(written.error, reason);
}

// Each block has a deployment of its own, and one of them mostly waits.
describe('a provider', {concurrency: true}, () => {
  const kInOrder = {concurrency: 1};

  describe('that is down when Vallum starts', kInOrder, () => {
    let scene;
    let early;

    before(async () => {
      ({scene, early} = await openWithSession());
      await scene.provider.stop();
      await scene.vallum.restart();
    });
    after(() => scene?.close());

    it('disturbs nobody who has signed in', () => assertStillServed(scene, early));

    it('leaves the process ready, and is named in its status', async () => {
      const operators = `http://127.0.0.1:${scene.plan.healthPort}`;
      for (const probe of ['healthz', 'readyz']) {
        assert.equal((await scene.visitor().request(`${operators}/${probe}`)).status, 200);
      }
      await until('/status says what is wrong with the provider', async () => {
        const status = await scene.visitor().request(`${operators}/status`);
        return JSON.stringify(JSON.parse(status.body)).match(/identity\.provider.*127\.0\.0\.1/);
      });
    });

    it('is named on the page and in the log', async () => {
      const page = await tryToSignIn(scene);

      await assertExplains(scene, page, 503, 'The identity provider is not available', /127\.0\.0\.1/);
      assert.match(scene.vallum.everythingWritten, /provider: document cannot be fetched/);
    });

    it('is used again once it is there', async () => {
      await scene.provider.resume();

      await assertRecovers(scene);
      await assertStillServed(scene, early);
      assert.match(scene.vallum.everythingWritten, /provider: document is available again/);
    });

    it('may go away again: what is known of it is enough to go on', async () => {
      await scene.provider.stop();

      await assertStillServed(scene, early);
      const sent = await scene.visitor().follow(`${scene.plan.app}/`).catch((error) => error);
      // The browser is sent there, and it is the browser that then finds nobody.
      assert.equal(sent.code, 'ECONNREFUSED', String(sent.body ?? sent));
      await scene.provider.resume();
      await assertRecovers(scene);
    });
  });

  describe('whose documents are unusable', kInOrder, () => {
    let scene;
    let early;

    before(async () => {
      ({scene, early} = await openWithSession());
    });
    afterEach(() => scene.provider.heal());
    after(() => scene?.close());

    const faults = [
      ['metadata with status 500', kDiscovery, {status: 500}, /answered with status 500/],
      ['a page instead of metadata', kDiscovery, {body: '<html>', type: 'text/html'}, /metadata: not JSON/],
      ['metadata without its end', kDiscovery, {body: '{"issuer": "http'}, /metadata: not JSON/],
      ['metadata that is too long', kDiscovery, {body: `{"x": "${'x'.repeat(300_000)}"}`},
        /the answer is longer than allowed/],
      ['metadata of another issuer', kDiscovery, {body: '{"issuer": "https://evil.example"}'},
        /'issuer' is 'https:\/\/evil\.example', configured is 'http:\/\/127/],
      ['metadata of nobody', kDiscovery, {body: '{}'}, /'issuer'/],
      ['a connection that ends', kDiscovery, {reset: true}, /127\.0\.0\.1/],
      ['keys with status 404', kKeys, {status: 404}, /provider keys: answered with status 404/],
      ['rubbish instead of keys', kKeys, {body: 'rubbish'}, /provider keys/],
      ['no keys', kKeys, {body: '{"keys": []}'}, /provider keys: none that can verify/],
    ];
    for (const [what, path, fault, reason] of faults) {
      // Covers OID-18, OID-19.
      it(`is told apart: ${what}`, async () => {
        const {provider, vallum} = scene;
        // Without what it knows of the provider.
        await vallum.stop();
        provider.fail(path, fault);
        await vallum.launch();

        const page = await tryToSignIn(scene);

        await assertExplains(scene, page, 503, 'The identity provider is not available', reason);
        await assertStillServed(scene, early);
        provider.heal();
        await assertRecovers(scene);
      });
    }
  });

  describe('that fails while somebody signs in', kInOrder, () => {
    let scene;
    let early;

    before(async () => {
      ({scene, early} = await openWithSession());
    });
    afterEach(() => scene.provider.heal());
    after(() => scene?.close());

    const kUnavailable = [503, 'The identity provider is not available'];
    const kWrongAnswer = [502, 'The identity provider gave a wrong answer'];
    const kRefused = [401, 'The identity provider did not sign you in'];
    const json = (value) => ({body: JSON.stringify(value)});
    const faults = [
      ['the token endpoint fails', kToken, {status: 500},
        kUnavailable, /token endpoint: answered with status 500/],
      ['the token endpoint ends the connection', kToken, {reset: true},
        kUnavailable, /127\.0\.0\.1/],
      ['the token endpoint talks rubbish', kToken, {body: '<html>'},
        kUnavailable, /not a JSON object/],
      ['there is no id token', kToken, json({access_token: 'x', token_type: 'Bearer'}),
        kUnavailable, /no 'id_token'/],
      ['the id token is rubbish', kToken,
        json({access_token: 'x', token_type: 'Bearer', id_token: 'a.b.c'}),
        kRefused, /id token/],
      ['the code is refused', kToken,
        {status: 400, ...json({error: 'invalid_grant', error_description: 'too old'})},
        kRefused, /'invalid_grant': too old/],
      ['our secret is refused', kToken, {status: 401, ...json({error: 'invalid_client'})},
        kWrongAnswer, /'invalid_client'/],
      ['userinfo fails', kUserinfo, {status: 500},
        kUnavailable, /userinfo: answered with status 500/],
      ['userinfo is about somebody else', kUserinfo, json({sub: 'mallory'}),
        kRefused, /'sub' is not the user/],
    ];
    for (const [what, path, fault, [status, title], reason] of faults) {
      // Covers OID-14, OID-17.
      it(`signs nobody in: ${what}`, async () => {
        const {provider, origin, plan} = scene;
        origin.forget();
        provider.fail(path, fault);
        const visitor = scene.visitor();

        const page = await visitor.signIn(`${plan.app}/wanted`, 'bob');

        await assertExplains(scene, page, status, title, reason);
        assert.match(page.body, new RegExp(`href="${plan.app}/wanted"`));
        assert.equal(visitor.cookie('authenticate.localhost', '_pomerium_authenticate'), undefined);
        assert.equal(visitor.cookie('app.localhost', '_pomerium'), undefined);
        assert.equal(origin.requests.length, 0);
        await assertStillServed(scene, early);
        provider.heal();
        // The same browser, by the link of the page.
        assert.equal((await visitor.follow(`${plan.app}/wanted`)).status, 200);
      });
    }

    // Covers OID-20.
    it('may change its keys without notice', async () => {
      const before = scene.provider.count(kKeys);
      scene.provider.rotateKeys();

      assert.equal((await tryToSignIn(scene)).status, 200);

      assert.equal(scene.provider.count(kKeys), before + 1);
    });

    it('may refuse a person, and is quoted', async () => {
      const {plan, provider} = scene;
      const visitor = scene.visitor();
      const first = await visitor.request(`${plan.app}/`);
      const toProvider = await visitor.request(first.headers.location);
      const state = new URL(toProvider.headers.location).searchParams.get('state');
      const callback = new URL('/oauth2/callback', plan.origin('authenticate'));
      callback.search = new URLSearchParams({
        error: 'access_denied', error_description: 'not on a <b>Sunday</b>', state, iss: provider.issuer});

      const page = await visitor.request(callback.href);

      assert.equal(page.status, 401);
      assert.match(page.body, /access_denied: not on a &lt;b&gt;Sunday&lt;\/b&gt;/);
    });
  });

  describe('that does not come back with an answer', {concurrency: true}, () => {
    const kSlow = {delayMs: 120_000};

    async function signInWhile(path, expected) {
      const {scene, early} = await openWithSession();
      try {
        await scene.vallum.stop();
        scene.provider.fail(path, kSlow);
        await scene.vallum.launch();
        const began = Date.now();
        const waiting = tryToSignIn(scene);
        await assertStillServed(scene, early);

        const page = await waiting;

        await assertExplains(scene, page, 504, 'The identity provider is too slow', expected.reason);
        const seconds = (Date.now() - began) / 1000;
        assert.ok(seconds < expected.seconds, `it took ${seconds} s`);
        scene.provider.heal();
        await assertRecovers(scene);
      } finally {
        await scene.close();
      }
    }

    // Covers OID-19.
    it('is given up for its metadata', () => signInWhile(kDiscovery, {seconds: 15, reason: /./}));
    it('is given up for its keys', () => signInWhile(kKeys, {seconds: 15, reason: /./}));
    it('is given up for its tokens', () => signInWhile(kToken, {seconds: 35, reason: /./}));
  });
});
