// Deterministic CBOR (RFC 8949, 4.2.1): reads the subset that records, headers and proofs use, and nothing longer.

import { fromUtf8, must } from "./bytes.js";

const MAX_DEPTH = 8;
const LEAST = { 1: 24n, 2: 0x100n, 4: 0x1_0000n, 8: 0x1_0000_0000n };

/**
 * Reads one item that must fill the bytes.
 * Integers become numbers (beyond 2^53 they are refused), byte strings `Uint8Array`, texts strings, arrays arrays, booleans and
 * null themselves.
 */
export function decode(bytes, what) {
  const wrong = `${what} is not the deterministic CBOR that was expected`;
  let at = 0;

  function take(length) {
    must(length <= bytes.length - at, wrong);
    at += length;
    return bytes.subarray(at - length, at);
  }

  function argument(short) {
    if (short < 24) return short;
    must(short <= 27, wrong);
    const width = 1 << (short - 24);
    const value = take(width).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    must(value >= LEAST[width] && value <= BigInt(Number.MAX_SAFE_INTEGER), wrong);
    return Number(value);
  }

  function item(depth) {
    must(depth < MAX_DEPTH, wrong);
    const [first] = take(1);
    if (first === 0xf6) return null;
    if (first === 0xf4 || first === 0xf5) return first === 0xf5;
    const value = argument(first & 31);
    switch (first >> 5) {
      case 0: return value;
      case 1: return -1 - value;
      case 2: return take(value).slice();
      case 3: return fromUtf8(take(value), what);
      case 4: {
        must(value <= bytes.length - at, wrong);
        return Array.from({ length: value }, () => item(depth + 1));
      }
      default: return must(false, wrong);
    }
  }

  const value = item(0);
  must(at === bytes.length, wrong);
  return value;
}
