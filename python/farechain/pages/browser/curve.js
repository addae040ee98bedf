// The day's curve: invoices by the time of payment, ten minutes a bar. The same path as farechain/api/curve.py draws.

import { grouped } from "./text.js";

const HEIGHT = 100;
const BUCKET_MIN = 10;

const clock = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

/** The times of a bar: `08:10–08:20`. */
export const span = (bucket) => `${clock(bucket * BUCKET_MIN)}–${clock((bucket + 1) * BUCKET_MIN)}`;

/** A path of bars, one wide each, in a box of 144 by 100. */
export function pathOf(curve) {
  const most = Math.max(1, ...curve.map(([, count]) => count));
  return curve
    .filter(([, count]) => count > 0)
    .map(([bucket, count]) => {
      const height = Number(((HEIGHT * count) / most).toFixed(2));
      return `M${bucket}.1 100v-${height}h.8v${height}z`;
    })
    .join("");
}

/** The caption: when it was busiest. */
export function captionOf(curve) {
  if (curve.length === 0) return "No invoice yet.";
  const [bucket, count] = curve.reduce((most, next) => (next[1] > most[1] ? next : most));
  return `Busiest ${span(bucket)}: ${grouped(count)} invoices in ten minutes.`;
}

/** Draws the curve and lets a pointer read it. */
export function curveIn(svg, caption) {
  let curve = [];
  const rest = () => { caption.textContent = captionOf(curve); };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const bucket = Math.min(143, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * 144)));
    const count = curve.find(([at]) => at === bucket)?.[1] ?? 0;
    caption.textContent = `${span(bucket)}: ${grouped(count)} invoices.`;
  });
  svg.addEventListener("pointerleave", rest);
  return (next) => {
    curve = next;
    svg.querySelector("path").setAttribute("d", pathOf(curve));
    if (!svg.matches(":hover")) rest();
  };
}
