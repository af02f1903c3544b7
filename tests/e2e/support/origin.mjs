// The application behind Vallum: a TCP server that keeps every byte it is sent, so that a scenario can
// prove what did and did not arrive. It reads HTTP/1.1 by itself: a library would tidy the bytes.
import {createHash} from 'node:crypto';
import net from 'node:net';

export class RecordingOrigin {
  static async start(world) {
    const origin = new RecordingOrigin();
    origin.server = net.createServer((socket) => origin.#serve(socket));
    await new Promise((resolve) => origin.server.listen(0, '127.0.0.1', resolve));
    origin.port = origin.server.address().port;
    origin.url = `http://127.0.0.1:${origin.port}`;
    world.onEnd(() => origin.stop());
    return origin;
  }

  constructor() {
    this.requests = [];
    this.sockets = new Set();
    // Path -> function(request, socket) for paths that do not get the default answer.
    this.routes = new Map([
      ['/socket', echoWebSocket],
      ['/cut', cutMidBody],
      ['/silence', () => {}],
    ]);
  }

  // Everything received so far, as text of one byte per character.
  get bytes() {
    return Buffer.concat(this.requests.map(({raw}) => raw)).toString('latin1');
  }

  forget() {
    this.requests = [];
  }

  async stop() {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #serve(socket) {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    let buffer = Buffer.alloc(0);
    const onData = (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (;;) {
        const request = takeRequest(buffer);
        if (!request) return;
        buffer = buffer.subarray(request.raw.length);
        this.requests.push(request);
        if (request.header('upgrade')) socket.off('data', onData);
        const route = this.routes.get(request.path.split('?')[0]) ?? describeRequest;
        route(request, socket);
      }
    };
    socket.on('data', onData);
  }
}

// The first whole request in `buffer`: {raw, method, path, headers, header(), body}, or null.
function takeRequest(buffer) {
  const headEnd = buffer.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const [line, ...fields] = buffer.subarray(0, headEnd).toString('latin1').split('\r\n');
  const [method, path] = line.split(' ');
  const headers = fields.map((field) => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon), field.slice(colon + 1).trim()];
  });
  const header = (name) =>
    headers.find(([candidate]) => candidate.toLowerCase() === name.toLowerCase())?.[1];
  const bodyStart = headEnd + 4;
  let length = Number(header('content-length') ?? 0);
  if (header('transfer-encoding')) {
    const last = buffer.indexOf('0\r\n\r\n', bodyStart);
    if (last < 0) return null;
    length = last + 5 - bodyStart;
  }
  if (buffer.length < bodyStart + length) return null;
  const raw = buffer.subarray(0, bodyStart + length);
  return {raw, method, path, headers, header, body: raw.subarray(bodyStart)};
}

// Answers with what was received, as JSON.
function describeRequest({method, path, headers}, socket) {
  const body = JSON.stringify({method, path, headers});
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
    `\r\n${method === 'HEAD' ? '' : body}`);
}

// Promises more than it sends.
function cutMidBody(request, socket) {
  socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nfirst part');
  setTimeout(() => socket.destroy(), 50);
}

// RFC 6455, as much as it takes to return short unfragmented text frames.
function echoWebSocket(request, socket) {
  const accept = createHash('sha1')
    .update(`${request.header('sec-websocket-key')}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    while (buffer.length >= 6) {
      const length = buffer[1] & 0x7f;
      if (buffer.length < 6 + length) return;
      const mask = buffer.subarray(2, 6);
      const payload = buffer.subarray(6, 6 + length).map((byte, i) => byte ^ mask[i % 4]);
      socket.write(Buffer.concat([Buffer.from([buffer[0], length]), payload]));
      buffer = buffer.subarray(6 + length);
    }
  });
}
