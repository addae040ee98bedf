// What the pages run: the live figures, the look-up, the check of a scanned invoice. One bundle for all of them.

import { FRAGMENT, check, checkFile, checkFragment, fail, lookUp } from "./lookup.js";
import { follow } from "./live.js";
import { stepsOf, show } from "./answer.js";
import { must } from "./bytes.js";
import { verifyProof } from "./proof.js";

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
    must(reply.ok, "The invoice is not under a published checkpoint yet: try again in a second.");
    const { proven, tookMs } = check(new Uint8Array(await reply.arrayBuffer()), keys);
    must(proven.hash === hash, "the proof is of another record");
    show(place, { verdict: "proven", steps: stepsOf(proven, keys, tookMs) });
  } catch (error) {
    section.remove();
    fail(place, error, true);
  }
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
  follow(JSON.parse(document.body.dataset.words));
}
const scanned = document.getElementById("scanned");
if (scanned) checkScanned(scanned, place);

/** For the console and for tests: the same check as the page's. */
globalThis.farechain = { verifyProof, keys };
