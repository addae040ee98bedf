// A proof of an invoice, verified with nothing but keys: record, records root, header, log, checkpoint, cosignatures.
//
// The same steps as rust/core/src/proof.rs; docs/format.md section 7 has the two forms.

import { Refused, fromBase64, fromUtf8, must, same, toHex } from "./bytes.js";
import { decode } from "./cbor.js";
import { blockHash, log, records, rootOf } from "./merkle.js";
import { MAX_SIGNATURES, cosignersOf, parseCheckpoint, parseNote, readKeys } from "./note.js";
import { readRecord } from "./record.js";

/** The most bytes that a proof may have. */
export const MAX_PROOF_BYTES = 16 * 1024;
const FORMAT = "farechain-proof/1";
const MAX_PATH = 64;

const nameOf = ({ name, id }) => `${name}+${id}`;
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isHash = (value) => value instanceof Uint8Array && value.length === 32;

function fromCompact(bytes) {
  const items = decode(bytes, "the proof");
  must(Array.isArray(items) && items.length === 10 && items[0] === 1, "the proof is of another version");
  const [, record, index, count, path, header, size, logPath, checkpoint, witnesses] = items;
  return { record, index, count, path, header, size, logPath, checkpoint, witnesses };
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused("the proof is not JSON");
  }
}

// A proof has one spelling: these members in this order, no white space, none twice. So it is written again and compared.
function fromJson(text) {
  const { format, record, index, path, header, tlog_size, tlog_path, checkpoint, witnesses } = parseJson(text);
  must(format === FORMAT, `the proof's format is not ${FORMAT}`);
  const again = JSON.stringify({ format, record, index, path, header, tlog_size, tlog_path, checkpoint, witnesses });
  must(again === text, "the proof is not written in the one way that a proof is written");
  const hashes = (list, what) => {
    must(Array.isArray(list), `${what} is not a list`);
    return list.map((hash) => fromBase64(hash, what));
  };
  return {
    record: fromBase64(record, "record"),
    index,
    path: hashes(path, "path"),
    header: fromBase64(header, "header"),
    size: tlog_size,
    logPath: hashes(tlog_path, "tlog_path"),
    checkpoint,
    witnesses,
  };
}

/** Takes a proof apart, JSON or compact, and checks the form of every part. */
export function parseProof(bytes) {
  must(bytes.length <= MAX_PROOF_BYTES, `a proof has at most ${MAX_PROOF_BYTES} bytes`);
  return checkForm(bytes[0] === 0x7b ? fromJson(fromUtf8(bytes, "the proof")) : fromCompact(bytes));
}

/** Takes apart the JSON of a proof that stands inside another document, which says how it is written. */
export const fromParsed = (object) => checkForm(fromJson(JSON.stringify(object)));

function checkForm(proof) {
  must(proof.record instanceof Uint8Array && proof.header instanceof Uint8Array, "record or header is missing");
  must(isCount(proof.index) && isCount(proof.size), "index or tlog_size is not a number");
  for (const path of [proof.path, proof.logPath]) {
    must(Array.isArray(path) && path.length <= MAX_PATH && path.every(isHash), "a path is not a list of hashes");
  }
  must(typeof proof.checkpoint === "string", "the checkpoint is missing");
  const { witnesses } = proof;
  must(Array.isArray(witnesses) && witnesses.length <= MAX_SIGNATURES, "the witness keys are not a list");
  must(witnesses.every((key) => typeof key === "string"), "a witness key is not a text");
  return proof;
}

/** Reads a header's bytes: `{chain, height, previous, timeMs, recordCount, recordsRoot, inputsRoot}`. */
export function readHeader(bytes) {
  const items = decode(bytes, "the header");
  must(Array.isArray(items) && items.length === 9, "the header has not nine parts");
  const [version, suite, chain, height, previous, timeMs, recordCount, recordsRoot, inputsRoot] = items;
  must(version === 1 && suite === 1, "the header is of another version or suite");
  must(typeof chain === "string" && [height, timeMs, recordCount].every(isCount), "the header is malformed");
  must([previous, recordsRoot, inputsRoot].every(isHash), "the header is malformed");
  return { chain, height, previous, timeMs, recordCount, recordsRoot, inputsRoot };
}

/**
 * Verifies a proof.
 *
 * @param {Uint8Array} bytes the proof, JSON or compact
 * @param {{vkey: string, witnesses: string[], threshold: number}} keys whom to believe
 * @param {(step: string, values: object) => void} passed told each step that holds, by its name in words.json, as it is done
 * @returns `{hash, fields, height, timeMs, blockHash, origin, size, cosigners}`
 * @throws {Refused} which says what did not match
 */
export function verifyProof(bytes, keys, passed = () => {}) {
  const proof = parseProof(bytes);
  return { ...verifyParsed(proof, keys, passed), fields: readRecord(proof.record) };
}

/** The same of a proof that was taken apart, whatever its record says. */
export function verifyParsed(proof, keys, passed = () => {}) {
  const header = readHeader(proof.header);
  must(proof.count === undefined || proof.count === header.recordCount, "count is not the header's record count");
  const leaf = records.leaf(proof.record);
  passed("record", { hash: toHex(leaf) });
  const recordsRoot = rootOf(records, leaf, proof.index, header.recordCount, proof.path);
  must(recordsRoot && same(recordsRoot, header.recordsRoot), "the record does not lead to the header's records root");
  passed("path", { index: proof.index, count: header.recordCount, hashes: proof.path.length, root: toHex(recordsRoot) });

  const { logKey, witnesses } = readKeys(keys);
  const note = parseNote(proof.checkpoint);
  const checkpoint = parseCheckpoint(note.text);
  must(checkpoint.origin === logKey.name && header.chain === logKey.name, "the proof is of another chain");
  const hash = toHex(blockHash(proof.header));
  passed("header", { chain: header.chain, height: header.height, time: header.timeMs, hash });
  must(checkpoint.size === proof.size, "tlog_size is not the checkpoint's size");
  const logRoot = rootOf(log, log.leaf(proof.header), header.height, checkpoint.size, proof.logPath);
  must(logRoot && same(logRoot, checkpoint.root), "the header does not lead to the checkpoint's root");
  passed("inclusion", { height: header.height, size: checkpoint.size, hashes: proof.logPath.length, root: toHex(logRoot) });

  const given = new Set(witnesses.map((witness) => witness.text));
  const signers = cosignersOf(note, logKey, proof.witnesses);
  passed("signature", { size: checkpoint.size, key: nameOf(logKey) });
  for (const signer of signers) {
    passed(given.has(signer.text) ? "witness" : "stranger", { name: signer.name, time: signer.timeMs, key: nameOf(signer) });
  }
  const cosigners = signers.filter((witness) => given.has(witness.text));
  must(cosigners.length >= keys.threshold, `${cosigners.length} of the given witnesses have cosigned, ${keys.threshold} must`);
  const names = cosigners.map((witness) => witness.name);
  passed("threshold", { names: names.join(", ") || "nobody", needed: keys.threshold });
  return {
    hash: toHex(leaf),
    height: header.height,
    timeMs: header.timeMs,
    blockHash: hash,
    origin: checkpoint.origin,
    size: checkpoint.size,
    cosigners: names,
  };
}
