// The parts of the world around Vallum, without Vallum: a scenario that fails is then Vallum's doing.
import assert from 'node:assert/strict';
import net from 'node:net';
import {after, before, describe, it} from 'node:test';

import {chooseUser, newProfile, startBrowser} from '../support/browser.mjs';
import {RecordingOrigin} from '../support/origin.mjs';
import {IdentityProvider} from '../support/provider.mjs';
import {Visitor} from '../support/visitor.mjs';
import {World} from '../support/world.mjs';

describe('the parts around Vallum', () => {
  const world = new World();
  let provider;
  let origin;

  before(async () => {
    provider = await IdentityProvider.start(world, {
      redirectOrigins: ['https://authenticate.localhost:1'], clientSecret: 'secret'});
    origin = await RecordingOrigin.start(world);
  });
  after(() => world.end());

  function authorizeUrl() {
    const url = new URL('/auth', provider.issuer);
    url.search = new URLSearchParams({
      client_id: provider.clientId,
      redirect_uri: 'https://authenticate.localhost:1/oauth2/callback',
      response_type: 'code',
      scope: 'openid email groups',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
      state: 'some-state',
      nonce: 'some-nonce',
    });
    return url.href;
  }

  it('the provider signs a user in and hands out a code that buys signed claims', async () => {
    const visitor = new Visitor();
    const page = await visitor.follow(authorizeUrl());
    const action = new URL(/action="([^"]+)"/.exec(page.body)[1], page.url).href;
    let answer = await visitor.request(action, {
      method: 'POST',
      headers: {'content-type': 'application/x-www-form-urlencoded'},
      body: 'user=alice',
    });
    while (answer.headers.location.startsWith(provider.issuer)) {
      answer = await visitor.request(answer.headers.location);
    }
    const code = new URL(answer.headers.location).searchParams.get('code');
    const basic = Buffer.from(`${provider.clientId}:secret`).toString('base64');
    const tokens = await visitor.request(`${provider.issuer}/token`, {
      method: 'POST',
      headers: {'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${basic}`},
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: 'https://authenticate.localhost:1/oauth2/callback',
        code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
      }).toString(),
    });

    assert.equal(tokens.status, 200, tokens.body);
    const claims = JSON.parse(atob(JSON.parse(tokens.body).id_token.split('.')[1]));
    assert.equal(claims.sub, 'alice');
    assert.equal(claims.nonce, 'some-nonce');
    assert.deepEqual(claims.groups, ['eng', 'ops']);
    assert.equal(provider.tokens.length, 3);
  });

  it('the provider fails, recovers and changes its keys on demand', async () => {
    const visitor = new Visitor();
    const discovery = `${provider.issuer}/.well-known/openid-configuration`;
    provider.fail(/openid-configuration/, {status: 503});
    assert.equal((await visitor.request(discovery)).status, 503);
    provider.heal();
    const {jwks_uri: keysUrl} = JSON.parse((await visitor.request(discovery)).body);
    const before = JSON.parse((await visitor.request(keysUrl)).body).keys[0].kid;

    provider.rotateKeys();

    assert.notEqual(JSON.parse((await visitor.request(keysUrl)).body).keys[0].kid, before);
  });

  it('the browser runs and reaches the provider', async () => {
    const browser = await startBrowser(world);
    const page = await (await newProfile(browser)).newPage();
    await page.goto(authorizeUrl());

    const left = page.waitForRequest((request) => request.url().includes('/oauth2/callback?code='));
    await chooseUser(page, 'bob');

    assert.match((await left).url(), /state=some-state/);
  });

  it('the origin keeps the bytes as they were sent', async () => {
    const socket = net.connect(origin.port, '127.0.0.1');
    const sent = 'POST /x?y HTTP/1.1\r\nhOsT:  app\r\nContent-Length: 3\r\n\r\nabc';
    socket.write(sent);
    const answer = await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();

    assert.match(String(answer), /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(origin.bytes, sent);
  });
});
