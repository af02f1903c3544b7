// A browser without a screen: HTTPS that trusts the scenario's CA only, and a cookie jar per host.
import {readFileSync} from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const kToLoopback = (hostname, options, done) =>
  options.all ? done(null, [{address: '127.0.0.1', family: 4}]) : done(null, '127.0.0.1', 4);

export class Visitor {
  constructor({ca} = {}) {
    this.ca = ca && readFileSync(ca);
    this.cookies = new Map();  // host without port -> Map of name -> value
  }

  cookie(host, name) {
    return this.cookies.get(host)?.get(name);
  }

  // One exchange, no redirect followed: {status, headers, body, url}. Rejects when the answer is cut.
  request(url, {method = 'GET', headers = {}, body, timeoutMs = 60_000} = {}) {
    const target = new URL(url);
    const jar = this.#cookieHeader(target.hostname);
    const options = {
      method,
      headers: {accept: 'text/html', ...(jar && {cookie: jar}), ...headers},
      lookup: kToLoopback,
      agent: false,
      timeout: timeoutMs,
      ...(target.protocol === 'https:' && {ca: this.ca, servername: target.hostname}),
    };
    return new Promise((resolve, reject) => {
      const send = target.protocol === 'https:' ? https.request : http.request;
      const request = send(target, options, (response) => {
        this.#store(target.hostname, response.headers['set-cookie'] ?? []);
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
          url: target.href,
        }));
      });
      request.on('timeout', () => request.destroy(new Error(`no answer from ${url} in ${timeoutMs} ms`)));
      request.on('error', reject);
      request.end(body);
    });
  }

  // As request, but goes where it is sent. `visited` of the result lists every URL on the way.
  async follow(url, options = {}) {
    const visited = [];
    let answer = await this.request(url, options);
    for (let next = nextUrl(answer); next && visited.length < 20; next = nextUrl(answer)) {
      visited.push(answer.url);
      answer = await this.request(next);
    }
    return {...answer, visited};
  }

  // Presses the one button of a page that was fetched, and goes where that leads.
  async submit(page, fields = {}) {
    const action = /<form[^>]*action="([^"]+)"/.exec(page.body)?.[1];
    if (!action) throw new Error(`no form at ${page.url}: ${page.status} ${page.body}`);
    const target = new URL(action.replaceAll('&amp;', '&'), page.url);
    return this.follow(target.href, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'origin': target.origin,
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'navigate',
      },
      body: new URLSearchParams(fields).toString(),
    });
  }

  // Opens `url` and signs in at the provider's page when sent there. Returns the last answer.
  async signIn(url, user) {
    const page = await this.follow(url);
    if (!page.url.includes('/interaction/')) {
      throw new Error(`expected the provider's page, got ${page.status} at ${page.url}: ${page.body}`);
    }
    return this.submit(page, {user});
  }

  // Signs out through the page that asks first.
  async signOut(origin) {
    return this.submit(await this.follow(`${origin}/.pomerium/sign_out`));
  }

  #cookieHeader(host) {
    return [...(this.cookies.get(host) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #store(host, lines) {
    const jar = this.cookies.get(host) ?? new Map();
    this.cookies.set(host, jar);
    for (const line of lines) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf('='));
      const expires = attributes.find((text) => /^expires=/i.test(text))?.slice('expires='.length);
      const gone = attributes.some((text) => /^max-age=(0|-\d+)$/i.test(text)) ||
        (expires !== undefined && Date.parse(expires) <= Date.now());
      if (gone) jar.delete(name);
      else jar.set(name, pair.slice(pair.indexOf('=') + 1));
    }
  }
}

// Where an answer sends a browser by itself: Location, or Refresh with no delay.
function nextUrl({headers, url}) {
  const target = headers.location ?? /^0;\s*url=(.+)$/i.exec(headers.refresh ?? '')?.[1];
  return target && new URL(target, url).href;
}
