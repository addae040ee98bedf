// What the pages run: the live figures, the look-up, the check of a scanned invoice. One bundle for all of them.

import { check, checkFile, checkFragment, checkText, lookUp } from "./lookup.js";
import { FRAGMENT } from "./codes.js";
import { follow } from "./live.js";
import { fail, show } from "./answer.js";
import { must } from "./bytes.js";
import { verifyProof } from "./proof.js";
import { Told, text } from "./words.js";
import { verifyStateProof } from "./state_proof.js";

/** Whom to believe, as the page says: a page served by the operator is the operator's word (see /verifier.html). */
const keys = JSON.parse(document.body.dataset.keys);

function acceptFiles(zone, input, place) {
  const take = (files) => files.length > 0 && checkFile(files[0], keys, place);
  input.addEventListener("change", () => take(input.files));
  for (const kind of ["dragenter", "dragover"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take(event.dataTransfer.files);
  });
}

/** The scan page: what the server wrote about the invoice goes away unless the proof holds. */
async function checkScanned(section, place) {
  const { code, number, hash } = section.dataset;
  try {
    const reply = await fetch(`/v1/proofs/${code}/${number}?form=compact`);
    if (!reply.ok) throw new Told("failed", text("later"));
    const { proven, checked } = check(new Uint8Array(await reply.arrayBuffer()), keys);
    must(proven.hash === hash, "the proof is of another record");
    show(place, { verdict: "proven", checked });
  } catch (error) {
    section.remove();
    fail(place, error);
  }
}

/** What may be read by scan.js: its codes go the way of what is pasted. */
function acceptCodes(section, place) {
  section.addEventListener("scanned", ({ detail }) => {
    if (detail.word) fail(place, new Told("malformed", text(detail.word, detail.values)));
    else checkText(detail.text, keys, place);
  });
}

const form = document.getElementById("look");
const place = document.getElementById("answer");
if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    lookUp(form, keys, place);
  });
  acceptFiles(document.getElementById("drop"), document.getElementById("proof-file"), place);
  const inAddress = () => location.hash.startsWith(FRAGMENT) && checkFragment(location.hash, keys, place);
  globalThis.addEventListener("hashchange", inAddress);
  inAddress();
}
const paste = document.getElementById("paste");
if (paste) {
  paste.addEventListener("submit", (event) => {
    event.preventDefault();
    checkText(paste.elements.namedItem("text").value, keys, place);
  });
  acceptCodes(document.getElementById("scan"), place);
}
if (document.getElementById("curve")) follow(JSON.parse(document.body.dataset.words));
const scanned = document.getElementById("scanned");
if (scanned) checkScanned(scanned, place);

/** For the console and for tests: the same check as the page's. */
globalThis.farechain = { verifyProof, verifyStateProof, keys };
