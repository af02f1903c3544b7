// What must never reach an application, read from the very bytes that reached it.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {after, before, beforeEach, describe, it} from 'node:test';
import tls from 'node:tls';

import {verifiedClaims} from '../support/assertion.mjs';
import {Scene} from '../support/scene.mjs';

describe('an application behind Vallum', () => {
  let scene;
  let alice;
  let handle;

  before(async () => {
    scene = await Scene.open((config) => {
      // The first route that matches wins.
      config.routes.unshift({
        from: config.routes[0].from,
        to: config.routes[0].to,
        prefix: '/public',
        allow_public_unauthenticated_access: true,
      });
    });
    alice = await scene.signedIn('alice');
    handle = alice.cookie('app.localhost', '_pomerium');
  });
  after(() => scene?.close());
  beforeEach(() => scene.origin.forget());

  // Sends exactly these header lines and returns the status.
  async function send(lines, path = '/') {
    const socket = tls.connect({
      host: '127.0.0.1', port: scene.plan.port, servername: 'app.localhost',
      ca: readFileSync(scene.plan.pki.ca),
    });
    const ending = lines.some((line) => /^connection:/i.test(line)) ? [] : ['Connection: close'];
    const host = `Host: app.localhost:${scene.plan.port}`;
    socket.write([`GET ${path} HTTP/1.1`, host, ...lines, ...ending, '', ''].join('\r\n'));
    const chunks = [];
    for await (const chunk of socket) chunks.push(chunk);
    return Number(Buffer.concat(chunks).toString('latin1').split(' ')[1]);
  }

  function received(name) {
    assert.equal(scene.origin.requests.length, 1);
    return scene.origin.requests[0].headers
      .filter(([candidate]) => candidate.toLowerCase() === name)
      .map(([, value]) => value);
  }

  function assertNeverReceived(...texts) {
    assert.ok(scene.origin.requests.length > 0, 'nothing arrived, so nothing is proved');
    for (const text of texts) {
      const arrived = scene.origin.bytes.toLowerCase().includes(text.toLowerCase());
      assert.ok(!arrived, `${text} arrived in:\n${scene.origin.bytes}`);
    }
  }

  // Covers SES-19.
  it('receives its own cookies and none of ours', async () => {
    const ours = ['_pomerium', '_pomerium_csrf', '_pomerium_authenticate', '_pomerium_login',
      '_pomerium_pkce_1'];
    const planted = ours.slice(1).map((name) => `${name}=planted-${name}`);

    const status = await send([
      `Cookie: theme=dark; ${planted.join('; ')}; _pomerium=${handle}; cart=3`,
      'Cookie: _pomeriumish=mine; lang=de',
    ]);

    assert.equal(status, 200);
    const cookies = received('cookie').join('; ').split(/;\s*/);
    for (const own of ['theme=dark', 'cart=3', 'lang=de']) assert.ok(cookies.includes(own), cookies.join());
    for (const name of ours) {
      assert.ok(!cookies.some((cookie) => cookie.startsWith(`${name}=`)), `${name} arrived in ${cookies}`);
    }
    assertNeverReceived(handle, handle.split('.')[2], 'planted-_pomerium');
  });

  // Covers SES-19.
  it('never sees a cookie of ours over a whole sign-in', async () => {
    const visitor = scene.visitor();
    await visitor.signIn(`${scene.plan.app}/first`, 'bob');
    await visitor.follow(`${scene.plan.app}/second`);

    assert.ok(scene.origin.requests.length >= 2);
    const values = [...visitor.cookies.values()].flatMap((jar) => [...jar])
      .filter(([name]) => name.startsWith('_pomerium'))
      .map(([, value]) => value);
    assert.ok(values.length >= 4, 'the visitor got fewer cookies than a sign-in sets');
    assertNeverReceived('_pomerium', ...values);
  });

  // Covers SES-19, SES-18.
  it('receives its own credentials and none of ours', async () => {
    for (const line of [
      `Authorization: Pomerium ${handle}`,
      `Authorization: Bearer Pomerium-${handle}`,
      `X-Pomerium-Authorization: ${handle}`,
    ]) {
      scene.origin.forget();
      assert.equal(await send([line]), 200, line.slice(0, 40));
      assertNeverReceived(handle, 'authorization:', 'Pomerium-ey');
    }
    scene.origin.forget();
    assert.equal(await send([], `/report?a=1&pomerium_session=${handle}&b=2`), 200);
    assert.equal(scene.origin.requests[0].path, '/report?a=1&b=2');
    assertNeverReceived(handle, 'pomerium_session');
    for (const own of ['Bearer application-token', 'Basic dXNlcjpwYXNz']) {
      scene.origin.forget();
      assert.equal(await send([`Cookie: _pomerium=${handle}`, `Authorization: ${own}`]), 200);
      assert.deepEqual(received('authorization'), [own]);
    }
  });

  // Covers HDR-01, HDR-02, HDR-05, HDR-10, HDR-11.
  it('believes identity headers, as nobody else can send them', async () => {
    const forged = ['X-Pomerium-Jwt-Assertion: planted.planted.planted',
      'x-pomerium-claim-email: planted@corp.example', 'X-POMERIUM-CLAIM-GROUPS: planted',
      'X-Pomerium-Claim-Sub: planted', 'X-Pomerium-Anything: planted', 'x-pomerium-set-cookie: planted=1',
      'X-Envoy-Original-Path: /planted', 'X-Forwarded-Client-Cert: planted'];

    const status = await send([`Cookie: _pomerium=${handle}`, ...forged,
      'Connection: close, X-Pomerium-Jwt-Assertion, X-Pomerium-Claim-Email']);

    assert.equal(status, 200);
    assertNeverReceived('planted');
    assert.deepEqual(received('x-pomerium-claim-email'), ['alice@corp.example']);
    const [jwt, ...more] = received('x-pomerium-jwt-assertion');
    assert.deepEqual(more, []);
    assert.equal((await verifiedClaims(alice, scene.plan.app, jwt)).email, 'alice@corp.example');
  });

  // Covers HDR-06.
  it('receives no forged identity on a public route either', async () => {
    const forged = ['X-Pomerium-Jwt-Assertion: planted', 'X-Pomerium-Claim-Email: planted'];
    assert.equal(await send(forged, '/public/x'), 200);

    assertNeverReceived('planted');
  });

  // Covers HDR-03.
  it('receives no look-alike of an identity header', async () => {
    for (const line of ['X_Pomerium_Claim_Email: planted', 'x-pomerium_claim-email: planted',
      'X.Pomerium.Claim.Email: planted', 'X-Pomerium-Jwt_Assertion: planted']) {
      const status = await send([`Cookie: _pomerium=${handle}`, line]);
      assert.ok(status === 400 || status === 200, `${line}: ${status}`);
    }
    await send([`Cookie: _pomerium=${handle}`], '/proof');

    assertNeverReceived('planted');
  });

  // Covers SES-20.
  it('sets its own cookies and none of ours', async () => {
    const {origin, plan} = scene;
    origin.routes.set('/cookies', (request, socket) => socket.write(
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: theme=light; Path=/\r\n' +
      'Set-Cookie: _pomerium=evil; Path=/\r\nSet-Cookie: _pomerium_csrf=evil; Domain=localhost\r\n\r\n'));

    const answer = await alice.request(`${plan.app}/cookies`);

    assert.deepEqual(answer.headers['set-cookie'], ['theme=light; Path=/']);
    assert.equal(alice.cookie('app.localhost', '_pomerium'), handle);
  });
});
