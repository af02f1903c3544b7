// A program that got its tokens from the provider itself, and brings them along.
import assert from 'node:assert/strict';
import {createHash, randomBytes} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {after, before, beforeEach, describe, it} from 'node:test';

import {jsonPart, verifiedClaims} from '../support/assertion.mjs';
import {kOtherClient} from '../support/provider.mjs';
import {Scene} from '../support/scene.mjs';
import {traceOf} from '../support/traces.mjs';
import {Visitor} from '../support/visitor.mjs';

describe('a program with tokens of its own', () => {
  let scene;
  let tokens;

  before(async () => {
    scene = await Scene.open((config) => {
      const [app, admin] = config.routes;
      app.bearer_token_format = 'idp_identity_token';
      admin.bearer_token_format = 'idp_access_token';
      config.identity_providers = {
        ci: {issuer: config.idp_provider_url, audiences: [kOtherClient], supported_algs: ['ES256']},
      };
      config.routes.unshift({
        from: app.from,
        to: app.to,
        prefix: '/ci',
        bearer_token_format: 'jwt',
        policy: [{allow: {and: [{'claim/email': 'bob@corp.example'}]}}],
      });
    });
    tokens = await tokensOf('alice', scene.provider.clientId);
  });
  after(() => scene?.close());
  beforeEach(() => scene.origin.forget());

  // What a program does that runs the authorization code flow by itself.
  async function tokensOf(user, client) {
    const {issuer, clientSecret} = scene.provider;
    const verifier = randomBytes(32).toString('base64url');
    const redirect = `${scene.plan.origin('authenticate')}/oauth2/callback`;
    const person = new Visitor();
    const authorize = new URL('/auth', issuer);
    authorize.search = new URLSearchParams({
      client_id: client,
      response_type: 'code',
      redirect_uri: redirect,
      scope: 'openid profile email groups',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state: 'of-the-program',
    });
    const page = await person.follow(authorize.href);
    const action = /<form[^>]*action="([^"]+)"/.exec(page.body)[1];
    let answer = await person.request(new URL(action, issuer).href, {
      method: 'POST',
      headers: {'content-type': 'application/x-www-form-urlencoded'},
      body: new URLSearchParams({user}).toString(),
    });
    while (!answer.headers.location.startsWith(redirect)) {
      answer = await person.request(new URL(answer.headers.location, issuer).href);
    }
    const granted = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: {authorization: `Basic ${btoa(`${client}:${clientSecret}`)}`},
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: new URL(answer.headers.location).searchParams.get('code'),
        redirect_uri: redirect,
        code_verifier: verifier,
      }),
    });
    const {access_token: access, id_token: id} = await granted.json();
    assert.ok(access && id);
    return {access, id};
  }

  function ask(url, token) {
    return scene.visitor().request(url, {
      headers: {authorization: `Bearer ${token}`, accept: 'application/json'},
    });
  }

  it('is let in by an ID token, as its user', async () => {
    const answer = await ask(`${scene.plan.app}/`, tokens.id);

    assert.equal(answer.status, 200, answer.body);
    const header = (name) => scene.origin.requests[0].headers
      .find(([candidate]) => candidate.toLowerCase() === name)?.[1];
    assert.equal(header('x-pomerium-claim-email'), 'alice@corp.example');
    assert.equal(header('authorization'), `Bearer ${tokens.id}`);
    const claims = await verifiedClaims(
      scene.visitor(), scene.plan.app, header('x-pomerium-jwt-assertion'));
    assert.equal(claims.sub, 'alice');
  });

  it('is let in by an access token, by what the provider says of it', async () => {
    assert.equal((await ask(`${scene.plan.admin}/`, tokens.access)).status, 200);
    const shown = scene.provider.count(/^\/me$/);
    assert.ok(shown > 0);
    // The second request asks nobody.
    assert.equal((await ask(`${scene.plan.admin}/`, tokens.access)).status, 200);
    assert.equal(scene.provider.count(/^\/me$/), shown);
  });

  // Covers TOK-01, TOK-02.
  it('is refused with tokens that were issued to another client', async () => {
    const theirs = await tokensOf('alice', kOtherClient);

    assert.equal((await ask(`${scene.plan.app}/`, theirs.id)).status, 403);
    assert.equal((await ask(`${scene.plan.admin}/`, theirs.access)).status, 403);
    assert.equal((await ask(`${scene.plan.app}/`, tokens.access)).status, 403);
    assert.equal((await ask(`${scene.plan.admin}/`, tokens.id)).status, 403);
    assert.equal(scene.origin.requests.length, 0);
  });

  it('is judged by the claims of a JWT of an issuer that is named', async () => {
    const bob = await tokensOf('bob', kOtherClient);
    const alice = await tokensOf('alice', kOtherClient);

    assert.equal(jsonPart(bob.id.split('.')[1]).email, 'bob@corp.example');
    assert.equal((await ask(`${scene.plan.app}/ci`, bob.id)).status, 200);
    assert.equal((await ask(`${scene.plan.app}/ci`, alice.id)).status, 403);
    assert.equal((await ask(`${scene.plan.app}/ci`, tokens.id)).status, 403);
  });

  // Covers SES-16.
  it('is not let in with a cookie beside a JWT', async () => {
    const bob = await tokensOf('bob', kOtherClient);
    const visitor = await scene.signedIn('bob');
    const answer = await visitor.request(`${scene.plan.app}/ci`, {
      headers: {authorization: `Bearer ${bob.id}`},
    });
    assert.equal(answer.status, 400);
  });

  it('gets 503 while nobody can tell, and nothing else', async () => {
    const fresh = await tokensOf('alice', scene.provider.clientId);
    scene.provider.fail(/^\/(me|token\/introspection)$/, {status: 500, body: '{}'});
    try {
      assert.equal((await ask(`${scene.plan.admin}/`, fresh.access)).status, 503);
    } finally {
      scene.provider.heal();
    }
    assert.equal((await ask(`${scene.plan.admin}/`, fresh.access)).status, 200);
  });

  it('leaves its tokens in no log and in no file', async () => {
    const bob = await tokensOf('bob', kOtherClient);
    assert.equal((await ask(`${scene.plan.app}/ci`, bob.id)).status, 200);
    const kept = Buffer.concat(readdirSync(scene.plan.stateFolder, {withFileTypes: true})
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(path.join(scene.plan.stateFolder, entry.name))));
    assert.ok(kept.length > 0);

    for (const token of [tokens.id, tokens.access, bob.id]) {
      assert.equal(traceOf(token, kept), undefined);
      assert.equal(traceOf(token, Buffer.from(scene.vallum.everythingWritten)), undefined);
    }
    const decided = scene.vallum.records('authorize check');
    assert.ok(decided.some((record) => record['bearer-token'] === 'accepted'));
    assert.ok(decided.some((record) => record['bearer-token']?.startsWith('refused: ')));
  });
});
