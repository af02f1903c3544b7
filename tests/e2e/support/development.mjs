// `vallum dev` as a newcomer starts it: no argument, a home of its own.
import {spawn} from 'node:child_process';
import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import path from 'node:path';

import {collect, kBinary, Vallum} from './vallum.mjs';
import {Visitor} from './visitor.mjs';
import {until} from './world.mjs';

export class Development {
  static async start(world) {
    const dev = new Development(world);
    world.onEnd(() => dev.stop());
    await dev.launch();
    return dev;
  }

  constructor(world) {
    this.world = world;
    this.stateFolder = world.file('dev-state');
    this.environment = {STATE_DIRECTORY: this.stateFolder};
    this.authority = undefined;
  }

  // Returns when the URL is printed and answers.
  async launch() {
    this.child = spawn(kBinary, ['dev'], {env: {...process.env, ...this.environment}});
    this.output = collect(this.child);
    const {output} = this;
    this.url = await until('vallum dev prints its URL', () => {
      if (output.exited) throw new Error(`vallum dev ended at start:\n${output.stderr}`);
      return /^(https:\S+)\n/.exec(output.stdout)?.[1];
    });
    this.admin = `${this.url.replace('app.', 'admin.')}/`;
    this.authority = /curl --cacert (\S+)/.exec(output.stderr)[1];
    this.configFile = path.join(this.stateFolder, 'dev', 'config.yaml');
    this.provider = /idp_provider_url: "([^"]+)"/.exec(readFileSync(this.configFile, 'utf8'))[1];
    await until('vallum dev answers', async () =>
      (await this.visitor().request(`${this.url}/ping`).catch(() => ({}))).status === 200);
  }

  async stop() {
    if (this.output.exited) return;
    this.child.kill('SIGTERM');
    await this.output.ended;
  }

  async restart() {
    await this.stop();
    await this.launch();
  }

  visitor() {
    return new Visitor({ca: this.authority});
  }

  // By the button of that person.
  async signIn(visitor, user) {
    const page = await visitor.follow(`${this.url}/`);
    const request = /name="request" value="([^"]+)"/.exec(page.body)?.[1];
    if (!request) throw new Error(`no provider's page at ${page.url}: ${page.status} ${page.body}`);
    return visitor.submit(page, {request, user});
  }

  // The configuration that `vallum dev` wrote, run like any other.
  async startConfigured() {
    const plan = {app: this.url, stateFolder: path.join(this.stateFolder, 'dev'), pki: {ca: this.authority}};
    const vallum = new Vallum(plan, this.configFile);
    this.world.onEnd(() => vallum.kill());
    await vallum.launch();
    return vallum;
  }

  // What the kernel's tables call the sockets of the process.
  socketInodes() {
    const folder = `/proc/${this.child.pid}/fd`;
    const links = readdirSync(folder).map((fd) => {
      try {
        return readlinkSync(path.join(folder, fd));
      } catch {
        return '';  // closed in the meantime
      }
    });
    return new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]).filter(Boolean));
  }
}
