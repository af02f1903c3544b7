// A reload changes everything or nothing, and what a route's author wrote down as a test is asked first.
import assert from 'node:assert/strict';
import {after, before, describe, it} from 'node:test';

import {Scene} from '../support/scene.mjs';
import {until} from '../support/world.mjs';

describe('a reload', () => {
  let scene;
  let config;
  let alice;

  before(async () => {
    scene = await Scene.open((made) => {
      config = made;
    });
    alice = await scene.signedIn('alice');
  });
  after(() => scene?.close());

  const app = () => `${scene.plan.app}/`;
  const status = async () => (await alice.request(app())).status;
  // The route of the application, as a reload is to have it.
  function reloadWith(changes) {
    const routes = config.routes.map((route) =>
      (new URL(route.from).host === new URL(scene.plan.app).host ? {...route, ...changes} : route));
    scene.plan.write({...config, routes});
    scene.vallum.child.kill('SIGHUP');
  }
  const said = (text) => until(`it says ${text}`, () => scene.vallum.output.stderr.includes(text));

  it('keeps what it has when a test of a route fails, and names the test', async () => {
    reloadWith({
      policy: [{allow: {and: [{groups: {has: 'nobody-has-this'}}]}}],
      tests: [{as: {email: 'alice@example.com', groups: []}, expect: 'allow', because: 'groups-ok'}],
    });

    await said('the configuration was not changed');
    assert.match(scene.vallum.output.stderr,
      /config\.yaml:\d+:\d+: .*tests: expected allow because of groups-ok, got deny \(forbidden\)/);
    assert.equal(await status(), 200);
  });

  it('uses a configuration whose tests pass, for the very next request', async () => {
    reloadWith({
      policy: [{allow: {and: [{groups: {has: 'nobody-has-this'}}]}}],
      tests: [{as: {email: 'alice@example.com', groups: []}, expect: 'deny',
        because: 'groups-unauthorized'}],
    });

    await said('the configuration was changed');
    await until('the next request is refused', async () => (await status()) === 403);
  });
});
