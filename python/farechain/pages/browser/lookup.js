// The look-up of an invoice: the server says where it stands, the proof is checked here, fields come from proven bytes.

import { MAX_PROOF_BYTES, verifyProof } from "./proof.js";
import { fail, rowsOf, show } from "./answer.js";
import { Refused, must } from "./bytes.js";
import { fragmentBytes, readCode } from "./codes.js";
import { isStateProof, verifyStateProof } from "./state_proof.js";
import { dayOf, fen, typed } from "./text.js";
import { Told, standing, text } from "./words.js";

const VERDICTS = { E_NOT_FOUND: "missing", E_MISMATCH: "mismatch", E_TRIES: "tries", E_SCHEMA: "malformed" };

/** Verifies and measures: `{proven, checked}`. A `Refused` has `checked` too: how far it came. */
export function check(bytes, keys, verify = verifyProof) {
  const steps = [];
  const started = performance.now();
  try {
    const proven = verify(bytes, keys, (name, values) => steps.push({ name, values }));
    return { proven, checked: { steps, tookMs: performance.now() - started, reason: "" } };
  } catch (error) {
    if (error instanceof Refused) error.checked = { steps, tookMs: performance.now() - started, reason: error.message };
    throw error;
  }
}

async function asked(url, options) {
  const reply = await fetch(url, options);
  if (reply.ok) return reply;
  const { code, detail } = await reply.json().catch(() => ({}));
  if (code === "E_NOT_PUBLISHED") throw new Told("failed", text("later"));
  if (code in VERDICTS) throw new Told(VERDICTS[code], code === "E_SCHEMA" ? text("code") : "");
  throw new Told("failed", detail ?? `${text("silent")}: ${reply.status}`);
}

function malformed(condition, box) {
  if (!condition) throw new Told("malformed", text(box));
}

/** What the form holds, or `Told` that says which box is wrong. */
function readForm(form) {
  const value = (name) => typed(form.elements.namedItem(name).value);
  const [code, number, checkCode, amount] = [value("code"), value("number"), value("check_code").toLowerCase(), value("amount")];
  malformed(/^[0-9]{12}$/.test(code), "code");
  malformed(/^[0-9]{1,8}$/.test(number) && Number(number) > 0, "number");
  malformed((checkCode === "") === (amount === ""), "both");
  malformed(checkCode === "" || /^[0-9a-f]{5}$/.test(checkCode), "check_code");
  malformed(amount === "" || fen(amount) !== null, "total_fen");
  return { code, number: number.padStart(8, "0"), checkCode, totalFen: amount === "" ? null : fen(amount) };
}

async function statusOf({ code, number, checkCode, totalFen }) {
  if (totalFen === null) return (await asked(`/v1/invoices/${code}/${number}`)).json();
  const body = JSON.stringify({ code, number, check_code: checkCode, total_fen: totalFen });
  const headers = { "Content-Type": "application/json" };
  return (await asked("/v1/invoices/lookup", { method: "POST", headers, body })).json();
}

const proofOf = ({ code, number }) => `/v1/proofs/${code}/${number}`;

/** Fetches the proof of an invoice and checks it: `{proven, checked}`. */
async function provenOf(invoice, keys) {
  const reply = await asked(`${proofOf(invoice)}?form=compact`);
  const found = check(new Uint8Array(await reply.arrayBuffer()), keys);
  const { fields } = found.proven;
  must(fields.code === invoice.code && fields.number === Number(invoice.number), "the proof is of another invoice");
  return found;
}

function links(invoice) {
  return [[text("keep"), proofOf(invoice)], [text("compact"), `${proofOf(invoice)}?form=compact`]];
}

/** Looks up what the form asks for and shows the answer. */
export async function lookUp(form, keys, place) {
  try {
    const wanted = readForm(form);
    const { status } = await statusOf(wanted);
    const { proven, checked } = await provenOf(wanted, keys);
    const { fields, hash } = proven;
    const opened = wanted.totalFen !== null;
    must(!opened || hash.endsWith(wanted.checkCode), "the proof has another check code");
    must(!opened || Math.abs(fields.totalFen) === wanted.totalFen, "the proof has another amount");
    const rows = opened ? rowsOf(fields, hash) : [];
    show(place, { verdict: status, reason: opened ? "" : text("more"), rows, checked, links: links(wanted) });
  } catch (error) {
    fail(place, error);
  }
}

/** The older line of a document: what it says must be what the proven record says. */
async function lookUpLine(line, keys, place) {
  const { status } = await statusOf({ ...line, totalFen: null });
  const { proven, checked } = await provenOf(line, keys);
  const { fields, hash } = proven;
  const amount = Math.abs(line.allDigital ? fields.totalFen : fields.netFen);
  const agrees = amount === line.amountFen && dayOf(fields.issuedAtMs) === line.day && hash.endsWith(line.checkCode);
  if (!agrees) throw new Told("mismatch", "");
  show(place, { verdict: status, reason: text("line"), checked, links: links(line) });
}

/** Checks what was scanned or pasted: a proof, an address of this site, the older line. */
export async function checkText(given, keys, place) {
  try {
    const code = readCode(given);
    if (code.page) location.assign(code.page);
    else if (code.line) await lookUpLine(code.line, keys, place);
    else showProof(code.proof(), keys, place);
  } catch (error) {
    fail(place, error);
  }
}

/** Checks a proof file and shows the answer. */
export async function checkFile(file, keys, place) {
  try {
    must(file.size <= MAX_PROOF_BYTES, `A proof has at most ${MAX_PROOF_BYTES} bytes; this file is no proof.`);
    showProof(new Uint8Array(await file.arrayBuffer()), keys, place);
  } catch (error) {
    fail(place, error);
  }
}

/** Checks the proof in an address, as the large code on a document carries it; the fragment never left this browser. */
export function checkFragment(fragment, keys, place) {
  try {
    showProof(fragmentBytes(fragment), keys, place);
  } catch (error) {
    fail(place, error);
  }
}

/** Checks the bytes of a proof and shows the answer: whoever has the proof has what it says. */
function showProof(bytes, keys, place) {
  if (isStateProof(bytes)) {
    showState(check(bytes, keys, verifyStateProof), place);
    return;
  }
  const { proven, checked } = check(bytes, keys);
  const rows = proven.fields.code ? rowsOf(proven.fields, proven.hash) : [["Record", "记录", proven.fields.kind]];
  show(place, { verdict: "proven", reason: text("proven"), rows, checked });
}

/** Where somebody stood after a block: what came later, a later proof tells. */
function showState({ proven, checked }, place) {
  const rows = [["Of", "对象", proven.whom], ["Stands", "状态", standing(proven.words)]];
  show(place, { verdict: "proven", reason: text("state", { height: proven.stateHeight }), rows, checked });
}
