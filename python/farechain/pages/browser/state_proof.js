// A proof of where a payment or an invoice stands, verified with nothing but keys: docs/format.md, section 10.
//
// The same steps, and the same words, as rust/core/src/state_proof.rs.

import { blake3 } from "@noble/hashes/blake3.js";
import { Refused, fromBase64, fromUtf8, must, same, toHex, utf8 } from "./bytes.js";
import { decode } from "./cbor.js";
import { join, key as named, records } from "./merkle.js";
import { MAX_PROOF_BYTES, fromParsed, parseProof, verifyParsed } from "./proof.js";
import { verifyState } from "./state_map.js";
import { eight } from "./text.js";

const FORMAT = "farechain-state-proof/1";
const HEAD = `{"format":"${FORMAT}",`;
const COMPACT_HEAD = 0x84;
const IDENTITY = named("farechain/1 identity");
const REDUCED = 2;
const [REVERSED, RED_PENDING] = [3, 2];
const CLAIMS = { 2: "locked", 3: "reimbursed", 4: "reimbursed and posted" };

/** Whether bytes begin as a proof of this kind does. */
export const isStateProof = (bytes) =>
  bytes[0] === COMPACT_HEAD || (bytes.length >= HEAD.length && same(bytes.subarray(0, HEAD.length), utf8(HEAD)));

const isBytes = (value) => value instanceof Uint8Array;
const isHash = (value) => isBytes(value) && value.length === 32;
const u32 = (value) => Uint8Array.from([24, 16, 8, 0], (shift) => value >>> shift);
const name = ({ code, number }) => `${code}-${eight(number)}`;

/** The key of an invoice in the map. */
function keyOf({ code, number }) {
  const parts = [utf8("INVOICE"), utf8(code), u32(number)];
  return blake3(join(...parts.flatMap((part) => [u32(part.length), part])), { key: IDENTITY });
}

function subjectOf(said) {
  if (isHash(said)) return { payment: said };
  must(Array.isArray(said) && said.length === 2, "of whom the proof speaks is not said");
  const [code, number] = said;
  must(typeof code === "string" && Number.isSafeInteger(number) && number >= 0 && number < 2 ** 32, "the invoice is not named");
  return { invoice: { code, number } };
}

function fromCompact(bytes) {
  const items = decode(bytes, "the proof");
  must(Array.isArray(items) && items.length === 4 && items[0] === 1, "the proof is of another version");
  const [, said, commitment, steps] = items;
  must(isBytes(commitment) && Array.isArray(steps), "the proof is malformed");
  must(steps.every((step) => Array.isArray(step) && step.length === 3), "a step is malformed");
  return { subject: subjectOf(said), commitment: parseProof(commitment), steps };
}

function fromJson(text) {
  let parsed;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Refused("the proof is not JSON");
  }
  const { format, payment, invoice, commitment, steps } = parsed;
  must(format === FORMAT && Array.isArray(steps), `the proof's format is not ${FORMAT}`);
  const whom = payment === undefined ? { invoice } : { payment };
  const listed = steps.map((step) => ({ state: step?.state, record: step?.record, part: step?.part }));
  must(JSON.stringify({ format, ...whom, commitment, steps: listed }) === text, "the proof is not written in the one way that a proof is written");
  const bytesOf = (value, what) => (value === null ? null : fromBase64(value, what));
  return {
    subject: subjectOf(payment === undefined ? readInvoice(invoice) : readHex(payment)),
    commitment: fromParsed(commitment),
    steps: listed.map(({ state, record, part }) => [fromBase64(state, "state"), bytesOf(record, "record"), bytesOf(part, "part")]),
  };
}

function readInvoice(text) {
  const found = typeof text === "string" && /^([^-]{1,12})-([0-9]{8,10})$/.exec(text);
  must(found && eight(Number(found[2])) === found[2], "the invoice is not named");
  return [found[1], Number(found[2])];
}

