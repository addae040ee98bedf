// What a payment or an invoice has under a root of current state, or that it has nothing: docs/format.md, section 9.

import { blake3 } from "@noble/hashes/blake3.js";
import { must, same } from "./bytes.js";
import { decode } from "./cbor.js";
import { join, key as named } from "./merkle.js";

/** No proof of state is longer. */
export const MAX_STATE_PROOF_BYTES = 8524;
const HASH_BYTES = 32;
const LEAF = named("farechain/1 state leaf");
const EMPTY = named("farechain/1 state empty");

const isHash = (value) => value instanceof Uint8Array && value.length === HASH_BYTES;
const bitOf = (key, bit) => (key[bit >> 3] >> (7 - (bit & 7))) & 1;

function node(bit, left, right) {
  const key = named("farechain/1 state node");
  key[HASH_BYTES - 1] = bit;
  return blake3(join(left, right), { key });
}

function parse(bytes) {
  must(bytes.length <= MAX_STATE_PROOF_BYTES, `a proof of state has at most ${MAX_STATE_PROOF_BYTES} bytes`);
  const items = decode(bytes, "the proof of state");
  must(Array.isArray(items) && items.length === 5 && items[0] === 1, "the proof of state is of another version");
  const [, bits, siblings, other, value] = items;
  must(bits instanceof Uint8Array && siblings instanceof Uint8Array, "the way is not bytes");
  must(siblings.length === HASH_BYTES * bits.length, "the way has not a sibling for each bit");
  must(bits.every((bit, i) => i === 0 || bits[i - 1] < bit), "the bits of the way do not increase");
  must(value === null || isHash(value), "the value is not 32 bytes");
  must(other === null || (isHash(other) && value !== null), "the other key is not one that has a value");
  must(value !== null || bits.length === 0, "the way ends at nothing");
  return { bits, siblings, other, value };
}

/**
 * Verifies what `key` has under `root`. Its value is the hash of a record: that of the latest one which says where the payment
 * or invoice stands.
 *
 * @param {Uint8Array} root of a commitment that the caller has verified
 * @param {Uint8Array} key 32 bytes
 * @param {Uint8Array} bytes the proof
 * @returns {Uint8Array | null} the value, or null where the key has none
 * @throws {Refused} which says what did not match
 */
export function verifyState(root, key, bytes) {
  must(isHash(root) && isHash(key), "root and key have 32 bytes");
  const { bits, siblings, other, value } = parse(bytes);
  must(other === null || !same(other, key), "the key's own entry is shown as another's");
  must(other === null || bits.every((bit) => bitOf(other, bit) === bitOf(key, bit)), "the entry does not stand where the key would");
  let hash = value === null ? blake3(new Uint8Array(), { key: EMPTY }) : blake3(join(other ?? key, value), { key: LEAF });
  for (let i = bits.length - 1; i >= 0; i--) {
    const sibling = siblings.subarray(HASH_BYTES * i, HASH_BYTES * (i + 1));
    hash = bitOf(key, bits[i]) ? node(bits[i], sibling, hash) : node(bits[i], hash, sibling);
  }
  must(same(hash, root), "the proof of state does not lead to the root");
  return other === null ? value : null;
}
