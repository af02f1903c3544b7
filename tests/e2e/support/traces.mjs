// Looks for texts in bytes, in every form in which a careless program could have left them there.

// The name of the first form of `secret` that `bytes` contain, or undefined.
export function traceOf(secret, bytes) {
  for (const [form, pattern] of formsOf(secret)) {
    if (bytes.includes(pattern)) return form;
  }
  return undefined;
}

function formsOf(secret) {
  const raw = Buffer.from(secret);
  const forms = [
    ['as it is', raw],
    ['percent-encoded', Buffer.from(encodeURIComponent(secret))],
    ['in hex', Buffer.from(raw.toString('hex'))],
    ['in upper-case hex', Buffer.from(raw.toString('hex').toUpperCase())],
  ];
  // Base64 of a text looks different at each of three distances from the start of what was encoded.
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(before), raw]);
    const inside = [Math.ceil((before * 4) / 3), Math.floor((encoded.length * 4) / 3)];
    for (const alphabet of ['base64', 'base64url']) {
      forms.push([`in ${alphabet}`, Buffer.from(encoded.toString(alphabet).slice(...inside))]);
    }
  }
  if (/^[0-9a-f-]{36}$/.test(secret)) {
    forms.push(['as 16 bytes', Buffer.from(secret.replaceAll('-', ''), 'hex')]);
  }
  return forms;
}
