// What a record says: the fields of blue and red-letter invoices (docs/format.md, section 4).

import { decode } from "./cbor.js";
import { must } from "./bytes.js";

const KINDS = { 0: "GENESIS", 1: "BLUE", 2: "RED", 3: "PAYMENT", 4: "REFUND" };
const RATES = { "-1": "EXEMPT", "-2": "NONTAXABLE" };

const line = ([taxCode, rate, quantity, netFen, taxFen, totalFen]) =>
  ({ taxCode, rate: RATES[rate] ?? rate, quantity, netFen, taxFen, totalFen });

/** `{kind, ...fields}` of a record whose bytes are proven; only invoices have fields. */
export function readRecord(bytes) {
  const items = decode(bytes, "the record");
  must(Array.isArray(items) && items[0] === 1, "the record is of another version");
  const kind = KINDS[items[1]] ?? "COMMAND";
  if (kind === "BLUE") {
    const [, , code, number, issuedAtMs, seller, scene, amounts, paidFen, datedAtMs, flags] = items;
    return { kind, code, number, issuedAtMs, seller, scene, ...line(amounts), paidFen, datedAtMs, flags };
  }
  if (kind === "RED") {
    const [, , code, number, issuedAtMs, seller, originalCode, originalNumber, , amounts, remainingFen] = items;
    return { kind, code, number, issuedAtMs, seller, originalCode, originalNumber, ...line(amounts), remainingFen };
  }
  return { kind };
}
