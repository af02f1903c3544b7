// Other proxies that ask Vallum for decisions: Debian's nginx, and a gRPC client in Python.
import {execFileSync, spawn} from 'node:child_process';
import {mkdirSync, readFileSync} from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

import {collect} from './vallum.mjs';
import {freePort, until} from './world.mjs';

// Debian's, whose modules python3-grpcio and python3-protobuf are.
const kPython = process.env.PYTHON_BIN ?? '/usr/bin/python3';
const kRepository = fileURLToPath(new URL('../../..', import.meta.url));

// The code block of that language in docs/ext_authz.md.
export function documented(language) {
  const text = readFileSync(path.join(kRepository, 'docs/ext_authz.md'), 'utf8');
  const block = new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``).exec(text)?.[1];
  if (!block) throw new Error(`docs/ext_authz.md has no block of ${language}`);
  return block;
}

// nginx with the documented configuration; only addresses, names and files are this world's.
export async function startNginx(world, plan, {forwardAuthPort, origin}) {
  const port = await freePort();
  const places = {
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
    'app.example.com': 'app.localhost',
    '/etc/nginx/app.localhost.crt': plan.pki.certificate,
    '/etc/nginx/app.localhost.key': plan.pki.key,
    '127.0.0.1:9000': `127.0.0.1:${forwardAuthPort}`,
    'http://127.0.0.1:8080': origin.url,
    'https://127.0.0.1:8443': `https://127.0.0.1:${plan.port}`,
    '/etc/nginx/vallum-ca.pem': plan.pki.ca,
  };
  let servers = documented('nginx');
  for (const [written, ours] of Object.entries(places)) {
    if (!servers.includes(written)) throw new Error(`the documented nginx configuration has no ${written}`);
    servers = servers.replaceAll(written, ours);
  }
  const folder = world.file('nginx');
  mkdirSync(folder);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');
  const user = process.getuid() === 0 ? 'user root;' : '';
  const file = world.file('nginx.conf', `daemon off; ${user} pid ${folder}/pid; error_log stderr info;
    worker_processes 1; events {} http { access_log off; ${temporary}\n${servers}\n}`);
  const child = spawn('nginx', ['-p', folder, '-c', file]);
  const output = collect(child);
  world.onEnd(async () => {
    child.kill('SIGTERM');
    await output.ended;
  });
  await until('nginx listens', async () => {
    if (output.exited) throw new Error(`nginx ended at start:\n${output.stderr}`);
    return new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
  });
  return {port, output, url: `https://app.localhost:${port}`};
}

// Asks over gRPC with code that protoc generates for Python. `files` are CA, certificate and key.
export class GrpcPeer {
  constructor(world) {
    this.generated = world.file('generated');
    mkdirSync(this.generated);
    const protos = ['ext_authz', 'envoy_address', 'envoy_header', 'envoy_http_status', 'rpc_status'];
    execFileSync('protoc', [`--proto_path=${kRepository}`, `--python_out=${this.generated}`,
      ...protos.map((name) => `proto/${name}.proto`)], {cwd: kRepository});
  }

  // One answer for each question: {code, details, answer}.
  async ask(port, questions, files = []) {
    const script = path.join(kRepository, 'tests/e2e/support/check.py');
    const child = spawn(kPython, [script, this.generated, `127.0.0.1:${port}`, ...files]);
    const output = collect(child);
    child.stdin.on('error', () => {});  // its exit code says more
    child.stdin.end(questions.map((question) => `${JSON.stringify(question)}\n`).join(''));
    const {code, stdout, stderr} = await output.ended;
    if (code !== 0) throw new Error(`check.py: ${stderr}`);
    return stdout.trim().split('\n').map((line) => JSON.parse(line));
  }
}
