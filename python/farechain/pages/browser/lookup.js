// The look-up of an invoice: the server says where it stands, the proof is checked here, fields come from proven bytes.

import { MAX_PROOF_BYTES, verifyProof } from "./proof.js";
import { rowsOf, show, stepsOf } from "./answer.js";
import { Refused, fromBase32, must } from "./bytes.js";
import { fen, typed } from "./text.js";

/** What an address that carries a proof has after its `#`. */
export const FRAGMENT = "#proof=";

/** Verifies and measures: `{proven, tookMs}`. */
export function check(bytes, keys) {
  const started = performance.now();
  const proven = verifyProof(bytes, keys);
  return { proven, tookMs: performance.now() - started };
}

async function asked(url, options) {
  const reply = await fetch(url, options);
  if (reply.ok) return reply;
  const problem = await reply.json().catch(() => ({}));
  throw new Refused(problem.detail ?? `the service answered ${reply.status}`);
}

/** What the form holds, or `Refused` that says which box is wrong. */
function readForm(form) {
  const value = (name) => typed(form.elements.namedItem(name).value);
  const [code, number, checkCode, amount] = [value("code"), value("number"), value("check_code").toLowerCase(), value("amount")];
  must(/^[0-9]{12}$/.test(code), "The code 发票代码 has 12 digits.");
  must(/^[0-9]{1,8}$/.test(number) && Number(number) > 0, "The number 发票号码 has up to 8 digits.");
  must((checkCode === "") === (amount === ""), "Check code and amount go together: give both, or neither.");
  must(checkCode === "" || /^[0-9a-f]{5}$/.test(checkCode), "The check code 校验码 has 5 characters, 0–9 and a–f.");
  must(amount === "" || fen(amount) !== null, "The amount 金额 is in yuan, such as 6.65.");
  return { code, number: number.padStart(8, "0"), checkCode, totalFen: amount === "" ? null : fen(amount) };
}

async function statusOf({ code, number, checkCode, totalFen }) {
  if (totalFen === null) return (await asked(`/v1/invoices/${code}/${number}`)).json();
  const body = JSON.stringify({ code, number, check_code: checkCode, total_fen: totalFen });
  const headers = { "Content-Type": "application/json" };
  return (await asked("/v1/invoices/lookup", { method: "POST", headers, body })).json();
}

/** Looks up what the form asks for and shows the answer. */
export async function lookUp(form, keys, place) {
  let status = null;
  try {
    const wanted = readForm(form);
    status = await statusOf(wanted);
    const path = `/v1/proofs/${wanted.code}/${wanted.number}`;
    const reply = await asked(`${path}?form=compact`);
    const { proven, tookMs } = check(new Uint8Array(await reply.arrayBuffer()), keys);
    const { fields, hash } = proven;
    must(fields.code === wanted.code && fields.number === Number(wanted.number), "the proof is of another invoice");
    const opened = wanted.totalFen !== null;
    must(!opened || hash.endsWith(wanted.checkCode), "the proof has another check code");
    must(!opened || Math.abs(fields.totalFen) === wanted.totalFen, "the proof has another amount");
    show(place, {
      verdict: status.status,
      reason: opened ? "" : "With check code and amount, what stands on the invoice is shown too.",
      rows: opened ? rowsOf(fields, hash) : [],
      steps: stepsOf(proven, keys, tookMs),
      links: [["Keep the proof (JSON)", path], ["compact", `${path}?form=compact`]],
    });
  } catch (error) {
    fail(place, error, status !== null);
  }
}

/** Checks a proof file and shows the answer. */
export async function checkFile(file, keys, place) {
  await checkProof(async () => {
    must(file.size <= MAX_PROOF_BYTES, `A proof has at most ${MAX_PROOF_BYTES} bytes; this file is no proof.`);
    return new Uint8Array(await file.arrayBuffer());
  }, keys, place);
}

/** Checks the proof in an address, as the large code on a document carries it; the fragment never left this browser. */
export async function checkFragment(fragment, keys, place) {
  await checkProof(async () => fromBase32(fragment.slice(FRAGMENT.length), "The proof in the address"), keys, place);
}

/** Checks the bytes of a proof and shows the answer: whoever has the proof has what it says. */
async function checkProof(read, keys, place) {
  try {
    const { proven, tookMs } = check(await read(), keys);
    const rows = proven.fields.code ? rowsOf(proven.fields, proven.hash) : [["Record", "记录", proven.fields.kind]];
    const reason = "It was issued and never altered. Whether it was reversed since is what the look-up tells.";
    show(place, { verdict: "proven", reason, rows, steps: stepsOf(proven, keys, tookMs) });
  } catch (error) {
    fail(place, error, true);
  }
}

/** Shows a failure; `found` says that there was a proof to refuse. */
export function fail(place, error, found) {
  const known = error instanceof Refused;
  show(place, { verdict: known && found ? "refused" : "failed", reason: known ? error.message : `The service does not answer: ${error.message}` });
}
