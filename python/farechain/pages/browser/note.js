// Signed notes (C2SP signed-note), checkpoints (tlog-checkpoint) and cosignatures (tlog-cosignature, version 1).

import { sha256 } from "@noble/hashes/sha2.js";
import { fromBase64, must, toHex, utf8 } from "./bytes.js";
import { admit, verify } from "./ed25519.js";

const ED25519 = 1;
const COSIGNATURE = 4;
/** The most signature lines, and witness keys of a proof. */
export const MAX_SIGNATURES = 100;
const NAME = /^[^\s+\p{Cc}]+$/u;

/** Reads a verifier key, `<name>+<id>+<base64 of algorithm and key>`: `{text, name, id, kind, key}`. */
export function parseVerifier(text) {
  const [name, id, ...rest] = text.split("+");
  must(NAME.test(name) && rest.length > 0, "verifier key: not of the form name+id+key");
  const bytes = fromBase64(rest.join("+"), "verifier key");
  const [kind, key] = [bytes[0], bytes.slice(1)];
  must(kind === ED25519 || kind === COSIGNATURE, "verifier key: the algorithm is neither 1 nor 4");
  must(key.length === 32 && admit(key) !== null, "verifier key: not an Ed25519 key of the prime-order subgroup");
  const hash = sha256(Uint8Array.from([...utf8(name), 0x0a, ...bytes]));
  must(toHex(hash.subarray(0, 4)) === id, "verifier key: the id is not that of name and key");
  return { text, name, id, kind, key };
}

/**
 * The keys to believe, `{logKey, witnesses}`. A threshold counts different keys: one key under two names, or the log as
 * its own witness, would count twice.
 */
export function readKeys({ vkey, witnesses: texts, threshold }) {
  const [logKey, ...witnesses] = [vkey, ...texts].map((text) => parseVerifier(text.trim()));
  must(logKey.kind === ED25519, "the log's key is not an Ed25519 note key");
  must(witnesses.every(({ kind }) => kind === COSIGNATURE), "a witness's key is not a cosignature/v1 key");
  const different = new Set([logKey, ...witnesses].map(({ key }) => toHex(key)));
  must(different.size === witnesses.length + 1, "two of the log and the witnesses share a key");
  must(Number.isInteger(threshold) && threshold >= 0, "the threshold is not a number");
  must(threshold <= witnesses.length, "the threshold is above the number of witnesses");
  return { logKey, witnesses };
}

/** Takes a note apart: `{text, lines: [{name, id, signature}]}`. Verifies nothing. */
export function parseNote(note) {
  // eslint-disable-next-line no-control-regex
  must(!/[\u0000-\u0009\u000b-\u001f]/.test(note), "the checkpoint contains a control character");
  const end = note.lastIndexOf("\n\n");
  must(end >= 0 && note.endsWith("\n") && end + 2 < note.length, "the checkpoint has no signature lines");
  const lines = note.slice(end + 2, -1).split("\n");
  must(lines.length <= MAX_SIGNATURES, "the checkpoint has too many signature lines");
  return { text: note.slice(0, end + 1), lines: lines.map(parseLine) };
}

function parseLine(line, i) {
  const words = `signature line ${i + 1} of the checkpoint is malformed`;
  const [dash, name, base64, ...more] = line.split(" ");
  must(dash === "\u2014" && name !== undefined && NAME.test(name) && base64 && more.length === 0, words);
  const bytes = fromBase64(base64, `signature line ${i + 1} of the checkpoint`);
  must(bytes.length > 4, words);
  return { name, id: toHex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
}

/** Reads a checkpoint's text: `{origin, size, root}`. */
export function parseCheckpoint(text) {
  const [origin, size, root, ...more] = text.slice(0, -1).split("\n");
  must(origin && more.every((line) => line !== ""), "the checkpoint has no origin, or an empty line");
  must(/^(?:0|[1-9][0-9]{0,15})$/.test(size ?? ""), "the checkpoint's size is not a decimal number");
  const hash = fromBase64(root, "the checkpoint's root");
  must(hash.length === 32, "the checkpoint's root has not 32 bytes");
  return { origin, size: Number(size), root: hash };
}

/** What was signed, the bare signature, and when where it says so; null where it cannot be one. */
function signed(verifier, text, signature) {
  if (verifier.kind === ED25519) return { message: utf8(text), bytes: signature };
  if (signature.length !== 72) return null;
  const time = signature.subarray(0, 8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  if (time >= 1n << 63n) return null;
  return { message: utf8(`cosignature/v1\ntime ${time}\n${text}`), bytes: signature.subarray(8), timeMs: Number(time) * 1000 };
}

/** What this key signed, where the line is its own, else null; throws `Refused` where it is and does not verify. */
function signedBy(line, text, verifier) {
  if (line.name !== verifier.name || line.id !== verifier.id) return null;
  const what = signed(verifier, text, line.signature);
  must(what && verify(verifier.key, what.message, what.bytes), `the signature of ${line.name} does not verify`);
  return what;
}

/** The keys that a proof carries: of witnesses, each once. They give no trust; they leave no line unverified. */
function carriedKeys(logKey, texts) {
  const carried = texts.map(parseVerifier);
  must(carried.every(({ kind }) => kind === COSIGNATURE), "a witness key of the proof is not a cosignature/v1 key");
  const different = new Set([logKey, ...carried].map(({ key }) => toHex(key)));
  must(different.size === carried.length + 1, "two of the proof's keys are one");
  return carried;
}

/**
 * The witnesses that cosigned a checkpoint, each with the key that the proof carries for it: every line is the log's,
 * once, or of the next of the carried keys, and no key is left over. Each has `timeMs`, when it says that it cosigned.
 */
export function cosignersOf(note, logKey, texts) {
  const carried = carriedKeys(logKey, texts);
  let [logSigned, next] = [false, 0];
  for (const line of note.lines) {
    if (signedBy(line, note.text, logKey)) {
      must(!logSigned, `${line.name} signs twice`);
      logSigned = true;
      continue;
    }
    const cosigned = next < carried.length ? signedBy(line, note.text, carried[next]) : null;
    must(cosigned, `the signature line of ${line.name} is neither by the log nor by the witness key in its place`);
    carried[next].timeMs = cosigned.timeMs;
    next += 1;
  }
  must(logSigned, "the log has not signed the checkpoint");
  must(next === carried.length, "one of the proof's witness keys has not signed the checkpoint");
  return carried;
}
