// A real PostgreSQL as Debian's package has it, in a folder of its own, on a unix socket.
import {execFileSync, spawn} from 'node:child_process';
import {appendFileSync, chownSync, existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';

import {collect} from './vallum.mjs';
import {until} from './world.mjs';

// Debian keeps the programs of each version in a folder of its own, off the path.
function program(name) {
  for (let version = 30; version >= 14; --version) {
    const full = `/usr/lib/postgresql/${version}/bin/${name}`;
    if (existsSync(full)) return full;
  }
  return name;
}

// PostgreSQL refuses to run as root.
function unprivileged() {
  if (process.getuid() !== 0) return {};
  const number = (flag) => Number(execFileSync('id', [flag, 'postgres']));
  return {uid: number('-u'), gid: number('-g')};
}

export class Postgres {
  static async start(world) {
    const postgres = new Postgres();
    // Not in the world's folder, which its user may not enter.
    postgres.folder = mkdtempSync(path.join(tmpdir(), 'vallum-postgres-'));
    world.onEnd(() => postgres.#remove());
    postgres.user = unprivileged();
    if (postgres.user.uid) chownSync(postgres.folder, postgres.user.uid, postgres.user.gid);
    postgres.data = path.join(postgres.folder, 'data');
    postgres.#run('initdb', '-D', postgres.data, '-A', 'trust', '-U', 'postgres', '--no-sync',
      '--locale=C', '--encoding=UTF8');
    // mmap: not every container lets this user write to /dev/shm.
    appendFileSync(path.join(postgres.data, 'postgresql.conf'), [
      'dynamic_shared_memory_type = mmap', "listen_addresses = ''",
      `unix_socket_directories = '${postgres.folder}'`, 'shared_buffers = 16MB', 'max_connections = 40', '',
    ].join('\n'));
    await postgres.begin();
    postgres.#run('createdb', '-h', postgres.folder, '-U', 'postgres', 'vallum');
    return postgres;
  }

  // For databroker_storage_connection_string.
  get address() {
    return `host=${this.folder} user=postgres dbname=vallum`;
  }

  // Returns when it answers.
  async begin() {
    this.child = spawn(program('postgres'), ['-D', this.data], {...this.user, cwd: this.folder});
    this.output = collect(this.child);
    await until('postgres answers', () => {
      if (this.output.exited) throw new Error(`postgres ended:\n${this.output.stderr}`);
      try {
        this.#run('pg_isready', '-q', '-h', this.folder);
        return true;
      } catch {
        return false;
      }
    });
  }

  // SIGINT: no session is waited for.
  async end(signal = 'SIGINT') {
    if (this.output.exited) return;
    this.child.kill(signal);
    await this.output.ended;
  }

  #run(name, ...args) {
    execFileSync(program(name), args, {...this.user, cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe']});
  }

  async #remove() {
    if (this.output) await this.end();
    rmSync(this.folder, {recursive: true, force: true});
  }
}
