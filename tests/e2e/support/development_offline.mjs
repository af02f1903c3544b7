// Run in a network namespace of its own, where there is nothing but loopback, not even up: signs in
// at `vallum dev` and prints the page.
import {execFileSync} from 'node:child_process';
import {networkInterfaces} from 'node:os';

import {Development} from './development.mjs';
import {World} from './world.mjs';

execFileSync('ip', ['link', 'set', 'lo', 'up']);
const reachable = Object.values(networkInterfaces()).flat().filter(({internal}) => !internal);
if (reachable.length > 0) throw new Error('there is a network here');

const world = new World();
try {
  const dev = await Development.start(world);
  const page = await dev.signIn(dev.visitor(), 'carol');
  console.log(page.status, page.body);
  process.exitCode = page.status === 200 ? 0 : 1;
} finally {
  await world.end();
}
