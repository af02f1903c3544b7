// Vallum itself: a generated configuration, a child process, its output.
import {spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {existsSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

import {freePort, until} from './world.mjs';
import {Visitor} from './visitor.mjs';

const kRepository = fileURLToPath(new URL('../../..', import.meta.url));
export const kBinary = process.env.VALLUM_BIN ?? path.join(kRepository, 'build/release/vallum');

// Runs the binary to its end: {code, signal, stdout, stderr}. `under` is a command that runs it.
export function runVallum(args, {env = {}, timeoutMs = 20_000, under = []} = {}) {
  const [command, ...rest] = [...under, kBinary, ...args];
  const child = spawn(command, rest, {env: {...process.env, ...env}, timeout: timeoutMs});
  return collect(child).ended;
}

// The output of a child as it comes, and a promise of its end.
export function collect(child) {
  const output = {stdout: '', stderr: '', exited: false};
  child.stdout.on('data', (chunk) => (output.stdout += chunk));
  child.stderr.on('data', (chunk) => (output.stderr += chunk));
  output.ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      output.exited = true;
      resolve({code, signal, stdout: output.stdout, stderr: output.stderr});
    });
  });
  return output;
}

// The configuration of a company with two applications in front of one recording origin: `app` for
// everybody of corp.example, `admin` for the group ops.
export class Deployment {
  static async plan(world) {
    const plan = new Deployment();
    plan.world = world;
    plan.port = await freePort();
    plan.redirectPort = await freePort();
    plan.healthPort = await freePort();
    plan.pki = world.certificates();
    plan.stateFolder = world.file('state');
    mkdirSync(plan.stateFolder, {mode: 0o700});
    // Planted: these and everything derived for users must never be seen in a log or in the store.
    plan.clientSecret = `planted-client-secret-${randomBytes(8).toString('hex')}`;
    plan.sharedSecret = randomBytes(32).toString('base64');
    plan.cookieSecret = randomBytes(32).toString('base64');
    return plan;
  }

  origin(host) {
    return `https://${host}.localhost:${this.port}`;
  }

  get app() {
    return this.origin('app');
  }

  get admin() {
    return this.origin('admin');
  }

  get store() {
    return path.join(this.stateFolder, 'vallum.db');
  }

  config({issuer, upstream}) {
    return {
      address: `127.0.0.1:${this.port}`,
      http_redirect_addr: `127.0.0.1:${this.redirectPort}`,
      health_check_addr: `127.0.0.1:${this.healthPort}`,
      certificate_file: this.pki.certificate,
      certificate_key_file: this.pki.key,
      authenticate_service_url: this.origin('authenticate'),
      idp_provider: 'oidc',
      idp_provider_url: issuer,
      idp_client_id: 'vallum-e2e',
      idp_client_secret: this.clientSecret,
      idp_scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
      idp_groups_claim: 'groups',
      shared_secret: this.sharedSecret,
      cookie_secret: this.cookieSecret,
      databroker_storage_type: 'file',
      databroker_storage_connection_string: `file://${this.stateFolder}`,
      pass_identity_headers: true,
      jwt_claims_headers: ['email', 'groups'],
      routes: [
        {
          from: this.app,
          to: upstream,
          allow_websockets: true,
          policy: [{allow: {and: [{domain: {is: 'corp.example'}}]}}],
        },
        {
          from: this.admin,
          to: upstream,
          policy: [{allow: {and: [{groups: {has: 'ops'}}]}}],
        },
      ],
    };
  }

  // JSON is YAML: the quoting is right whatever the values are.
  write(config, name = 'config.yaml') {
    return this.world.file(name, JSON.stringify(config, null, 2));
  }
}

// A running Vallum. start() returns when it answers; stop() and kill() when it is gone.
export class Vallum {
  static async start(world, plan, config) {
    const vallum = new Vallum(plan, plan.write(config));
    world.onEnd(() => vallum.kill());
    await vallum.launch();
    return vallum;
  }

  constructor(plan, configFile) {
    this.plan = plan;
    this.configFile = configFile;
    // Everything ever written by this deployment, over restarts.
    this.stdout = '';
    this.stderr = '';
    this.output = {stdout: '', stderr: '', exited: true};
  }

  // Starts the process and returns at once.
  begin() {
    this.#keepOutput();
    this.child = spawn(kBinary, ['--config', this.configFile], {
      env: {...process.env, STATE_DIRECTORY: this.plan.stateFolder},
    });
    this.output = collect(this.child);
  }

  async launch() {
    this.begin();
    const visitor = new Visitor({ca: this.plan.pki.ca});
    await until('vallum answers', async () => {
      if (this.output.exited) throw new Error(`vallum ended at start:\n${this.output.stderr}`);
      try {
        return (await visitor.request(`${this.plan.app}/ping`)).status === 200;
      } catch {
        return false;
      }
    });
  }

  // SIGTERM, and what it ends with.
  async stop() {
    return this.#end('SIGTERM');
  }

  // SIGKILL: no chance to flush anything.
  async kill() {
    return this.#end('SIGKILL');
  }

  async restart() {
    await this.stop();
    await this.launch();
  }

  // The JSON lines on standard output whose message is `message`.
  records(message) {
    return (this.stdout + this.output.stdout)
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line))
      .filter((record) => record.message === message);
  }

  get everythingWritten() {
    return this.stdout + this.stderr + this.output.stdout + this.output.stderr;
  }

  async #end(signal) {
    if (this.output.exited) return undefined;
    this.child.kill(signal);
    const result = await this.output.ended;
    this.#keepOutput();
    return result;
  }

  #keepOutput() {
    this.stdout += this.output.stdout;
    this.stderr += this.output.stderr;
    this.output.stdout = this.output.stderr = '';
  }
}

export function requireBinary() {
  if (!existsSync(kBinary)) throw new Error(`${kBinary} does not exist: build it, or set VALLUM_BIN`);
}
