// Bytes: base64 and base32 in their one canonical form, hex, comparison.

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
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

/** The bytes of base32 without padding (RFC 4648, section 6), as a QR code carries them; another spelling is refused. */
export function fromBase32(text, what) {
  must(/^[A-Z2-7]*$/.test(text), `${what} is not base32`);
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const letter of text) {
    held = ((held << 5) | BASE32.indexOf(letter)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits;
    }
  }
  must(bits < 5 && (held & ((1 << bits) - 1)) === 0, `${what} is not canonical base32`);
  return bytes;
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
