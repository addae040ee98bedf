// The one verification rule: canonical S, A and R, A torsion-free, `[S]B - [k]A` equal to R byte for byte.
//
// The library's own `verify` clears the cofactor, which accepts more; so the equation stands here over its points.

import { Point } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { same } from "./bytes.js";

const L = Point.CURVE().n;

function littleEndian(bytes) {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** The point of a public key, or null where the key is not admitted: not canonical, small order, or with torsion. */
export function admit(publicKey) {
  try {
    const point = Point.fromBytes(publicKey);
    return point.isSmallOrder() || !point.isTorsionFree() ? null : point;
  } catch {
    return null;
  }
}

/** Whether 64 bytes are this key's signature of the message. Never throws for hostile input. */
export function verify(publicKey, message, signature) {
  const key = admit(publicKey);
  if (key === null || signature.length !== 64) return false;
  const [r, s] = [signature.subarray(0, 32), littleEndian(signature.subarray(32))];
  if (s >= L) return false;
  const hasher = sha512.create();
  const k = littleEndian(hasher.update(r).update(publicKey).update(message).digest()) % L;
  const left = Point.BASE.multiply(s, false).add(key.negate().multiply(k, false));
  return same(left.toBytes(), r);
}
