// A deployment of several processes: a databroker, whoever signs people in, and proxies, each with a
// network to the databroker that can be cut.
import {execFileSync, spawn} from 'node:child_process';
import {mkdirSync} from 'node:fs';
import http from 'node:http';
import net from 'node:net';

import {RecordingOrigin} from './origin.mjs';
import {IdentityProvider} from './provider.mjs';
import {collect, Deployment, kBinary, requireBinary} from './vallum.mjs';
import {Visitor} from './visitor.mjs';
import {freePort, until, World} from './world.mjs';

export const kDatabrokerName = 'databroker.internal';

// Carries bytes between a node and the databroker, until told otherwise.
export class Wire {
  static async lay(world, target) {
    const wire = new Wire();
    wire.target = target;
    wire.state = 'whole';
    wire.pairs = new Set();
    wire.server = net.createServer((near) => wire.#join(near));
    await new Promise((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    wire.port = wire.server.address().port;
    world.onEnd(() => {
      wire.server.close();
      wire.#destroyAll();
    });
    return wire;
  }

  // Nothing arrives any more, and nobody is told.
  freeze() {
    this.state = 'frozen';
    for (const {near, far} of this.pairs) {
      near.pause();
      far.pause();
    }
  }

  // Every connection ends at once, new ones too.
  cut() {
    this.state = 'cut';
    this.#destroyAll();
  }

  mend() {
    if (this.state === 'frozen') this.#destroyAll();
    this.state = 'whole';
  }

  #destroyAll() {
    for (const {near, far} of this.pairs) {
      near.destroy();
      far.destroy();
    }
    this.pairs.clear();
  }

  #join(near) {
    near.on('error', () => {});
    if (this.state === 'cut') return near.resetAndDestroy();
    const far = net.connect(this.target, '127.0.0.1');
    far.on('error', () => {});
    const pair = {near, far};
    this.pairs.add(pair);
    const end = () => {
      near.destroy();
      far.destroy();
      this.pairs.delete(pair);
    };
    near.on('close', end);
    far.on('close', end);
    near.pipe(far);
    far.pipe(near);
    if (this.state === 'frozen') {
      near.pause();
      far.pause();
    }
    return undefined;
  }
}

// One process.
export class Node {
  constructor(world, name, config) {
    this.name = name;
    this.stateFolder = world.file(`state-${name}`);
    mkdirSync(this.stateFolder, {recursive: true, mode: 0o700});
    this.healthPort = Number(config.health_check_addr.split(':')[1]);
    this.configFile = world.file(`${name}.yaml`, JSON.stringify(config, null, 2));
    this.stdout = '';
    this.stderr = '';
    this.output = {stdout: '', stderr: '', exited: true};
    world.onEnd(() => this.end('SIGKILL'));
  }

  begin() {
    this.child = spawn(kBinary, ['--config', this.configFile, '--cores', '2'], {
      env: {...process.env, STATE_DIRECTORY: this.stateFolder},
    });
    this.output = collect(this.child);
  }

  async start() {
    this.begin();
    await until(`${this.name} is ready`, async () => {
      if (this.output.exited) throw new Error(`${this.name} ended:\n${this.output.stderr}`);
      return (await this.probe('readyz')).status === 200;
    });
  }

  async end(signal) {
    if (this.output.exited) return undefined;
    this.child.kill(signal);
    const result = await this.output.ended;
    this.stdout += this.output.stdout;
    this.stderr += this.output.stderr;
    this.output.stdout = this.output.stderr = '';
    return result;
  }

  get written() {
    return this.stdout + this.stderr + this.output.stdout + this.output.stderr;
  }

  // {status, body} of a probe; status 0 while nobody listens.
  probe(path) {
    return new Promise((resolve) => {
      const none = () => resolve({status: 0, body: ''});
      const request = http.get({host: '127.0.0.1', port: this.healthPort, path: `/${path}`, timeout: 5000},
        (response) => {
          const chunks = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.on('error', none);
          response.on('end', () =>
            resolve({status: response.statusCode, body: Buffer.concat(chunks).toString()}));
        });
      request.on('error', none);
      request.on('timeout', () => request.destroy());
    });
  }

  records(message) {
    return (this.stdout + this.output.stdout).split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line))
      .filter((record) => record.message === message);
  }
}

// An authority for the processes, and certificates of it.
class InternalPki {
  constructor(world, name) {
    this.world = world;
    this.name = name;
    this.ca = world.file(`${name}-ca.pem`);
    this.caKey = world.file(`${name}-ca.key`);
    openssl('req', '-x509', ...kEcKey, '-days', '30', '-subj', `/CN=${name}`, '-keyout', this.caKey,
      '-out', this.ca);
  }

