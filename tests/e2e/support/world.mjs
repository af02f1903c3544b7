// What every scenario needs: a scratch folder, free ports, certificates, and a way to end everything.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import net from 'node:net';
import {tmpdir} from 'node:os';
import path from 'node:path';

// Names under .localhost reach loopback in Chromium; each is a site of its own, as real hosts are.
export const kHosts = ['app.localhost', 'admin.localhost', 'authenticate.localhost'];

export class World {
  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), 'vallum-e2e-'));
    this.cleanups = [];
  }

  // Runs `cleanup` when the scenario ends; the last one registered runs first.
  onEnd(cleanup) {
    this.cleanups.push(cleanup);
  }

  async end() {
    for (const cleanup of this.cleanups.reverse()) await cleanup();
    if (process.env.E2E_KEEP) {
      console.error(`kept ${this.folder}`);
    } else {
      rmSync(this.folder, {recursive: true, force: true});
    }
  }

  file(name, content) {
    const full = path.join(this.folder, name);
    if (content !== undefined) writeFileSync(full, content, {mode: 0o600});
    return full;
  }

  // A certificate authority and one leaf for `hosts`: {ca, certificate, key} as file paths.
  certificates(hosts = kHosts, days = 30) {
    const prefix = `pki-${this.cleanups.length}-${days}`;
    const [ca, caKey] = [this.file(`${prefix}-ca.pem`), this.file(`${prefix}-ca.key`)];
    const [leaf, key] = [this.file(`${prefix}-leaf.pem`), this.file(`${prefix}-leaf.key`)];
    const ecKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl('req', '-x509', ...ecKey, '-days', '30', '-subj', '/CN=Vallum test CA', '-keyout', caKey,
      '-out', ca);
    const request = this.file(`${prefix}.csr`);
    openssl('req', '-new', ...ecKey, '-subj', `/CN=${hosts[0]}`, '-keyout', key, '-out', request);
    const names = hosts.map((host) => `DNS:${host}`).join(',');
    const extensions = this.file(`${prefix}.ext`, `subjectAltName=${names}\n`);
    // OpenSSL 3.0 takes no validity dates here: an expired leaf is made with a negative number of days.
    openssl('x509', '-req', '-in', request, '-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days',
      String(days), '-extfile', extensions, '-out', leaf);
    return {ca, certificate: leaf, key};
  }
}

function openssl(...args) {
  execFileSync('openssl', args, {stdio: ['ignore', 'ignore', 'pipe']});
}

// Below those that the kernel gives to connections, which come and go while a scenario starts.
const kPorts = {first: 20000, count: 12000};
const held = [];
process.on('exit', () => held.forEach((file) => rmSync(file, {force: true})));

// A port nobody listens on, and that no other scenario gets until this process ends.
export async function freePort() {
  const start = Math.floor(Math.random() * kPorts.count);
  for (let i = 0; i < kPorts.count; ++i) {
    const port = kPorts.first + ((start + i) % kPorts.count);
    if (hold(port) && (await canListen(port))) return port;
  }
  throw new Error('no port is free');
}

function hold(port) {
  const file = path.join(tmpdir(), `vallum-e2e-port-${port}`);
  try {
    writeFileSync(file, '', {flag: 'wx'});
  } catch {
    return false;
  }
  held.push(file);
  return true;
}

function canListen(port) {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

// Polls until `probe` returns something truthy, which it returns. `what` names the wait in the error.
export async function until(what, probe, limitMs = 20_000) {
  const giveUp = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > giveUp) throw new Error(`gave up after ${limitMs} ms waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
