// The services in processes of their own, with mutual TLS between them: people notice nothing of it,
// an outage of the databroker lets nobody in who should not be, and what was acknowledged stays.
import assert from 'node:assert/strict';
import tls from 'node:tls';
import {after, before, describe, it} from 'node:test';

import {kDatabrokerName, Node, SplitScene} from '../support/split.mjs';
import {openStream} from '../support/streams.mjs';
import {runVallum} from '../support/vallum.mjs';
import {until} from '../support/world.mjs';

// Within which a session that has ended is refused everywhere.
const kPromiseMs = 1000;

const status = async (visitor, node) => (await visitor.request(`${node.app}/`)).status;

describe('services in processes of their own', () => {
  let scene;
  let one;
  let two;

  before(async () => {
    scene = await SplitScene.open();
    [one, two] = scene.proxies;
  });
  after(() => scene?.close());

  it('sign a person in for every proxy', async () => {
    const visitor = await scene.signedIn('alice', one);

    const other = await visitor.request(`${two.app}/`);

    assert.equal(other.status, 200, other.body);
  });

  it('end a session and its live streams everywhere when it is signed out at one proxy', async () => {
    const visitor = await scene.signedIn('alice', one);
    const handle = visitor.cookie('app.localhost', '_pomerium');
    const streams = [await openStream(scene, one, handle), await openStream(scene, two, handle)];
    const cookie = {headers: {cookie: `_pomerium=${handle}`}};
    assert.equal((await scene.visitor().request(`${two.app}/`, cookie)).status, 200);

    await visitor.signOut(one.app);

    await until('both streams have ended', () => streams.every((stream) => !stream.isOpen), kPromiseMs);
    for (const node of [one, two]) {
      await until(`${node.name} knows`, async () =>
        (await scene.visitor().request(`${node.app}/`, cookie)).status === 302, kPromiseMs);
    }
  });

  it('are asked by the commands that ask a databroker', async () => {
    await scene.signedIn('bob', two);
    const leaf = scene.pki.leaf('operator', 'URI:vallum:service:identity-manager');

    const listed = await runVallum(['sessions', 'list', '--config', two.configFile,
      '--certificate-file', leaf.certificate, '--key-file', leaf.key]);

    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, /bob/);
  });

  // Covers DBR-17, DBR-31.
  it('keep a session that was given out when the databroker is killed', async () => {
    const visitor = await scene.signedIn('alice', one);
    await scene.databroker.end('SIGKILL');

    // What it has seen, a proxy goes on with; of a session it has not seen nobody knows anything.
    assert.equal(await status(visitor, one), 200);
    assert.equal(await status(visitor, two), 503);
    await scene.databroker.start();

    await until('the other proxy asks again', async () => (await status(visitor, two)) === 200);
    assert.equal(await status(visitor, one), 200);
  });

  // Covers DBR-31.
  it('say so when nobody can sign in, and go on when the databroker is back', async () => {
    scene.authenticate.wire.cut();
    const page = await scene.visitor().signIn(`${one.app}/`, 'alice');
    assert.equal(page.status, 503, page.body);
    scene.authenticate.wire.mend();

    await until('signing in works again', async () =>
      (await scene.visitor().signIn(`${one.app}/`, 'alice')).status === 200);
  });
});

// Each kind of outage has a deployment of its own, and mostly waits.
describe('a proxy that cannot follow changes', {concurrency: true}, () => {
  for (const kind of ['freeze', 'cut']) {
    describe(`because its network was ${kind === 'cut' ? 'cut' : 'frozen'}`, {concurrency: 1}, () => {
      let scene;
      let proxy;
      let visitor;
      let stranger;
      let stream;

      before(async () => {
        scene = await SplitScene.open({maxStaleness: '15s'});
        [proxy] = scene.proxies;
        visitor = await scene.signedIn('alice', proxy);
        stranger = await scene.signedIn('bob', scene.proxies[1]);
        stream = await openStream(scene, proxy, visitor.cookie('app.localhost', '_pomerium'));
        proxy.wire[kind]();
      });
      after(() => scene?.close());

      // Covers DBR-31.
      it('lets in whom it knows, on each of its cores, and nobody else', async () => {
        for (let i = 0; i < 8; ++i) assert.equal(await status(visitor, proxy), 200);
        assert.equal(await status(stranger, proxy), 503);
        assert.ok(stream.isOpen);
        assert.equal(await status(visitor, scene.proxies[1]), 200);
      });

      it('lets nobody in once that is too long ago, and says why', async () => {
        await until('known sessions are answered 503', async () =>
          (await status(visitor, proxy)) === 503, 40_000);
        await until('the live stream has ended', () => !stream.isOpen, 10_000);
        const ready = await proxy.probe('readyz');
        assert.equal(ready.status, 503);
        const {body} = await proxy.probe('status');
        assert.match(body, /databroker\.sync\.initial[^]*max_staleness/);
        await until('the record says why', () => proxy.records('http-request').some((record) =>
          record['response-code-details'] === 'sessions_out_of_date'));
        assert.equal(await status(visitor, scene.proxies[1]), 200);
      });

      it('goes on by itself when the network is whole again, with what changed meanwhile', async () => {
        const gone = await scene.signedIn('alice', scene.proxies[1]);
        await gone.signOut(scene.proxies[1].app);
        proxy.wire.mend();

        await until('known sessions are let in', async () => (await status(visitor, proxy)) === 200, 40_000);
        assert.equal(await status(stranger, proxy), 200);
        await until('it is ready', async () => (await proxy.probe('readyz')).status === 200);
      });
    });
  }
});

