// The signed statement that an application receives, checked as an application would: with nothing
// but the published keys.
import assert from 'node:assert/strict';
import {createPublicKey, verify} from 'node:crypto';

// The claims of `jwt`, once a key of `origin` has verified it.
export async function verifiedClaims(visitor, origin, jwt) {
  const answer = await visitor.request(`${origin}/.well-known/pomerium/jwks.json`);
  assert.equal(answer.status, 200, answer.body);
  const [head, payload, signature] = jwt.split('.');
  const {alg, kid} = jsonPart(head);
  assert.equal(alg, 'ES256');
  const jwk = JSON.parse(answer.body).keys.find((candidate) => candidate.kid === kid);
  assert.ok(jwk, `no published key has the id ${kid}: ${answer.body}`);
  assert.equal(jwk.d, undefined, 'the published key is the private one');
  const key = {key: createPublicKey({key: jwk, format: 'jwk'}), dsaEncoding: 'ieee-p1363'};
  const signed = Buffer.from(`${head}.${payload}`);
  assert.ok(verify('sha256', signed, key, Buffer.from(signature, 'base64url')), 'the signature is wrong');
  return jsonPart(payload);
}

export function jsonPart(part) {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}
