// Connections that stay open after their answer.
import {readFileSync} from 'node:fs';
import tls from 'node:tls';

// A WebSocket through `node` with the session `handle`: resolves to its socket once the application
// has answered. isOpen says whether it still is, closedAt (performance.now()) when it ended.
export function openStream(scene, node, handle) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      host: '127.0.0.1', port: node.port, servername: 'app.localhost', ca: readFileSync(scene.plan.pki.ca),
    });
    socket.on('error', reject);
    socket.once('data', (chunk) => {
      const text = chunk.toString('latin1');
      if (!text.startsWith('HTTP/1.1 101 ')) return reject(new Error(text));
      socket.isOpen = true;
      socket.on('close', () => {
        socket.isOpen = false;
        socket.closedAt = performance.now();
      });
      return resolve(socket);
    });
    socket.write([
      'GET /socket HTTP/1.1', `Host: app.localhost:${node.port}`, 'Connection: Upgrade', 'Upgrade: websocket',
      'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      `Cookie: _pomerium=${handle}`, '', '',
    ].join('\r\n'));
  });
}
