// A session that an operator revokes ends everywhere within a second: its live streams are cut and its
// next request is refused, also in processes other than the one that was told. Measured from the moment
// the command has returned.
import assert from 'node:assert/strict';
import {after, before, describe, it} from 'node:test';

import {NodesScene} from '../support/nodes.mjs';
import {SplitScene} from '../support/split.mjs';
import {openStream} from '../support/streams.mjs';
import {runVallum} from '../support/vallum.mjs';

const kPromiseMs = 1000;
const kRounds = 5;
// Where a test that fails stops waiting.
const kGiveUpMs = 10_000;

async function vallum(args) {
  const result = await runVallum(args);
  assert.equal(result.code, 0, result.stderr);
  return result.stdout;
}

// The session of `email` that was made last.
async function sessionOf(email, connection) {
  const listed = await vallum(['sessions', 'list', ...connection]);
  const line = listed.split('\n').find((text) => text.includes(` ${email} `));
  assert.ok(line, listed);
  return line.split(' ')[0];
}

// How long after `start` the node refuses the handle; a request that was let in is asked again at once.
async function refusedAfter(scene, node, handle, start) {
  for (;;) {
    const {status} = await scene.visitor().request(`${node.app}/`, {headers: {cookie: `_pomerium=${handle}`}});
    const elapsed = performance.now() - start;
    if (status === 302) return elapsed;
    assert.equal(status, 200);
    assert.ok(elapsed < kGiveUpMs, `${node.name} still lets a revoked session in`);
  }
}

// How long after `start` the stream was cut: not at all when that was before the command returned.
function cutAfter(node, stream, start) {
  return new Promise((resolve, reject) => {
    const answer = () => resolve(Math.max(0, stream.closedAt - start));
    if (!stream.isOpen) return answer();
    const timer = setTimeout(() => reject(new Error(`a stream through ${node.name} is still open`)), kGiveUpMs);
    stream.on('close', () => {
      clearTimeout(timer);
      answer();
    });
    return undefined;
  });
}

// Signs in at one node, opens a stream through each, revokes with the command that `connection` tells
// whom to ask, and measures how long each node goes on. Returns milliseconds.
async function measureOne(scene, nodes, connection) {
  const visitor = await scene.signedIn('alice', nodes[0]);
  const handle = visitor.cookie('app.localhost', '_pomerium');
  const streams = await Promise.all(nodes.map((node) => openStream(scene, node, handle)));
  const id = await sessionOf('alice@corp.example', connection);

  await vallum(['sessions', 'revoke', id, ...connection]);
  const start = performance.now();

  const [cuts, refusals] = await Promise.all([
    Promise.all(nodes.map((node, i) => cutAfter(node, streams[i], start))),
    Promise.all(nodes.map((node) => refusedAfter(scene, node, handle, start))),
  ]);
  return {cut: Math.max(...cuts), refused: Math.max(...refusals)};
}

async function measure(t, scene, nodes, connection) {
  const measured = [];
  for (let round = 0; round < kRounds; ++round) measured.push(await measureOne(scene, nodes, connection));
  for (const [what, times] of [
    ['streams were cut', measured.map(({cut}) => cut)],
    ['requests were refused', measured.map(({refused}) => refused)],
  ]) {
    t.diagnostic(`${what} after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    assert.ok(Math.max(...times) < kPromiseMs, `${what} after ${Math.max(...times)} ms`);
  }
}

describe('a session that is revoked', () => {
  describe('at one of two nodes on one PostgreSQL', () => {
    let scene;

    before(async () => {
      scene = await NodesScene.open();
    });
    after(() => scene?.close());

    it('ends at the other within a second', async (t) => {
      const [one, two] = scene.nodes;
      await measure(t, scene, [two], ['--config', one.configFile]);
    });

    it('ends at the one that was told within a second', async (t) => {
      const [one] = scene.nodes;
      await measure(t, scene, [one], ['--config', one.configFile]);
    });
  });

  describe('at the databroker of two proxies', () => {
    let scene;

    before(async () => {
      scene = await SplitScene.open();
    });
    after(() => scene?.close());

    it('ends at both within a second', async (t) => {
      const leaf = scene.pki.leaf('operator', 'URI:vallum:service:identity-manager');
      await measure(t, scene, scene.proxies,
        ['--config', scene.proxies[0].configFile, '--certificate-file', leaf.certificate, '--key-file', leaf.key]);
    });
  });
});
