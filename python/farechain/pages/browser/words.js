// What is said to people, in the language of the page; words.json has both, for this script and for the server.

import WORDS from "./words.json";
import { grouped, when } from "./text.js";

const chinese = () => document.documentElement.lang.startsWith("zh");

/** One of two texts, by the language of the page. */
export const say = (en, zh) => (chinese() ? zh : en);

const shown = (name, value) => (name === "time" ? when(value) : typeof value === "number" ? grouped(value) : value);

/** A pattern with its `{names}` filled in. */
const filled = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (_all, name) => shown(name, values[name]));

/** A text of words.json. */
export const text = (name, values = {}) => filled(say(...WORDS.texts[name]), values);

/** A sentence of where something stands, as the verifier says it, in the language of the page. */
export const standing = (words) =>
  chinese() ? WORDS.standing.reduce((said, [en, zh]) => said.replace(new RegExp(en), zh), words) : words;

/** A verdict's `[tone, English or null, Chinese]`: on a Chinese page the Chinese alone. */
export function verdictOf(name) {
  const [tone, en, zh] = WORDS.verdicts[name];
  return [tone, chinese() ? null : en, zh];
}

/** The steps that every proof has; between `signature` and `threshold` are the witnesses. */
export const STEPS = ["record", "path", "header", "inclusion", "signature", "threshold"];

/** A step as a person reads it, and what an expert checks; without values the words alone. */
export function step(name, values = null) {
  const [en, zh, detail] = WORDS.steps[name];
  return [filled(say(en, zh), values ?? {}), values ? filled(detail, values) : ""];
}

/** An answer that is no finding about a proof: `verdict` is one of words.json, `text` says more. */
export class Told extends Error {
  constructor(verdict, text) {
    super(text);
    this.verdict = verdict;
  }
}
