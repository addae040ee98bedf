// What a code on a document says: the address to check it at, a whole proof, or the older line (docs/documents.md).

import { fromBase32, utf8 } from "./bytes.js";
import { fen } from "./text.js";
import { Told, text } from "./words.js";

/** What an address that carries a proof has after its `#`. */
export const FRAGMENT = "#proof=";
const SCAN = "/v/scan";
const LINE = /^01,(10|32),([0-9]{12})?,([0-9]{8}|[0-9]{20}),([0-9.]+),([0-9]{8}),([0-9a-f]{5})?,([0-9A-F]{4}),$/;

/** CRC-16/UMTS: polynomial 0x8005, start 0, not reflected. */
function crc16(bytes) {
  return bytes.reduce((start, byte) => {
    let crc = start ^ (byte << 8);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x8005 : crc << 1) & 0xffff;
    return crc;
  }, 0);
}

function olderLine(words) {
  const found = LINE.exec(words);
  if (found === null) throw new Told("malformed", text("text"));
  const [, type, code, number, amount, day, checkCode = "", crc] = found;
  const covered = words.slice(0, words.length - crc.length - 1);
  if (crc16(utf8(covered)) !== Number.parseInt(crc, 16)) throw new Told("malformed", text("crc"));
  const allDigital = type === "32";
  if (allDigital !== (number.length === 20) || allDigital === (code !== undefined) || fen(amount) === null) {
    throw new Told("malformed", text("text"));
  }
  const invoice = allDigital ? { code: number.slice(0, 12), number: number.slice(12) } : { code, number };
  return { ...invoice, allDigital, amountFen: fen(amount), day, checkCode };
}

function address(words) {
  const url = new URL(words);
  if (url.host !== location.host) throw new Told("elsewhere", text("host", { host: url.host, here: location.host }));
  if (url.hash.startsWith(FRAGMENT)) return { proof: () => fragmentBytes(url.hash) };
  if (url.pathname.endsWith(SCAN)) return { page: SCAN + url.search };
  throw new Told("malformed", text("text"));
}

/** The proof in the fragment of an address. Throws `Refused` where it is not base32. */
export const fragmentBytes = (fragment) => fromBase32(fragment.slice(FRAGMENT.length), "The proof in the address");

/**
 * Reads what was scanned or pasted: `{proof}` (a function that gives its bytes), `{page}` (a path here that shows the
 * invoice) or `{line}`. Throws `Told` for a code of another deployment and for what is none.
 */
export function readCode(given) {
  const words = given.trim();
  if (words.startsWith("{")) return { proof: () => utf8(words) };
  if (words.startsWith(FRAGMENT)) return { proof: () => fragmentBytes(words) };
  if (words.includes("://") && URL.canParse(words)) return address(words);
  return { line: olderLine(words) };
}
