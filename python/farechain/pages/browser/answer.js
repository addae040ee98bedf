// What a look-up says, written with text nodes only. No field is shown unless its proof holds.

import { eight, grouped, when, yuan } from "./text.js";

const TITLES = {
  ok: ["good", "Valid", "有效"],
  reduced: ["good", "Valid, partly reversed", "部分红冲"],
  void: ["bad", "Reversed", "已红冲"],
  red: ["plain", "Red-letter invoice", "红字发票"],
  proven: ["good", "The proof holds", "证明成立"],
  refused: ["bad", "The proof does not hold", "证明不成立"],
  failed: ["bad", "Not found out", "未能查验"],
};

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function label(english, chinese) {
  const zh = element("span", "zh", chinese);
  zh.lang = "zh-CN";
  return [english, " ", zh];
}

const rate = (value) => (typeof value === "number" ? `${value / 100} %` : value === "EXEMPT" ? "exempt 免税" : "not taxable 不征税");

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
    ["Tax", "税额", `${yuan(fields.taxFen)} (${rate(fields.rate)})`],
    ["Tax code", "税收编码", fields.taxCode],
  ];
  if (fields.kind === "BLUE") rows.push(["Service", "项目", fields.scene]);
  else rows.push(["Reverses", "红冲", `${fields.originalCode} ${eight(fields.originalNumber)}`]);
  return rows;
}

function list(rows) {
  const made = element("dl", "fields");
  for (const [english, chinese, value] of rows) {
    made.append(element("dt", "", ...label(english, chinese)), element("dd", english === "Total" ? "total" : "", value));
  }
  return made;
}

/** The steps that were checked here, in words. */
export function stepsOf(proven, keys, tookMs) {
  const cosigners = proven.cosigners.length ? `cosigned by ${proven.cosigners.join(", ")}` : "cosigned by nobody";
  return [
    `The record is in block ${grouped(proven.height)}, sealed ${when(proven.timeMs)}.`,
    `The block is in the log of ${grouped(proven.size)} blocks of ${proven.origin}.`,
    `The log's key signed it; ${cosigners} (${keys.threshold} needed).`,
    `Checked in this browser in ${Math.max(1, Math.round(tookMs))} ms.`,
  ];
}

/**
 * Replaces the answer on the page.
 *
 * @param {HTMLElement} place where
 * @param {{verdict: string, reason?: string, rows?: string[][], steps?: string[], links?: [string, string][]}} answer
 */
export function show(place, { verdict, reason = "", rows = [], steps = [], links = [] }) {
  const [tone, english, chinese] = TITLES[verdict];
  const title = element("p", `verdict ${tone}`, ...label(english, chinese));
  const parts = [title];
  if (reason) parts.push(element("p", "reason", reason));
  if (rows.length) parts.push(list(rows));
  if (steps.length) parts.push(element("ol", "steps", ...steps.map((step) => element("li", "", step))));
  if (links.length) {
    const line = element("p", "links");
    for (const [text, href] of links) {
      const link = element("a", "", text);
      link.href = href;
      line.append(link, " ");
    }
    parts.push(line);
  }
  place.replaceChildren(element("div", `answer ${tone}`, ...parts));
}
