// The chain's page: live figures over server-sent events, the day's curve, the look-up. Writes text only, never markup.
"use strict";

const byId = (id) => document.getElementById(id);
const put = (id, text) => { byId(id).textContent = text; };
const grouped = (n) => Number(n).toLocaleString("en");
const seconds = (ms) => (ms === null ? "–" : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

function show(status) {
  put("waiting", grouped(status.waiting + status.lag_records));
  put("waiting-numbers", grouped(status.waiting));
  put("lag", grouped(status.lag_records));
  put("p50", seconds(status.latency_ms.p50));
  put("p99", seconds(status.latency_ms.p99));
  const checkpoint = status.checkpoint;
  put("cosigned", `${checkpoint.cosigners.length} of ${checkpoint.required} needed`);
  byId("cosigned").className = `big ${checkpoint.cosigners.length >= checkpoint.required ? "good" : "bad"}`;
  put("cosigners", checkpoint.refused || checkpoint.cosigners.join(", ") || "by nobody yet");
  const rejected = Object.entries(status.rejected).sort((a, b) => b[1] - a[1]);
  put("refused", grouped(rejected.reduce((sum, [, count]) => sum + count, 0)));
  put("reasons", rejected.slice(0, 3).map(([code, count]) => `${code} ${count}`).join(", "));
  put("invoices", grouped(status.invoices));
  put("red", grouped(status.red_letters));
  put("rate", grouped(status.rate_per_s));
  put("height", grouped(status.height));
  put("head", status.head);
  put("size", grouped(checkpoint.size));
  put("health", status.not_ready || "running");
  byId("health").className = status.not_ready ? "bad" : "good";
  draw(status.curve);
}

// curve: [bucket of ten minutes since midnight, invoices] pairs.
function draw(curve) {
  const svg = byId("curve");
  const most = Math.max(1, ...curve.map(([, count]) => count));
  const bars = curve.map(([bucket, count]) => {
    const height = (150 * count) / most;
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of Object.entries({ x: bucket * 5, y: 155 - height, width: 4, height })) {
      bar.setAttribute(name, value);
    }
    return bar;
  });
  svg.replaceChildren(...bars);
}

function answer(good, title, rows) {
  const verdict = document.createElement("p");
  verdict.className = `big ${good ? "good" : "bad"}`;
  verdict.textContent = title;
  const list = document.createElement("dl");
  for (const [name, value] of rows) {
    const term = document.createElement("dt");
    term.textContent = name;
    const text = document.createElement("dd");
    text.textContent = value;
    list.append(term, text);
  }
  byId("answer").replaceChildren(verdict, list);
}

async function checked(proof) {
  const reply = await fetch("/v1/verify", { method: "POST", body: proof });
  const result = await reply.json();
  if (!result.ok) return [false, [["Proof", result.reason || result.title]]];
  return [true, [["Proof", `holds under checkpoint ${result.size}, cosigned by ${result.cosigners.join(", ") || "nobody"}`], ["Hash", result.hash]]];
}

const titles = { ok: "Valid", red: "Red-letter invoice", void: "Reversed" };
const yuan = (fen) => (fen / 100).toFixed(2);
const fenOf = (text) => { const [whole, part = ""] = text.split("."); return String(BigInt(whole + part.padEnd(2, "0"))); };

async function lookUp(form) {
  const values = Object.fromEntries(new FormData(form));
  const query = new URLSearchParams();
  if (values.check_code || values.amount) {
    query.set("check_code", values.check_code);
    query.set("total_fen", values.amount ? fenOf(values.amount) : "");
  }
  const path = `${values.code}/${Number(values.number)}`;
  const reply = await fetch(`/v1/invoices/${path}?${query}`);
  const invoice = await reply.json();
  if (!reply.ok) return answer(false, invoice.title, [["Code", invoice.code]]);
  const rows = [["Invoice", `${invoice.code} ${String(invoice.number).padStart(8, "0")}`], ["Block", invoice.height]];
  if (invoice.fields) {
    rows.push(["Seller", invoice.fields.seller], ["Total", yuan(invoice.fields.total_fen)], ["Tax", yuan(invoice.fields.tax_fen)]);
  }
  const proof = await fetch(`/v1/proofs/${path}`);
  const [holds, proofRows] = proof.ok ? await checked(await proof.arrayBuffer()) : [false, [["Proof", "not published yet"]]];
  answer(holds && invoice.status === "ok", titles[invoice.status], rows.concat(proofRows));
}

byId("look").addEventListener("submit", (event) => {
  event.preventDefault();
  lookUp(event.target).catch((error) => answer(false, "The service does not answer", [["Reason", error.message]]));
});
byId("proof-form").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  if (!file) return;
  const [holds, rows] = await checked(await file.arrayBuffer());
  answer(holds, holds ? "The proof holds" : "The proof does not hold", rows);
});

new EventSource("/v1/live").addEventListener("message", (event) => show(JSON.parse(event.data)));
