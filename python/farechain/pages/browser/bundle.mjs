// Bundles the pages' script and the offline page into ../static. Deterministic: the same sources give the same bytes.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const [sources, out] = process.argv.slice(2);
const sha256 = (data, form) => createHash("sha256").update(data).digest(form);
const names = readdirSync(sources).filter((name) => /\.(?:js|html|json)$/.test(name)).sort();
const inputs = [...names.map((name) => [name, readFileSync(`${sources}/${name}`)]), ["page.css", readFileSync(`${out}/page.css`)]];
const digest = sha256(inputs.map(([name, data]) => `${name} ${sha256(data, "hex")}\n`).join(""), "hex");
const banner = (contains) => `/* Built by browser/build.sh, do not edit. Contains ${contains}\n   sources ${digest} */`;
const NOBLE = "@noble/ed25519 and @noble/hashes, MIT License,\n   (c) 2019 and 2022 Paul Miller (paulmillr.com); see noble.LICENSE.";
const JSQR = "jsQR, Apache License 2.0,\n   (c) its authors (github.com/cozmo/jsQR); the license is this program's own, see LICENSE.";

async function bundle(entry) {
  const options = { bundle: true, minify: true, format: "iife", target: "es2022", charset: "utf8", legalComments: "none", write: false };
  const result = await build({ ...options, entryPoints: [`${sources}/${entry}`], nodePaths: ["node_modules"] });
  return result.outputFiles[0].text;
}

writeFileSync(`${out}/page.js`, `${banner(NOBLE)}\n${await bundle("page.js")}`);
writeFileSync(`${out}/scan.js`, `${banner(JSQR)}\n${await bundle("scan.js")}`);

const script = `${banner(NOBLE)}\n${await bundle("offline.js")}`;
const style = readFileSync(`${out}/page.css`, "utf8");
const parts = { STYLE: style, SCRIPT: script, SCRIPT_HASH: sha256(script, "base64"), STYLE_HASH: sha256(style, "base64") };
const page = readFileSync(`${sources}/offline.html`, "utf8");
writeFileSync(`${out}/verifier.html`, page.replace(/@([A-Z_]+)@/g, (_all, name) => parts[name]));
