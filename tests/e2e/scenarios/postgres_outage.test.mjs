// Two nodes whose PostgreSQL goes away for longer than max_staleness, and comes back.
import assert from 'node:assert/strict';
import {after, before, describe, it} from 'node:test';

import {NodesScene} from '../support/nodes.mjs';
import {openStream} from '../support/streams.mjs';
import {until} from '../support/world.mjs';

describe('nodes whose PostgreSQL is stopped', {concurrency: 1}, () => {
  let scene;
  let visitor;
  let streams;

  const statuses = () => Promise.all(scene.nodes.map(async (node) =>
    (await visitor.request(`${node.app}/`)).status));

  before(async () => {
    scene = await NodesScene.open({maxStaleness: '5s'});
    visitor = await scene.signedIn('alice');
    const handle = visitor.cookie('app.localhost', '_pomerium');
    // Often enough that each core of each node knows the session.
    for (let i = 0; i < 20; ++i) assert.deepEqual(await statuses(), [200, 200]);
    streams = await Promise.all(scene.nodes.map((node) => openStream(scene, node, handle)));
    await scene.postgres.end();
  });
  after(() => scene?.close());

  // Covers DBR-31.
  it('go on with the sessions they know', async () => {
    assert.deepEqual(await statuses(), [200, 200]);
    assert.ok(streams.every((stream) => stream.isOpen));
  });

  // Covers DBR-31.
  it('let nobody in after max_staleness, send nobody to sign in, and cut live streams', async () => {
    await until('known sessions are answered 503 everywhere, and the records say why', async () => {
      const now = await statuses();
      assert.ok(now.every((status) => status === 200 || status === 503), `${now}`);
      return now.every((status) => status === 503) && scene.nodes.every((node) =>
        node.records('http-request').some((record) =>
          record['response-code-details'] === 'sessions_out_of_date'));
    });
    await until('the live streams have ended', () => streams.every((stream) => !stream.isOpen));
    for (const node of scene.nodes) {
      await until('it is not ready', async () => (await node.probe('readyz')).status === 503);
      assert.match((await node.probe('status')).body, /databroker\.sync\.initial[^]*max_staleness/);
    }
    for (let i = 0; i < 8; ++i) assert.deepEqual(await statuses(), [503, 503]);
  });

  it('let the same sessions in when it is back, and nobody has to sign in', async () => {
    await scene.postgres.begin();

    await until('known sessions are let in everywhere', async () => {
      const now = await statuses();
      assert.ok(now.every((status) => status === 200 || status === 503), `${now}`);
      return now.every((status) => status === 200);
    });
    for (const node of scene.nodes) {
      await until('it is ready', async () => (await node.probe('readyz')).status === 200);
    }
    const stream = await openStream(scene, scene.nodes[1], visitor.cookie('app.localhost', '_pomerium'));
    assert.ok(stream.isOpen);
    stream.destroy();
  });
});
