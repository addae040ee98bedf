// The live figures over server-sent events. Writes text only, never markup.

import { curveIn } from "./curve.js";
import { duration, grouped, when } from "./text.js";

const TOP_REASONS = 3;

const byId = (id) => document.getElementById(id);

function put(id, text, tone) {
  const place = byId(id);
  if (place.textContent !== text) place.textContent = text;
  if (tone !== undefined) place.dataset.tone = tone;
}

function showWaiting(status) {
  const all = status.waiting + status.lag_records;
  put("waiting", all === 0 ? "Nobody" : grouped(all), all === 0 ? "good" : "plain");
  put("waiting-numbers", grouped(status.waiting));
  put("lag", grouped(status.lag_records));
}

function showCosigned({ cosigners, required, size, age_s: ageS, refused }) {
  const enough = cosigners.length >= required && required > 0;
  put("cosigned", required === 0 ? "No witness" : cosigners.length ? `Yes, by ${cosigners.length}` : "Not yet", enough ? "good" : "bad");
  put("required", required === 0 ? "none is configured" : `${required} needed`);
  put("cosigners", refused ?? cosigners.join(", "));
  put("size", grouped(size));
  put("age", ageS === null ? "" : `, ${duration(Math.round(ageS * 1000))} old`);
}

function showRefused(status, words) {
  const rejected = Object.entries(status.rejected).sort((a, b) => b[1] - a[1]);
  const sum = rejected.reduce((total, [, count]) => total + count, 0);
  put("refused", sum === 0 ? "Nothing" : grouped(sum));
  put("refused-share", sum === 0 ? "" : `${((100 * sum) / Math.max(1, status.inputs)).toFixed(2)} % of what came in`);
  const top = rejected.slice(0, TOP_REASONS).map(([code, count]) => `${words[code] ?? code} ${grouped(count)}`);
  put("reasons", top.join(" · "));
}

function showHead(status) {
  put("invoices", grouped(status.invoices));
  put("red", grouped(status.red_letters));
  put("duplicates", grouped(status.duplicates));
  put("rate", grouped(status.rate_per_s));
  put("height", grouped(status.height));
  put("head", status.head);
  put("sealed", when(status.time_ms));
  put("p50", duration(status.latency_ms.p50));
  put("p99", duration(status.latency_ms.p99));
}

/** Follows the chain until the page is left. */
export function follow(words) {
  const draw = curveIn(byId("curve"), byId("curve-caption"));
  const source = new EventSource("/v1/live");
  source.addEventListener("message", (event) => {
    const status = JSON.parse(event.data);
    put("health", status.not_ready ?? "running", status.not_ready ? "bad" : "good");
    showWaiting(status);
    showCosigned(status.checkpoint);
    showRefused(status, words);
    showHead(status);
    put("day", status.curve_day);
    draw(status.curve);
  });
  source.addEventListener("error", () => put("health", "no connection: the figures stand still", "bad"));
}
