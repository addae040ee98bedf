// Bytes: base64 in its one canonical form, hex, comparison.

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What did not match, in words for a person. */
export class Refused extends Error {}

/** Throws `Refused` with these words unless the condition holds. */
export function must(condition, words) {
  if (!condition) throw new Refused(words);
}

/** The bytes of canonical base64 (RFC 4648, section 4); another spelling of the same bytes is refused. */
export function fromBase64(text, what) {
  must(typeof text === "string" && BASE64.test(text), `${what} is not base64`);
  const decoded = atob(text);
  must(btoa(decoded) === text, `${what} is not canonical base64`);
  return Uint8Array.from(decoded, (character) => character.charCodeAt(0));
}

/** Lower-case hex digits. */
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Whether two byte strings are the same. */
export const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** The bytes of a text in UTF-8. */
export const utf8 = (text) => new TextEncoder().encode(text);

/** The text of UTF-8 bytes. */
export function fromUtf8(bytes, what) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refused(`${what} is not UTF-8`);
  }
}
