// How figures are written for people: grouped numbers, durations, yuan, times of the chain's zone.

const CHINA_MS = 8 * 3600 * 1000;

/** 1,234,567 */
export const grouped = (n) => n.toLocaleString("en", { maximumFractionDigits: 1 });

/** `120 ms`, `1.4 s`, `3 min`, `5 h`; a dash where nothing was measured. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = ms / 60_000;
  return minutes < 120 ? `${Math.round(minutes)} min` : `${grouped(Math.round(minutes / 60))} h`;
}

/** Fen as yuan, without a detour over floats. */
export function yuan(fen) {
  const magnitude = Math.abs(fen);
  return `${fen < 0 ? "−" : ""}¥${grouped(Math.trunc(magnitude / 100))}.${String(magnitude % 100).padStart(2, "0")}`;
}

/** Yuan as typed, full-width digits too, in fen; null where it is not an amount. */
export function fen(text) {
  const found = /^([0-9]{1,13})(?:\.([0-9]{1,2}))?$/.exec(text);
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null;
}

/** What was typed, without spaces and in half-width form, which Chinese input methods do not always give. */
export const typed = (text) => text.normalize("NFKC").replace(/[\s,¥]/g, "");

/** `2026-03-01 08:10:00` in UTC+8, which genesis fixes for dates. */
export const when = (ms) => new Date(ms + CHINA_MS).toISOString().slice(0, 19).replace("T", " ");

/** An invoice number with its eight digits. */
export const eight = (number) => String(number).padStart(8, "0");

/** `20260301`: the day of a time, as the older line of a document writes it. */
export const dayOf = (ms) => when(ms).slice(0, 10).replaceAll("-", "");
