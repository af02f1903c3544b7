// The identity provider of the scenarios: npm's oidc-provider, behind a front that can fail on demand.
import {generateKeyPairSync, randomUUID} from 'node:crypto';
import http from 'node:http';

import {Provider} from 'oidc-provider';

export const kUsers = {
  alice: {name: 'Alice Archer', email: 'alice@corp.example', email_verified: true, groups: ['eng', 'ops']},
  bob: {name: 'Bob Baker', email: 'bob@corp.example', email_verified: true, groups: ['sales']},
  mallory: {name: 'Mallory', email: 'mallory@evil.example', email_verified: true, groups: []},
};

export const kOtherClient = 'another-e2e';

export class IdentityProvider {
  // `redirectHosts`: origins such as https://authenticate.localhost:8443 of the relying parties.
  static async start(world, {redirectOrigins, clientSecret}) {
    const provider = new IdentityProvider(redirectOrigins, clientSecret);
    await provider.listen(0);
    world.onEnd(() => provider.stop());
    return provider;
  }

  constructor(redirectOrigins, clientSecret) {
    this.redirectOrigins = redirectOrigins;
    this.clientId = 'vallum-e2e';
    this.clientSecret = clientSecret;
    this.faults = [];
    this.requests = [];
    // Every credential handed out, so that scenarios can look for them where they must not be.
    this.tokens = [];
    this.users = structuredClone(kUsers);
  }

  async listen(port) {
    this.server = http.createServer((request, response) => this.#front(request, response));
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.issuer = `http://127.0.0.1:${this.port}`;
    if (!this.keys) this.rotateKeys();
  }

  // Connection refused until start again.
  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async resume() {
    await this.listen(this.port);
  }

  // From now on tokens are signed with a new key under a new id; the old one is no longer published.
  rotateKeys() {
    const {privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'});
    const jwk = privateKey.export({format: 'jwk'});
    this.keys = {keys: [{...jwk, kid: randomUUID(), use: 'sig', alg: 'ES256'}]};
    this.#rebuild();
  }

  // Requests whose path matches are answered by the fault: {status}, {delayMs}, {body} or {reset: true}.
  fail(path, fault) {
    this.faults.push({path, ...fault});
  }

  heal() {
    this.faults = [];
  }

  count(path) {
    return this.requests.filter((seen) => path.test(seen)).length;
  }

  async #front(request, response) {
    const {pathname} = new URL(request.url, this.issuer);
    this.requests.push(pathname);
    const fault = this.faults.find(({path}) => path.test(pathname));
    if (fault?.reset) return request.socket.destroy();
    if (fault?.delayMs) await new Promise((resolve) => setTimeout(resolve, fault.delayMs).unref());
    if (fault?.status || fault?.body !== undefined) {
      response.writeHead(fault.status ?? 200, {'content-type': fault.type ?? 'application/json'});
      return response.end(fault.body ?? '');
    }
    if (pathname.startsWith('/interaction/')) return this.#interaction(request, response);
    if (pathname === '/token') this.#recordTokens(response);
    return this.answer(request, response);
  }

  #rebuild() {
    const provider = new Provider(this.issuer, this.#configuration());
    provider.on('server_error', (context, error) => console.error('oidc-provider:', error));
    this.provider = provider;
    this.answer = provider.callback();
  }

  #configuration() {
    return {
      // The second one is another application's: its tokens are nobody's here.
      clients: [this.clientId, kOtherClient].map((id) => ({
        client_id: id,
        client_secret: this.clientSecret,
        redirect_uris: this.redirectOrigins.map((origin) => `${origin}/oauth2/callback`),
        post_logout_redirect_uris:
          this.redirectOrigins.map((origin) => `${origin}/.pomerium/signed_out`),
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
      })),
      jwks: this.keys,
      cookies: {keys: ['e2e-cookie-key']},
      clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
      claims: {openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups']},
      scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
      conformIdTokenClaims: false,
      pkce: {required: () => true},
      ttl: {AccessToken: 600, Grant: 86400, IdToken: 600, Interaction: 600, RefreshToken: 86400,
        Session: 86400},
      issueRefreshToken: async () => true,
      features: {
        devInteractions: {enabled: false},
        introspection: {enabled: true, allowedPolicy: () => true},
        revocation: {enabled: true, allowedPolicy: () => true},
        rpInitiatedLogout: {enabled: true, logoutSource: endSessionPage},
      },
      interactions: {url: (context, interaction) => `/interaction/${interaction.uid}`},
      findAccount: async (context, id) => this.users[id] && {
        accountId: id,
        claims: async () => ({sub: id, ...this.users[id]}),
      },
      // No consent page: the relying party is the company's own.
      loadExistingGrant: async (context) => {
        const grant = new context.oidc.provider.Grant({
          clientId: context.oidc.client.clientId,
          accountId: context.oidc.session.accountId,
        });
        grant.addOIDCScope('openid offline_access profile email groups');
        await grant.save();
        return grant;
      },
    };
  }

  // One page: a field for the user's name and a button.
  async #interaction(request, response) {
    if (request.method === 'POST') {
      const form = new URLSearchParams(await bodyOf(request));
      const login = {accountId: form.get('user')};
      return this.provider.interactionFinished(request, response, {login});
    }
    response.writeHead(200, {'content-type': 'text/html'});
    response.end(`<!doctype html><title>Identity provider</title><h1>Who are you?</h1>
      <form method="post" action="${new URL(request.url, this.issuer).pathname}">
      <input name="user" aria-label="user"><button>Continue</button></form>`);
  }

  #recordTokens(response) {
    const end = response.end.bind(response);
    response.end = (chunk, ...rest) => {
      try {
        const {access_token: access, refresh_token: refresh, id_token: id} = JSON.parse(String(chunk));
        this.tokens.push(...[access, refresh, id].filter(Boolean));
      } catch {
        // An error answer carries no token.
      }
      return end(chunk, ...rest);
    };
  }
}

// Signs out without asking.
function endSessionPage(context, form) {
  context.body = `<!doctype html><title>Signing out</title>${form}
    <script>
      const form = document.forms[0];
      const yes = document.createElement('input');
      Object.assign(yes, {type: 'hidden', name: 'logout', value: 'yes'});
      form.append(yes);
      form.submit();
    </script>`;
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
