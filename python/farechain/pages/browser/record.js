// What a record says: the fields of invoices and red letters, of one payment or of several (docs/format.md, section 4).

import { decode } from "./cbor.js";
import { must } from "./bytes.js";

const KINDS = { 0: "GENESIS", 1: "BLUE", 2: "RED", 3: "PAYMENT", 4: "REFUND", 5: "CLAIMED", 6: "RED_OF_LINES" };
const RATES = { "-1": "EXEMPT", "-2": "NONTAXABLE" };

const line = ([taxCode, rate, quantity, netFen, taxFen, totalFen]) =>
  ({ taxCode, rate: RATES[rate] ?? rate, quantity, netFen, taxFen, totalFen });

const head = ([, , code, number, issuedAtMs, seller]) => ({ code, number, issuedAtMs, seller });

const READ = {
  BLUE: ([, , , , , , scene, amounts, paidFen, datedAtMs, flags]) => ({ scene, ...line(amounts), paidFen, datedAtMs, flags }),
  RED: ([, , , , , , originalCode, originalNumber, , amounts, remainingFen]) =>
    ({ originalCode, originalNumber, ...line(amounts), remainingFen }),
  CLAIMED: ([, , , , , , netFen, taxFen, totalFen, buyerTaxId]) => ({ netFen, taxFen, totalFen, buyerTaxId }),
  RED_OF_LINES: ([, , , , , , originalCode, originalNumber, , netFen, taxFen, totalFen]) =>
    ({ originalCode, originalNumber, netFen, taxFen, totalFen }),
};

/** `{kind, ...fields}` of a record whose bytes are proven; only invoices and red letters have fields. */
export function readRecord(bytes) {
  const items = decode(bytes, "the record");
  must(Array.isArray(items) && items[0] === 1, "the record is of another version");
  const kind = KINDS[items[1]] ?? "COMMAND";
  return kind in READ ? { kind, ...head(items), ...READ[kind](items) } : { kind };
}
