// What an operator gets wrong, and applications that break: one message that names the cause and its
// place, the right exit code, and nothing left behind.
import assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {chmodSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import net from 'node:net';
import {after, before, describe, it} from 'node:test';
import tls from 'node:tls';

import {Scene} from '../support/scene.mjs';
import {Deployment, requireBinary, runVallum, Vallum} from '../support/vallum.mjs';
import {Visitor} from '../support/visitor.mjs';
import {freePort, until, World} from '../support/world.mjs';

describe('a configuration that cannot be used', () => {
  const world = new World();
  let plan;
  let good;

  before(async () => {
    requireBinary();
    plan = await Deployment.plan(world);
    good = () => plan.config({issuer: 'http://127.0.0.1:9', upstream: 'http://127.0.0.1:9'});
  });
  after(() => world.end());

  // Starts Vallum with `text` as its configuration and returns what it said before it ended by itself.
  async function refusal(text, {name = 'bad.yaml', under = []} = {}) {
    const file = world.file(name, text);
    const result = await runVallum(['--config', file],
      {env: {STATE_DIRECTORY: plan.stateFolder}, under});
    assert.equal(result.signal, null, `it had to be ended: ${result.stderr}`);
    assert.equal(result.code, 1, result.stderr);
    assert.equal(result.stdout, '', 'standard output is for records');
    return {file, lines: result.stderr.trim().split('\n'), text: result.stderr};
  }

  // The same with one option changed; the line of the option is found in the file as it was written.
  async function refusalOf(option, value, under = []) {
    const text = JSON.stringify({...good(), [option]: value}, null, 2);
    const line = text.split('\n').findIndex((candidate) => candidate.startsWith(`  "${option}"`)) + 1;
    return {...await refusal(text, {under}), line};
  }

  function assertOneLine({file, lines, line}, message) {
    assert.equal(lines.length, 1, lines.join('\n'));
    const [, at, column, rest] = /^(?:.*):(\d+):(\d+): (.*)$/.exec(lines[0]) ?? [];
    assert.ok(lines[0].startsWith(`${file}:`), lines[0]);
    assert.equal(Number(at), line, lines[0]);
    assert.ok(Number(column) > 0, lines[0]);
    assert.match(rest, message);
  }

  it('names the place where YAML ends to be YAML', async () => {
    const answer = await refusal('address: 127.0.0.1:0\nroutes:\n  - from: [https://app.localhost\n');

    assert.equal(answer.lines.length, 1, answer.text);
    assert.match(answer.lines[0], /bad\.yaml:\d+:\d+: not YAML: /);
  });

  it('names the file that is not there', async () => {
    const missing = world.file('missing.yaml');
    const result = await runVallum(['--config', missing], {env: {STATE_DIRECTORY: plan.stateFolder}});

    assert.equal(result.code, 1);
    assert.match(result.stderr, /missing\.yaml.*No such file/);
  });

  for (const [option, value, message] of [
    ['timeout_read', '30 seconds', /^timeout_read: "30 seconds" is not a duration/],
    ['address', 'somewhere', /^address: .*somewhere/],
    ['shared_secret', 'c2hvcnQ=', /^shared_secret: must be 32 bytes, not 5/],
    ['signing_key', 'bm90IGEga2V5', /^signing_key: /],
    ['idp_provider', 'carrier-pigeon', /^idp_provider: /],
    ['client_ca_file', '/x', /^client_ca_file: was removed/],
    ['cookie_domain', 'co.uk', /^cookie_domain: /],
  ]) {
    it(`names option and place: ${option}`, async () => {
      assertOneLine(await refusalOf(option, value), message);
    });
  }

  it('names option, place and cause for files', async () => {
    const folder = world.file('folder');
    mkdirSync(folder);
    const rubbish = world.file('rubbish.pem', 'rubbish');
    const other = world.certificates(['app.localhost'], 20);
    for (const [option, file, cause] of [
      ['certificate_key_file', world.file('nowhere.key'), /nowhere\.key.*No such file/],
      ['certificate_key_file', folder, /folder.*not a regular file/],
      ['certificate_file', rubbish, /rubbish\.pem: .*no PEM block CERTIFICATE/],
      ['idp_client_secret_file', world.file('nowhere.secret'), /nowhere\.secret.*No such file/],
    ]) {
      const answer = await refusalOf(option, file);
      assertOneLine(answer, new RegExp(`^${option}: .*${cause.source}`));
    }
    // Whether a key is the right one is said of the pair, at its certificate.
    for (const [key, cause] of [
      [rubbish, /rubbish|key/],
      [other.key, /its public key is not the private key's/],
    ]) {
      const {lines, text} = await refusalOf('certificate_key_file', key);
      assert.equal(lines.length, 1, text);
      assert.match(lines[0], new RegExp(`bad\\.yaml:\\d+:\\d+: certificate_file: .*${cause.source}`));
    }
  });

  it('names the file that it may not read', async () => {
    const locked = world.file('locked.key', readFileSync(plan.pki.key));
    chmodSync(locked, 0);
    // Root may read everything, unless that right is taken away.
    const under = process.getuid() === 0
      ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : [];

    const answer = await refusalOf('certificate_key_file', locked, under);

    assertOneLine(answer, /^certificate_key_file: .*locked\.key: Permission denied/);
  });

  it('names every problem at once, each at its place', async () => {
    const config = {...good(), timeout_read: 'soon', cookie_http_only: 'maybe'};
    config.routes[0].policy = [{allow: {and: [{no_such_criterion: 1}]}}];
    config.routes[1].from = 'admin.localhost';
    const text = JSON.stringify(config, null, 2);
    const {lines} = await refusal(text);

    const lineOf = (part) => text.split('\n').findIndex((line) => line.includes(part)) + 1;
    assert.equal(lines.length, 4, lines.join('\n'));
    for (const [part, message] of [
      ['"timeout_read"', /timeout_read: "soon"/],
      ['"cookie_http_only"', /cookie_http_only: "maybe"/],
      ['no_such_criterion', /no_such_criterion/],
      ['"admin.localhost"', /routes\[1\]\.from/],
    ]) {
      assert.ok(lines.some((line) => line.includes(`:${lineOf(part)}:`) && message.test(line)),
        `${part}, line ${lineOf(part)}:\n${lines.join('\n')}`);
    }
  });

  it('is found by the check, and a good one is not complained about', async () => {
    const bad = world.file('check.yaml', JSON.stringify({...good(), log_level: 'LOUD', nope: 1}, null, 2));
    const fine = world.file('fine.yaml', JSON.stringify(good(), null, 2));

    const refused = await runVallum(['config', 'check', bad]);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /check\.yaml:\d+:\d+: log_level: /);
    assert.match(refused.stdout, /check\.yaml: 1 error, 1 unknown option, 0 warnings\n$/);
    const accepted = await runVallum(['config', 'check', '--strict', fine]);
    assert.equal(accepted.stdout, `${fine}: 0 errors, 0 unknown options, 0 warnings\n`);
    assert.equal(accepted.code, 0);
  });

  for (const option of ['address', 'http_redirect_addr', 'health_check_addr', 'metrics_address']) {
    it(`names the port that is in use: ${option}`, async () => {
      const squatter = net.createServer();
      await new Promise((resolve) => squatter.listen(0, '127.0.0.1', resolve));
      const taken = `127.0.0.1:${squatter.address().port}`;

      const {lines} = await refusalOf(option, taken);

      squatter.close();
      const last = JSON.parse(lines.at(-1));
      assert.equal(last.level, 'error');
      assert.equal(last.message, 'cannot start');
      assert.match(last.error, new RegExp(`^${option}: .*${taken}: the port is in use`));
      assert.equal(lines.filter((line) => line.includes('"error"')).length, 1, lines.join('\n'));
    });
  }
});

describe('a certificate that has expired', () => {
  const world = new World();

  before(requireBinary);
  after(() => world.end());

  it('is said at start and served, so that browsers can say it too', async () => {
    const plan = await Deployment.plan(world);
    const old = world.certificates(['app.localhost'], -1);
    const config = {...plan.config({issuer: 'http://127.0.0.1:9', upstream: 'http://127.0.0.1:9'}),
      certificate_file: old.certificate, certificate_key_file: old.key};
    const vallum = new Vallum(plan, plan.write(config, 'expired.yaml'));
    world.onEnd(() => vallum.kill());

    vallum.begin();

    const visitor = new Visitor({ca: old.ca});
    await until('browsers are told', () => visitor.request(`${plan.app}/ping`)
      .then(() => assert.fail('a certificate that has expired was believed'),
        ({code}) => code === 'CERT_HAS_EXPIRED'));
    const line = JSON.stringify(config, null, 2).split('\n')
      .findIndex((text) => text.includes('"certificate_file"')) + 1;
    assert.match(vallum.everythingWritten,
      new RegExp(`expired\\.yaml:${line}:\\d+: certificate_file: .*the certificate has expired`));
  });
});

describe('a store of another deployment', () => {
  let scene;

  before(async () => {
    scene = await Scene.open();
  });
  after(() => scene?.close());

  // Covers DBR-27.
  it('is refused and left as it is', async () => {
    const {plan, vallum} = scene;
    const alice = await scene.signedIn('alice');
    await vallum.stop();
    const before = readFileSync(plan.store);
    const config = JSON.parse(readFileSync(vallum.configFile, 'utf8'));
    const file = plan.write({...config, shared_secret: randomBytes(32).toString('base64')}, 'other.yaml');

    const result = await runVallum(['--config', file], {env: {STATE_DIRECTORY: plan.stateFolder}});

    assert.equal(result.code, 1);
    assert.match(result.stderr, /vallum\.db: its data keys are wrapped by .* another shared_secret .*nothing was changed/);
    assert.ok(before.equals(readFileSync(plan.store)), 'the file was changed');
    await vallum.launch();
    assert.equal((await alice.request(`${plan.app}/`)).status, 200);
  });

  it('is refused while another process uses it', async () => {
    const {plan, vallum} = scene;
    const config = JSON.parse(readFileSync(vallum.configFile, 'utf8'));
    const file = plan.write({...config,
      address: `127.0.0.1:${await freePort()}`,
      http_redirect_addr: `127.0.0.1:${await freePort()}`,
      health_check_addr: `127.0.0.1:${await freePort()}`}, 'second.yaml');

    const result = await runVallum(['--config', file], {env: {STATE_DIRECTORY: plan.stateFolder}});

    assert.equal(result.code, 1);
    assert.match(result.stderr, /another Vallum process uses this store/);
  });

  it('is refused when it is damaged', async () => {
    const {plan, vallum} = scene;
    await vallum.stop();
    const sound = readFileSync(plan.store);
    const damaged = Buffer.from(sound);
    damaged.fill(0x5a, 4096);
    writeFileSync(plan.store, damaged);

    const result = await runVallum(['--config', vallum.configFile],
      {env: {STATE_DIRECTORY: plan.stateFolder}});

    writeFileSync(plan.store, sound);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /vallum\.db: .*(damaged|altered|malformed).*/);
    await vallum.launch();
  });
});

