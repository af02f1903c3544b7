// A deployment of several nodes that are everything in one process each, on one PostgreSQL.
import {RecordingOrigin} from './origin.mjs';
import {Postgres} from './postgres.mjs';
import {IdentityProvider} from './provider.mjs';
import {Node} from './split.mjs';
import {Deployment, requireBinary} from './vallum.mjs';
import {Visitor} from './visitor.mjs';
import {freePort, World} from './world.mjs';

export class NodesScene {
  // `maxStaleness`: of every node.
  static async open({maxStaleness = '5m'} = {}) {
    requireBinary();
    const scene = new NodesScene();
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
    this.plan = await Deployment.plan(world);
    this.origin = await RecordingOrigin.start(world);
    this.postgres = await Postgres.start(world);
    const ports = [await freePort(), await freePort()];
    // People sign in at the first; each serves the application.
    this.signInUrl = `https://authenticate.localhost:${ports[0]}`;
    this.provider = await IdentityProvider.start(world, {
      redirectOrigins: [this.signInUrl],
      clientSecret: this.plan.clientSecret,
    });
    this.nodes = [];
    for (const [index, port] of ports.entries()) {
      const node = new Node(world, `node-${index + 1}`, await this.#config(port, maxStaleness));
      node.app = `https://app.localhost:${port}`;
      node.port = port;
      this.nodes.push(node);
    }
    for (const node of this.nodes) await node.start();
  }

  close() {
    return this.world.end();
  }

  async #config(port, maxStaleness) {
    return {
      ...this.plan.config({issuer: this.provider.issuer, upstream: this.origin.url}),
      address: `127.0.0.1:${port}`,
      http_redirect_addr: undefined,
      health_check_addr: `127.0.0.1:${await freePort()}`,
      grpc_address: `127.0.0.1:${await freePort()}`,
      grpc_insecure: true,
      authenticate_service_url: this.signInUrl,
      databroker_storage_type: 'postgres',
      databroker_storage_connection_string: this.postgres.address,
      max_staleness: maxStaleness,
      routes: [{
        from: 'https://app.localhost',
        to: this.origin.url,
        allow_websockets: true,
        policy: [{allow: {and: [{domain: {is: 'corp.example'}}]}}],
      }],
    };
  }

  visitor() {
    return new Visitor({ca: this.plan.pki.ca});
  }

  async signedIn(user, node = this.nodes[0]) {
    const visitor = this.visitor();
    const answer = await visitor.signIn(`${node.app}/`, user);
    if (answer.status !== 200) throw new Error(`sign-in of ${user}: ${answer.status} ${answer.body}`);
    return visitor;
  }
}
