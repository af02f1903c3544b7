// Other proxies ask Vallum: nginx with the configuration of docs/ext_authz.md, and a gRPC client.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {after, before, beforeEach, describe, it} from 'node:test';
import tls from 'node:tls';

import {verifiedClaims} from '../support/assertion.mjs';
import {GrpcPeer, startNginx} from '../support/peers.mjs';
import {Scene} from '../support/scene.mjs';
import {freePort, until} from '../support/world.mjs';

describe('an application behind nginx', () => {
  let scene;
  let nginx;

  before(async () => {
    const forwardAuthPort = await freePort();
    scene = await Scene.open((config) => {
      Object.assign(config, {
        services: 'authorize',
        forward_auth_address: `127.0.0.1:${forwardAuthPort}`,
        forward_auth_insecure: true,
        ext_authz_peers: ['127.0.0.1'],
      });
      // A route without a port is meant whatever port nginx has.
      for (const route of config.routes) route.from = route.from.replace(/:\d+$/, '');
      config.routes.unshift({
        from: config.routes[0].from,
        to: config.routes[0].to,
        prefix: '/public',
        allow_public_unauthenticated_access: true,
      });
    });
    nginx = await startNginx(scene.world, scene.plan, {forwardAuthPort, origin: scene.origin});
  });
  after(() => scene?.close());
  beforeEach(() => scene.origin.forget());

  // Sends exactly these lines to nginx; returns {status, location}.
  async function send(target, lines = [], host = `app.localhost:${nginx.port}`) {
    const socket = tls.connect({
      host: '127.0.0.1', port: nginx.port, servername: 'app.localhost',
      ca: readFileSync(scene.plan.pki.ca),
    });
    socket.write([`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Accept: text/html', ...lines,
      'Connection: close', '', ''].join('\r\n'));
    const chunks = [];
    for await (const chunk of socket) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('latin1');
    return {status: Number(text.split(' ')[1]), location: /^location: (.*)\r$/im.exec(text)?.[1]};
  }

  function assertNothingArrived() {
    assert.equal(scene.origin.requests.length, 0, scene.origin.bytes);
  }

  function received(name) {
    assert.equal(scene.origin.requests.length, 1);
    return scene.origin.requests[0].headers
      .filter(([candidate]) => candidate.toLowerCase() === name)
      .map(([, value]) => value);
  }

  it('is reached by a person who signs in, and told who it is', async () => {
    const visitor = scene.visitor();
    const page = await visitor.signIn(`${nginx.url}/reports?q=1`, 'alice');

    assert.equal(page.status, 200, page.body);
    assert.equal(page.url, `${nginx.url}/reports?q=1`);
    assert.deepEqual(received('x-pomerium-claim-email'), ['alice@corp.example']);
    const [jwt] = received('x-pomerium-jwt-assertion');
    assert.equal((await verifiedClaims(visitor, scene.plan.app, jwt)).email, 'alice@corp.example');
    assert.deepEqual(received('cookie'), []);
    assert.ok(!scene.origin.bytes.includes(visitor.cookie('app.localhost', '_pomerium')));
  });

  it('gets its own cookies and credentials and none of ours', async () => {
    const visitor = scene.visitor();
    await visitor.signIn(`${nginx.url}/`, 'bob');
    const handle = visitor.cookie('app.localhost', '_pomerium');
    scene.origin.forget();

    const answer = await send('/', [`Cookie: theme=dark; _pomerium=${handle}; _pomerium_csrf=x`,
      'Authorization: Basic dXNlcjpwYXNz', 'X-Pomerium-Claim-Email: forged@corp.example',
      'X-Pomerium-Jwt-Assertion: forged', 'X-Pomerium-Authorization: forged']);

    assert.equal(answer.status, 200);
    assert.deepEqual(received('cookie'), ['theme=dark']);
    assert.deepEqual(received('authorization'), ['Basic dXNlcjpwYXNz']);
    assert.deepEqual(received('x-pomerium-claim-email'), ['bob@corp.example']);
    assert.ok(!scene.origin.bytes.includes('forged'));
    scene.origin.forget();
    assert.equal((await send('/', [`Authorization: Pomerium ${handle}`])).status, 200);
    assert.ok(!scene.origin.bytes.includes(handle));
  });

  it('is not reached by strangers, who are sent to sign in or told by a status', async () => {
    const answer = await send('/reports');
    assert.equal(answer.status, 302);
    assert.match(answer.location, /^https:\/\/authenticate\.localhost:\d+\/\.pomerium\/sign_in\?/);
    const program = await scene.visitor().request(`${nginx.url}/`, {headers: {accept: 'application/json'}});
    assert.equal(program.status, 401);
    const visitor = scene.visitor();
    const refused = await visitor.signIn(`${nginx.url}/`, 'mallory');
    assert.equal(refused.status, 403);
    assertNothingArrived();
  });

  it('is not reached by headers in which a client describes another request', async () => {
    for (const lines of [
      ['X-Forwarded-Uri: /public/x'],
      ['X-Forwarded-Method: GET', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: app.localhost',
        'X-Forwarded-Uri: /public/x'],
      [`X-Original-URL: ${nginx.url}/public/x`],
      ['X-Original-Method: GET', `X-Original-URL: ${nginx.url}/public/x`],
      ['X-Forwarded-Host: other.localhost', 'X-Forwarded-Proto: http'],
      ['Connection: X-Original-URL, X-Original-Method'],
    ]) {
      const {status} = await send('/private', lines);
      assert.equal(status, 302, lines.join());
    }
    assertNothingArrived();
    assert.equal((await send('/public/x', ['X-Original-URL: https://nobody.localhost/'])).status, 200);
  });

  it('is not reached by a path or host that two readers could read differently', async () => {
    for (const target of ['//private', '/public/../private', '/public/%2e%2e/private', '/public%2f..%2fprivate',
      '/public/..%2fprivate', '/public/./x', '/public//x', '/public/%70rivate', '/public/..;/private',
      '/public/x?pomerium_session=abc']) {
      const {status} = await send(target);
      assert.ok(status === 403 || status === 400, `${target}: ${status}`);
    }
    for (const host of ['APP.localhost', 'app.localhost.', 'app.localhost:1']) {
      assert.equal((await send('/private', [], host)).status, 302, host);
    }
    // The request line names the server that nginx chooses, whatever Host says.
    const {status} = await send(`${nginx.url}/private`, [], 'public.localhost');
    assert.equal(status, 302);
    assertNothingArrived();
  });

  it('is on record with every decision, by the address of the client', async () => {
    await send('/public/recorded', ['X-Forwarded-For: 198.51.100.9']);

    const record = await until('the decision is on record', () =>
      scene.vallum.records('authorize check').find(({path}) => path === '/public/recorded'));
    assert.equal(record.ip, '127.0.0.1');
    assert.equal(record.host, `app.localhost:${nginx.port}`);
  });

  it('is forwarded to by nginx alone: Vallum itself serves only its own pages', async () => {
    const answer = await scene.visitor().request(`${scene.plan.app}/public/x`);
    assert.equal(answer.status, 404);
    assertNothingArrived();
  });
});

describe('a proxy that asks over gRPC', () => {
  let scene;
  let peer;
  let port;
  let handle;
  let files;
  let stranger;

  before(async () => {
    port = await freePort();
    scene = await Scene.open((config) => Object.assign(config, {
      grpc_address: `127.0.0.1:${port}`,
      ext_authz_peers: ['127.0.0.1'],
      ext_authz_client_ca_file: scene_ca(config),
    }));
    const {pki} = scene.plan;
    files = [pki.ca, pki.certificate, pki.key];
    stranger = scene.world.certificates(['app.localhost'], 29);
    peer = new GrpcPeer(scene.world);
    const alice = await scene.signedIn('alice');
    handle = alice.cookie('app.localhost', '_pomerium');
  });
  after(() => scene?.close());

  // The authority beside the certificate that Vallum shows.
  function scene_ca(config) {
    return config.certificate_file.replace('-leaf.pem', '-ca.pem');
  }

  function question({path = '/', headers = {}, host = `app.localhost:${scene.plan.port}`, ...more} = {}) {
    return {attributes: {
      source: {address: {socketAddress: {address: '192.0.2.7', portValue: 40000}}},
      request: {http: {method: 'GET', scheme: 'https', host, path,
        headers: {':authority': host, ':path': path, accept: 'text/html', ...headers}, ...more}},
    }};
  }

  async function ask(...questions) {
    return peer.ask(port, questions, files);
  }

  it('is told to let a signed-in person pass, with headers that say who it is', async () => {
    const [{code, answer}] = await ask(question({
      headers: {'cookie': `theme=dark; _pomerium=${handle}`, 'x-pomerium-claim-email': 'forged',
        'x-pomerium-forged': '1'}}));

    assert.equal(code, 'OK');
    assert.equal(answer.status?.code ?? 0, 0);
    const set = Object.fromEntries(answer.okResponse.headers
      .map(({header}) => [header.key.toLowerCase(), header.value]));
    assert.equal(set['x-pomerium-claim-email'], 'alice@corp.example');
    assert.match(set['x-pomerium-jwt-assertion'], /^ey/);
    assert.equal(set.cookie, 'theme=dark');
    assert.deepEqual(answer.okResponse.headersToRemove, ['x-pomerium-forged']);
  });

  it('is told what to answer others', async () => {
    const [login, status, refused, malformed, path] = await ask(
      question(),
      question({headers: {accept: 'application/json'}}),
      question({host: 'nobody.localhost'}),
      question({headers: {':path': '/public'}}),
      question({path: '/a//b'}));

    assert.equal(login.answer.deniedResponse.status.code, 302);
    const location = login.answer.deniedResponse.headers.find(({header}) => header.key === 'Location');
    assert.match(location.header.value, /\/\.pomerium\/sign_in\?/);
    assert.equal(status.answer.deniedResponse.status.code, 401);
    assert.equal(refused.answer.deniedResponse.status.code, 404);
    for (const {code, answer} of [malformed, path]) {
      assert.equal(code, 'OK');
      assert.equal(answer.deniedResponse.status.code, 400);
    }
  });

  it('gets no answer to a question without bounds, and goes on with others', async () => {
    const [huge, next] = await ask(question({headers: {big: 'x'.repeat(10 * 1024 * 1024)}}), question());

    assert.equal(huge.code, 'RESOURCE_EXHAUSTED');
    assert.equal(next.code, 'OK');
  });

  // Covers DBR-09.
  it('gets no answer without a certificate that the configured authority signed', async () => {
    const {pki} = scene.plan;
    for (const wrong of [[pki.ca, '-', '-'], [pki.ca, stranger.certificate, stranger.key], []]) {
      const [{code}] = await peer.ask(port, [question()], wrong);
      assert.notEqual(code, 'OK', wrong.join());
    }
  });
});