describe('an application that breaks', () => {
  let scene;
  let alice;

  before(async () => {
    scene = await Scene.open();
    alice = await scene.signedIn('alice');
  });
  after(() => scene?.close());

  async function recordOf(path) {
    return until(`there is a record of ${path}`, () =>
      scene.vallum.records('http-request').findLast((record) => record.path === path));
  }

  // Everything that comes back for one request, and whether its TLS was closed properly.
  async function exchange(path) {
    const {plan} = scene;
    const socket = tls.connect({
      host: '127.0.0.1', port: plan.port, servername: 'app.localhost', ca: readFileSync(plan.pki.ca)});
    const cookie = `_pomerium=${alice.cookie('app.localhost', '_pomerium')}`;
    socket.write(`GET ${path} HTTP/1.1\r\nHost: app.localhost:${plan.port}\r\nCookie: ${cookie}\r\n\r\n`);
    let bytes = '';
    let failed = false;
    socket.on('data', (chunk) => (bytes += chunk.toString('latin1')));
    socket.on('error', () => (failed = true));
    await new Promise((resolve) => socket.on('close', resolve));
    return {bytes, failed};
  }

  it('in the middle of a body of known length: what arrived ends short', async () => {
    const {bytes} = await exchange('/cut');

    assert.match(bytes, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(bytes, /Content-Length: 1000\r\n/i);
    assert.ok(bytes.endsWith('\r\n\r\nfirst part'), bytes);
    await assert.rejects(alice.request(`${scene.plan.app}/cut`), /aborted|hang up|ECONNRESET/);
    const record = await recordOf('/cut');
    assert.equal(record['response-code-details'], 'upstream_reset_after_response_started');
    assert.equal(record.size, 'first part'.length);
  });

  it('in the middle of a chunked body: the last chunk does not come', async () => {
    scene.origin.routes.set('/cut-chunks', (request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
      setTimeout(() => socket.destroy(), 20);
    });

    const {bytes} = await exchange('/cut-chunks');

    assert.match(bytes, /5\r\nfirst\r\n$/);
    await assert.rejects(alice.request(`${scene.plan.app}/cut-chunks`), /aborted|hang up|ECONNRESET/);
    const record = await recordOf('/cut-chunks');
    assert.equal(record['response-code-details'], 'upstream_reset_after_response_started');
  });

  for (const [what, answer, status, details] of [
    ['with something that is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 502, 'upstream_protocol_error'],
    ['without a word', '', 503, 'upstream_reset_before_response_started'],
  ]) {
    it(`${what}: the page says whose fault it is`, async () => {
      const path = `/${details}`;
      scene.origin.routes.set(path, (request, socket) => socket.end(answer));

      const page = await alice.request(`${scene.plan.app}${path}`);

      assert.equal(page.status, status, page.body);
      assert.match(page.body,
        status === 502 ? /answered something unreadable/ : /cannot be reached right now/);
      const record = await recordOf(path);
      assert.equal(record['response-code-details'], details);
      assert.ok(page.body.includes(record['request-id']), 'the page does not carry the number of the record');
    });
  }

  it('and is down: a page, a record, and it is found again when it is back', async () => {
    const {origin, plan} = scene;
    const {port} = origin;
    await origin.stop();

    const page = await alice.request(`${plan.app}/down`);

    assert.equal(page.status, 503, page.body);
    assert.match(page.body, /cannot be reached right now/);
    const record = await recordOf('/down');
    assert.equal(record['response-code-details'], 'upstream_connection_failure');
    assert.equal(record.email, 'alice@corp.example');
    await new Promise((resolve) => origin.server.listen(port, '127.0.0.1', resolve));
    await until('the application is found again', async () =>
      (await alice.request(`${plan.app}/back`)).status === 200);
  });
});