function readHex(text) {
  must(typeof text === "string" && /^[0-9a-f]{64}$/.test(text), "the payment is not named");
  return Uint8Array.from({ length: 32 }, (_none, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** What a key has under a root, by its step: the items of its record, or null. */
function lookUp(root, key, [state, record, part]) {
  must(isBytes(state) && (record === null || isBytes(record)) && (part === null || isBytes(part)), "a step is malformed");
  const value = verifyState(root, key, state);
  if (value === null) {
    must(record === null && part === null, "a record where the state has none");
    return null;
  }
  must(record !== null, "the record is missing");
  must(same(records.leaf(record), value), "the record is not the one that the state has");
  const items = decode(record, "the record");
  must(Array.isArray(items) && items[0] === 1, "the record is of another version");
  return items;
}

/** The payment's element among those that a record has under a root. */
function elementOf(part, root, payment, length, at) {
  const items = decode(part, "the payment's place");
  must(Array.isArray(items) && items.length === 3 && items.every(isBytes), "the payment's place is malformed");
  const [element, sides, siblings] = items;
  must(siblings.length === 32 * sides.length && sides.every((side) => side < 2), "the payment's place is malformed");
  let hash = records.leaf(element);
  sides.forEach((side, i) => {
    const sibling = siblings.subarray(32 * i, 32 * (i + 1));
    hash = side ? records.node(sibling, hash) : records.node(hash, sibling);
  });
  const fields = decode(element, "the payment's element");
  must(same(hash, root) && fields.length === length && same(fields[0], payment), "the payment is not shown among those of its record");
  return fields[at];
}

/** What a record says of a payment: the invoice that holds some of it and how much (null: not said), or null. */
function ofPayment(payment, items, part) {
  const [, kind] = items;
  must((kind === 5 || kind === 6) === (part !== null), "a payment is shown where none belongs, or not where it does");
  const own = (identity, says) => {
    must(isHash(identity) && same(identity, payment), "the record does not say where this payment stands");
    return says;
  };
  const at = (place, held) => ({ invoice: { code: items[place], number: items[place + 1] }, held });
  switch (kind) {
    case 1: return own(items[11], at(2, "all"));
    case 3: return own(items[10], null);
    case 4: return own(items[3] === REDUCED ? items[5] : null, null);
    case 5: return at(2, elementOf(part, items[13], payment, 5, 3));
    case 6: {
      const after = elementOf(part, items[15], payment, 4, 3);
      return after === 0 ? null : at(6, after);
    }
    case 7: return own(items[5], at(6, null));
    default: throw new Refused("the record does not say where this payment stands");
  }
}

const STANDING = ["fiscal", "claim", "use", "frozen", "remainingFen", "holder", "locker", "claimId", "reimbursedFen"];
const standingOf = (list) => Object.fromEntries(STANDING.map((field, i) => [field, list[i]]));
const untouched = (fen, holder) => standingOf([fen ? 1 : REVERSED, 1, 1, false, fen, holder, null, null, 0]);

/** What a record says of an invoice: `{standing}`, or `{original}` of a red letter. */
function ofInvoice(invoice, items) {
  const [, kind] = items;
  const is = (place) => items[place] === invoice.code && items[place + 1] === invoice.number;
  const lifecycle = (kind >= 42 && kind <= 49) || kind === 51 || (kind >= 53 && kind <= 57);
  if (kind === 2 && is(6)) return { standing: untouched(items[10], null) };
  if (kind === 6 && is(6)) return { standing: standingOf(items[18]) };
  if (kind === 7 && is(6)) return { standing: standingOf(items[11]) };
  if (lifecycle && is(3)) return { standing: standingOf(items[8]) };
  if ((kind === 2 || kind === 6) && is(2)) return { original: { code: items[6], number: items[7] } };
  if (kind === 1 && is(2)) return { standing: untouched(items[7][5], null) };
  if (kind === 5 && is(2)) return { standing: untouched(items[8], items[11]) };
  throw new Refused("the record does not say where this invoice stands");
}

/** Where an invoice stands in words. */
function wordsOf({ fiscal, claim, use, frozen, locker, claimId }) {
  const by = `by ${locker ?? "nobody"} for claim ${claimId ?? "none"}`;
  const gone = fiscal === REVERSED && claim < 3;
  const first = gone ? [] : [claim === 1 ? "free" : `${CLAIMS[claim]} ${by}`];
  const rest = [[fiscal === REVERSED, "reversed"], [fiscal === RED_PENDING, "asked to be reversed"], [use === 2, "deducted"], [frozen, "frozen"]];
  return [...first, ...rest.filter(([said]) => said).map(([, what]) => what)].join(", ");
}

const alone = (steps, found) => {
  must(steps.length === 1, "a step too many");
  return found;
};

function findingOf(root, subject, steps) {
  must(steps.length >= 1 && steps.length <= 2, "a proof has one step or two");
  const items = lookUp(root, subject.payment ?? keyOf(subject.invoice), steps[0]);
  if (items === null) return alone(steps, { finding: "UNKNOWN", words: "unknown to the ledger" });
  if (subject.invoice) {
    must(steps[0][2] === null, "a payment is shown where none belongs");
    const { standing, original } = ofInvoice(subject.invoice, items);
    if (original) return alone(steps, { finding: "RED_LETTER", words: `a red letter of ${name(original)}` });
    return alone(steps, { finding: "INVOICE", words: wordsOf(standing) });
  }
  const nowhere = { finding: "NOT_INVOICED", words: "not invoiced" };
  const says = ofPayment(subject.payment, items, steps[0][2]);
  if (says === null) return alone(steps, nowhere);
  must(steps.length === 2 && steps[1][2] === null, "an invoice holds the payment: one more step must follow");
  const holder = lookUp(root, keyOf(says.invoice), steps[1]);
  must(holder !== null, "the invoice's step is not one");
  const { standing } = ofInvoice(says.invoice, holder);
  must(standing !== undefined, "a red letter holds no payment");
  if (standing.remainingFen === 0) return nowhere;
  const fen = says.held === "all" ? standing.remainingFen : says.held;
  const much = fen === null ? ", a refund is owed" : ` with ${fen} fen`;
  return { finding: "INVOICED", words: `invoiced as ${name(says.invoice)}${much}; the invoice is ${wordsOf(standing)}` };
}

/**
 * Verifies a proof of where a payment or an invoice stands.
 *
 * @param {Uint8Array} bytes the proof, JSON or compact
 * @param {{vkey: string, witnesses: string[], threshold: number}} keys whom to believe
 * @param {(step: string, values: object) => void} passed as of `verifyProof`, for the commitment
 * @returns `{whom, finding, words, stateHeight}` and, of the commitment, `{height, timeMs, origin, size, cosigners}`
 * @throws {Refused} which says what did not match
 */
export function verifyStateProof(bytes, keys, passed = () => {}) {
  must(bytes.length <= MAX_PROOF_BYTES, `a proof has at most ${MAX_PROOF_BYTES} bytes`);
  const { subject, commitment, steps } = bytes[0] === 0x7b ? fromJson(fromUtf8(bytes, "the proof")) : fromCompact(bytes);
  const proven = verifyParsed(commitment, keys, passed);
  const said = decode(commitment.record, "the commitment");
  must(Array.isArray(said) && said.length === 5 && said[0] === 1 && said[1] === 8 && isHash(said[2]), "the record that is proved commits to no state");
  must(said[4] < proven.height, "the state that is committed to is not older than its block");
  const found = findingOf(said[2], subject, steps);
  passed("state", { root: toHex(said[2]), count: said[3], height: said[4] });
  const whom = subject.payment ? toHex(subject.payment) : name(subject.invoice);
  return { whom, ...found, stateHeight: said[4], ...proven };
}
