// One world with everything running: provider, origin, Vallum.
import {RecordingOrigin} from './origin.mjs';
import {IdentityProvider} from './provider.mjs';
import {Deployment, requireBinary, Vallum} from './vallum.mjs';
import {Visitor} from './visitor.mjs';
import {World} from './world.mjs';

export class Scene {
  // `adjust(config)` may change the configuration before Vallum starts with it.
  static async open(adjust = () => {}) {
    requireBinary();
    const scene = new Scene();
    scene.world = new World();
    try {
      scene.plan = await Deployment.plan(scene.world);
      scene.origin = await RecordingOrigin.start(scene.world);
      scene.provider = await IdentityProvider.start(scene.world, {
        redirectOrigins: [scene.plan.origin('authenticate')],
        clientSecret: scene.plan.clientSecret,
      });
      const config = scene.plan.config({issuer: scene.provider.issuer, upstream: scene.origin.url});
      adjust(config);
      scene.vallum = await Vallum.start(scene.world, scene.plan, config);
    } catch (error) {
      await scene.world.end();
      throw error;
    }
    return scene;
  }

  close() {
    return this.world.end();
  }

  visitor() {
    return new Visitor({ca: this.plan.pki.ca});
  }

  // A visitor who has signed in at the application and seen it.
  async signedIn(user) {
    const visitor = this.visitor();
    const answer = await visitor.signIn(`${this.plan.app}/`, user);
    if (answer.status !== 200) throw new Error(`sign-in of ${user}: ${answer.status} ${answer.body}`);
    return visitor;
  }
}
