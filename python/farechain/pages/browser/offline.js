// The page to keep: checks a proof with keys that the reader brings, and talks to no server.

import { checkFile } from "./lookup.js";

const value = (id) => document.getElementById(id).value.trim();

document.getElementById("proof-file").addEventListener("change", (event) => {
  const witnesses = value("witnesses").split("\n").map((line) => line.trim()).filter(Boolean);
  const keys = { vkey: value("vkey"), witnesses, threshold: Number(value("threshold")) };
  if (event.target.files.length) checkFile(event.target.files[0], keys, document.getElementById("answer"));
  event.target.value = "";
});
