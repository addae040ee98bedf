// The two trees of a proof: records under a header (suite 1, keyed BLAKE3), headers under a checkpoint (RFC 6962).

import { blake3 } from "@noble/hashes/blake3.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8 } from "./bytes.js";

const HASH_BYTES = 32;

/** A key of suite 1: a name, padded with zeros. */
export function key(name) {
  const padded = new Uint8Array(HASH_BYTES);
  padded.set(utf8(name));
  return padded;
}

/** Byte strings one after the other. */
export function join(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

const LEAF = key("farechain/1 leaf");
const NODE = key("farechain/1 node");
const BLOCK = key("farechain/1 block");

/** Suite 1: the tree of a block's records. */
export const records = {
  leaf: (bytes) => blake3(bytes, { key: LEAF }),
  node: (left, right) => blake3(join(left, right), { key: NODE }),
};

/** RFC 6962: the tree of the public log. */
export const log = {
  leaf: (bytes) => sha256(join(Uint8Array.of(0), bytes)),
  node: (left, right) => sha256(join(Uint8Array.of(1), left, right)),
};

/** Suite 1 hash of a block: of its header's bytes. */
export const blockHash = (header) => blake3(header, { key: BLOCK });

/**
 * The root that a leaf hash at `index` of `count` and its path lead to, or null where the path has not exactly the
 * length that the place asks for (RFC 6962, 2.1.1; both trees have its shape).
 */
export function rootOf(tree, leaf, index, count, path) {
  if (!(index < count)) return null;
  let [hash, place, last, used] = [leaf, index, count - 1, 0];
  while (last > 0) {
    const odd = place % 2 === 1;
    if (odd || place < last) {
      if (used === path.length) return null;
      const sibling = path[used++];
      hash = odd ? tree.node(sibling, hash) : tree.node(hash, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return used === path.length ? hash : null;
}