describe('the databroker\'s listener', () => {
  let scene;

  before(async () => {
    scene = await SplitScene.open();
  });
  after(() => scene?.close());

  // A proxy that is told something else, and what its log then says.
  async function refusedBecause(more, pattern) {
    const node = await scene.proxy(`odd-${Math.random().toString(36).slice(2)}`, more);
    node.begin();
    await until(`the log says ${pattern}`, () => pattern.test(node.written) ||
      (node.output.exited && assert.fail(node.written)), 30_000);
    assert.notEqual((await node.probe('readyz')).status, 200);
    assert.equal((await scene.visitor().request(`${node.app}/`)).status, 302);
    await node.end('SIGKILL');
  }

  // Covers DBR-08.
  it('is closed to a process without a certificate', () =>
    refusedBecause({databroker_certificate_file: undefined, databroker_certificate_key_file: undefined},
      /it closed the connection|handshake failed/));

  // Covers DBR-08.
  it('is closed to a process with a certificate of somebody else', () => {
    const leaf = scene.otherPki('stranger').leaf('proxy', 'URI:vallum:service:proxy');
    return refusedBecause(
      {databroker_certificate_file: leaf.certificate, databroker_certificate_key_file: leaf.key},
      /it closed the connection|handshake failed/);
  });

  it('is not believed by a process that trusts another authority', () =>
    refusedBecause({certificate_authority_file: scene.otherPki('other').ca},
      /certificate_authority_file names the authority/));

  it('answers nobody with another shared secret', () =>
    refusedBecause({shared_secret: Buffer.alloc(32, 7).toString('base64')},
      /the shared secret of this configuration is not the one it runs with/));

  it('speaks no clear text beyond the machine', async () => {
    const config = await scene.databrokerConfig();
    for (const wrong of [
      {...config, grpc_address: '0.0.0.0:5443', grpc_insecure: true, databroker_client_ca_file: undefined},
      {...config, services: 'proxy', databroker_service_url: 'http://10.0.0.1:5443'},
    ]) {
      const node = new Node(scene.world, 'insecure', wrong);
      const ended = await runVallum(['--config', node.configFile], {env: {STATE_DIRECTORY: node.stateFolder}});
      assert.equal(ended.code, 1);
      assert.match(ended.stderr, /loopback/);
    }
  });
});

describe('certificates that are derived from the shared secret', () => {
  let scene;
  let databroker;
  let proxy;

  before(async () => {
    scene = await SplitScene.open();
    await scene.databroker.end('SIGTERM');
    const derived = {
      certificate_file: undefined, certificate_key_file: undefined, databroker_client_ca_file: undefined,
      tls_derive: kDatabrokerName,
    };
    databroker = new Node(scene.world, 'derived', {...await scene.databrokerConfig(), ...derived});
    await databroker.start();
    proxy = await scene.proxy('derived-proxy', {
      certificate_authority_file: undefined,
      databroker_certificate_file: undefined,
      databroker_certificate_key_file: undefined,
      tls_derive: kDatabrokerName,
    });
    await proxy.start();
  });
  after(() => scene?.close());

  it('let commands in that have the configuration, and nobody without', async () => {
    const listed = await runVallum(['sessions', 'list', '--config', databroker.configFile]);
    assert.equal(listed.code, 0, listed.stderr);
    const socket = tls.connect({host: '127.0.0.1', port: scene.databrokerPort, rejectUnauthorized: false,
      ALPNProtocols: ['h2']});
    const frames = [];
    await new Promise((resolve) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => frames.push(chunk));
      socket.on('close', resolve);
    });
    assert.equal(Buffer.concat(frames).length, 0);
  });
});
