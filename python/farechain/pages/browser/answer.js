// What a look-up says, written with text nodes only. No field is shown unless its proof holds.

import { Refused } from "./bytes.js";
import { eight, when, yuan } from "./text.js";
import { STEPS, Told, say, step, text, verdictOf } from "./words.js";

const MARKS = { passed: "✓", broke: "✗", open: "·" };

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Both languages on an English page, where people know the words that stand on the paper; else the Chinese alone. */
function label(english, chinese) {
  if (english === null) return [chinese];
  const zh = element("span", "zh", chinese);
  zh.lang = "zh-CN";
  return [english, " ", zh];
}

const rate = (value) => (typeof value === "number" ? `${value / 100} %` : value === "EXEMPT" ? say("exempt", "免税") : say("not taxable", "不征税"));

/** The rows of an invoice that a passenger reads: [English, Chinese, value]. */
export function rowsOf(fields, hash) {
  const rows = [
    ["Code", "发票代码", fields.code],
    ["Number", "发票号码", eight(fields.number)],
    ["Check code", "校验码", hash.slice(-5)],
    ["Issued", "开票日期", when(fields.issuedAtMs)],
    ["Seller", "销售方", fields.seller],
    ["Total", "价税合计", yuan(fields.totalFen)],
    ["Net", "金额", yuan(fields.netFen)],
    ["Tax", "税额", fields.rate === undefined ? yuan(fields.taxFen) : `${yuan(fields.taxFen)} (${rate(fields.rate)})`],
  ];
  if (fields.taxCode) rows.push(["Tax code", "税收编码", fields.taxCode]);
  if (fields.buyerTaxId) rows.push(["Buyer", "购买方", fields.buyerTaxId]);
  if (fields.scene) rows.push(["Service", "项目", fields.scene]);
  if (fields.originalCode) rows.push(["Reverses", "红冲", `${fields.originalCode} ${eight(fields.originalNumber)}`]);
  return rows;
}

function list(rows) {
  const made = element("dl", "fields");
  for (const [english, chinese, value] of rows) {
    const name = element("dt", "", ...label(say(english, null), chinese));
    made.append(name, element("dd", english === "Total" ? "total" : "", value));
  }
  return made;
}

function stepItem(state, [words, detail], reason = "") {
  const item = element("li", state);
  const mark = element("span", "mark", MARKS[state]);
  mark.setAttribute("aria-hidden", "true");
  item.append(mark, " ", element("span", "visually-hidden", `${text(state)}: `), words);
  if (reason) item.append(" ", element("b", "", reason));
  if (detail) item.append(element("span", "hash", detail));
  return item;
}

/** Each step that was done, the one that does not hold with its reason, and those that were not reached. */
function stepsList({ steps, reason }) {
  const items = steps.map(({ name, values }) => stepItem("passed", step(name, values)));
  const done = new Set(steps.map(({ name }) => name));
  const left = STEPS.filter((name) => !done.has(name));
  const broken = left.map((name, i) => stepItem(i === 0 && reason ? "broke" : "open", step(name), i === 0 ? reason : ""));
  return element("ol", "steps", ...items, ...broken);
}

function checkedPart(checked) {
  const took = Math.max(1, Math.round(checked.tookMs));
  const parts = [element("h3", "", text("steps")), stepsList(checked)];
  if (!checked.reason) parts.push(element("p", "small", text("here", { took })), element("p", "small", text("limits")));
  return parts;
}

/**
 * Replaces the answer on the page.
 *
 * @param {HTMLElement} place where
 * @param {{verdict: string, reason?: string, rows?: string[][], checked?: {steps: object[], tookMs: number, reason: string},
 *   links?: [string, string][]}} answer
 */
export function show(place, { verdict, reason = "", rows = [], checked = null, links = [] }) {
  const [tone, english, chinese] = verdictOf(verdict);
  const parts = [element("p", `verdict ${tone}`, ...label(english, chinese))];
  if (reason) parts.push(element("p", "reason", reason));
  if (rows.length) parts.push(list(rows));
  if (checked) parts.push(...checkedPart(checked));
  if (links.length) {
    const line = element("p", "links");
    for (const [words, href] of links) {
      const link = element("a", "", words);
      link.href = href;
      line.append(link, " ");
    }
    parts.push(line);
  }
  place.replaceChildren(element("div", `answer ${tone}`, ...parts));
  place.scrollIntoView({ block: "nearest" });
}

/** Shows why there is no good answer: what was told, which step of a proof does not hold, or that nobody answers. */
export function fail(place, error) {
  if (error instanceof Told) show(place, { verdict: error.verdict, reason: error.message });
  else if (error instanceof Refused) show(place, { verdict: "refused", reason: error.checked ? "" : error.message, checked: error.checked });
  else show(place, { verdict: "failed", reason: `${text("silent")}: ${error.message}` });
}