  leaf(name, alternativeName) {
    const [certificate, key, request, extensions] = ['pem', 'key', 'csr', 'ext']
      .map((end) => this.world.file(`${this.name}-${name}.${end}`));
    openssl('req', '-new', ...kEcKey, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
    this.world.file(`${this.name}-${name}.ext`, `subjectAltName=${alternativeName}\n`);
    openssl('x509', '-req', '-in', request, '-CA', this.ca, '-CAkey', this.caKey, '-CAcreateserial',
      '-days', '30', '-extfile', extensions, '-out', certificate);
    return {certificate, key};
  }
}

const kEcKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(...args) {
  execFileSync('openssl', args, {stdio: ['ignore', 'ignore', 'pipe']});
}

export class SplitScene {
  // `maxStaleness`: of every node.
  static async open({maxStaleness = '5m'} = {}) {
    requireBinary();
    const scene = new SplitScene();
    scene.world = new World();
    try {
      await scene.#lay(maxStaleness);
    } catch (error) {
      await scene.world.end();
      throw error;
    }
    return scene;
  }

  async #lay(maxStaleness) {
    const {world} = this;
    this.maxStaleness = maxStaleness;
    this.plan = await Deployment.plan(world);
    this.pki = new InternalPki(world, 'internal');
    this.origin = await RecordingOrigin.start(world);
    this.authenticatePort = await freePort();
    this.signInUrl = `https://authenticate.localhost:${this.authenticatePort}`;
    this.provider = await IdentityProvider.start(world, {
      redirectOrigins: [this.signInUrl],
      clientSecret: this.plan.clientSecret,
    });
    this.databrokerPort = await freePort();
    this.databroker = new Node(world, 'databroker', await this.databrokerConfig());
    this.authenticate = await this.#node('authenticate', {
      services: 'authenticate',
      address: `127.0.0.1:${this.authenticatePort}`,
      cookie_secret: this.plan.cookieSecret,
      idp_provider: 'oidc',
      idp_provider_url: this.provider.issuer,
      idp_client_id: 'vallum-e2e',
      idp_client_secret: this.plan.clientSecret,
      idp_scopes: ['openid', 'profile', 'email', 'offline_access'],
    });
    this.proxies = [await this.proxy('proxy-1'), await this.proxy('proxy-2')];
    await this.databroker.start();
    await Promise.all([this.authenticate, ...this.proxies].map((node) => node.start()));
  }

  close() {
    return this.world.end();
  }

  // What every process is told.
  async common() {
    return {
      health_check_addr: `127.0.0.1:${await freePort()}`,
      certificate_file: this.plan.pki.certificate,
      certificate_key_file: this.plan.pki.key,
      shared_secret: this.plan.sharedSecret,
      authenticate_service_url: this.signInUrl,
      max_staleness: this.maxStaleness,
      routes: [{
        from: 'https://app.localhost',
        to: this.origin.url,
        allow_websockets: true,
        policy: [{allow: {and: [{domain: {is: 'corp.example'}}]}}],
      }],
    };
  }

  async databrokerConfig() {
    const leaf = this.pki.leaf('databroker', `DNS:${kDatabrokerName}`);
    return {
      ...await this.common(),
      services: 'databroker',
      grpc_address: `127.0.0.1:${this.databrokerPort}`,
      certificate_file: leaf.certificate,
      certificate_key_file: leaf.key,
      databroker_client_ca_file: this.pki.ca,
    };
  }

  async #node(name, config) {
    const wire = await Wire.lay(this.world, this.databrokerPort);
    const leaf = this.pki.leaf(name, `URI:vallum:service:${config.services}`);
    const node = new Node(this.world, name, {
      ...await this.common(),
      databroker_service_url: `https://127.0.0.1:${wire.port}`,
      override_certificate_name: kDatabrokerName,
      certificate_authority_file: this.pki.ca,
      databroker_certificate_file: leaf.certificate,
      databroker_certificate_key_file: leaf.key,
      ...config,
    });
    node.wire = wire;
    return node;
  }

  // Not started.
  async proxy(name, more = {}) {
    const port = await freePort();
    const node = await this.#node(name, {services: 'proxy', address: `127.0.0.1:${port}`, ...more});
    node.app = `https://app.localhost:${port}`;
    node.port = port;
    return node;
  }

  otherPki(name) {
    return new InternalPki(this.world, name);
  }

  visitor() {
    return new Visitor({ca: this.plan.pki.ca});
  }

  async signedIn(user, node = this.proxies[0]) {
    const visitor = this.visitor();
    const answer = await visitor.signIn(`${node.app}/`, user);
    if (answer.status !== 200) throw new Error(`sign-in of ${user}: ${answer.status} ${answer.body}`);
    return visitor;
  }
}
