"""Proofs of a day in full blocks: made, served, verified in Rust, in Python, in the browser; their size."""

import base64
import importlib
import json
import random
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import http_load
from bench.day import prepared_day
from bench.figures import Figure
from bench.proof_server import open_log
from bench.shapes import fill
from farechain import _core

BLOCK = 8192
PROOFS = 4000
REQUESTS = 2000
ROUNDS = 5
WITNESSES = ("bureau", "holders", "reimbursers")
Place = tuple[int, int, str, int]
"""Height, index, code, number."""
BY_REFERENCE = 20
"""The reference takes most of ten milliseconds a proof."""
IN_BROWSER = 50
TIMED_IN_PAGE = """([proofs, rounds]) => {
  const bytes = proofs.map((text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
  const took = Array.from({ length: rounds }, () => {
    const started = performance.now();
    for (const proof of bytes) farechain.verifyProof(proof, farechain.keys);
    return (performance.now() - started) / bytes.length;
  });
  return Math.min(...took);
}"""


TIMED_ON_PAGE = """([code, number, rounds]) => {
  const [form, place] = [document.getElementById("look"), document.getElementById("answer")];
  form.elements.code.value = code;
  form.elements.number.value = number;
  const one = () => new Promise((done) => {
    const started = performance.now();
    place.replaceChildren();
    new MutationObserver((_all, seen) => {
      if (place.querySelector(".steps .passed")) {
        seen.disconnect();
        done(performance.now() - started);
      }
    }).observe(place, { childList: true });
    form.requestSubmit();
  });
  const took = [];
  return (async () => {
    for (let i = 0; i < rounds; i++) took.push(await one());
    return Math.min(...took);
  })();
}"""
"""From the button of the page to verify to its steps: two questions to the server, the check, the list."""


def measure(place: Path, invoices: int) -> list[Figure]:
    """All figures of proofs; the ledger is made and removed."""
    place = place / "proofs"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    ledger, _ = fill(place / "ledger", prepared_day(place.parent, invoices), BLOCK)
    vkeys = _publish(place, ledger)
    places = _invoices(ledger, PROOFS)
    ledger.close()
    proofs, made = _made(place, places, vkeys)
    figures = [*made, *_verified(place, proofs, vkeys), *_served(place, places, proofs)]
    shutil.rmtree(place)
    return figures


def _publish(place: Path, ledger: _core.Ledger) -> list[str]:
    """Tiles and a checkpoint with three cosignatures; the witnesses' verifier keys."""
    log = open_log(place, ledger)
    while log.size <= ledger.height:
        log.catch_up(ledger)
    note = log.sign()
    seeds = {name: name.encode().ljust(32, b".") for name in WITNESSES}
    log.publish(note + "".join(_core.cosign(name, seed, note, 1_772_323_200) for name, seed in seeds.items()))
    vkeys = [_core.vkey_cosignature(name, _core.public_key(seed)) for name, seed in seeds.items()]
    (place / "witnesses.json").write_text(json.dumps(vkeys))
    return vkeys


def _invoices(ledger: _core.Ledger, count: int) -> list[Place]:
    """Invoices at random: height, index, code, number. The first are of different blocks."""
    rng, found = random.Random(1), []
    heights = [height for height in range(ledger.height + 1) if ledger.record(height, BLOCK // 2) is not None]
    order = [*heights, *(rng.choice(heights) for _ in range(2 * count))]
    for height in order:
        index = rng.randrange(BLOCK // 2)
        record = ledger.record(height, index)
        assert record is not None
        fields = _core.decode_record(record)
        if fields["kind"] in {"BLUE", "RED"}:
            found.append((height, index, fields["code"], fields["number"]))
    return found[:count]


def _least_us(work: Callable[[], object], items: int, rounds: int = ROUNDS) -> float:
    """CPU time an item, the least of some rounds."""
    took = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took) / items * 1e6


def _made(place: Path, places: Sequence[Place], vkeys: Sequence[str]) -> tuple[list[bytes], list[Figure]]:
    path = str(place / "ledger")
    log = open_log(place, _core.Ledger.open(path, readonly=True))
    blocks = len({height for height, *_ in places})
    cold_us = min(_first_us(path, log, places[:blocks], vkeys) for _ in range(ROUNDS))
    ledger = _core.Ledger.open(path, readonly=True)
    proofs = [ledger.prove(*at[:2], log, vkeys) for at in places]
    warm_us = _least_us(lambda: [ledger.prove(*at[:2], log, vkeys) for at in places], len(places))
    alone_us = _least_us(
        lambda: [ledger.prove(*at[:2], str(place / "public"), vkeys) for at in places], len(places)
    )
    json_us = _least_us(lambda: [_core.proof_to_json(proof) for proof in proofs], len(proofs))
    return proofs, [
        Figure("prove, first of its block of 8,192", cold_us, "us CPU"),
        Figure("prove, a block that was asked for before", warm_us, "us CPU"),
        Figure("prove, the same from the public directory alone", alone_us, "us CPU"),
        Figure("proofs a second and core, from the Rust call", 1e6 / warm_us, "/s"),
        Figure("compact to JSON", json_us, "us CPU"),
        Figure("largest proof, compact, three cosignatures", max(map(len, proofs)), "bytes", 2048),
        Figure("largest proof, JSON", max(len(_core.proof_to_json(proof)) for proof in proofs), "bytes"),
    ]


def _first_us(path: str, log: _core.PublicLog, places: Sequence[Place], vkeys: Sequence[str]) -> float:
    """CPU time of a proof in a ledger that was opened just now."""
    ledger = _core.Ledger.open(path, readonly=True)
    return _least_us(lambda: [ledger.prove(*at[:2], log, vkeys) for at in places], len(places), 1)


def _verified(place: Path, proofs: Sequence[bytes], vkeys: list[str]) -> list[Figure]:
    vkey = (place / "public" / "vkey").read_text().strip()
    some = proofs[:400]
    rust_us = _least_us(lambda: [_core.verify_proof(proof, vkey, vkeys, 2) for proof in some], len(some))
    sys.path.insert(0, "tests")
    verify = importlib.import_module("reference.proof").verify
    few = proofs[:BY_REFERENCE]
    reference_us = _least_us(lambda: [verify(proof, vkey, vkeys, 2) for proof in few], len(few), 2)
    return [
        Figure("verify a proof: Rust", rust_us, "us CPU"),
        Figure("verify a proof: Python reference", reference_us / 1e3, "ms CPU"),
    ]


def _served(place: Path, places: Sequence[Place], proofs: Sequence[bytes]) -> list[Figure]:
    urls = [f"/v1/proofs/{code}/{number:08d}" for _, _, code, number in places[:REQUESTS]]
    with http_load.server("bench.proof_server", str(place)) as server:
        loads = {
            "GET /livez, for what HTTP costs": [http_load.get("/livez")] * REQUESTS,
            "GET /v1/proofs, JSON": [http_load.get(url) for url in urls],
            "GET /v1/proofs, compact": [http_load.get(url + "?form=compact") for url in urls],
            "POST /v1/verify": [http_load.post("/v1/verify", proof) for proof in proofs[:REQUESTS]],
        }
        for requests in loads.values():
            http_load.run(server, requests[:200])
        answers = {name: http_load.run(server, requests) for name, requests in loads.items()}
        assert answers["GET /v1/proofs, compact"].bodies == proofs[:REQUESTS]
        assert all(json.loads(body)["ok"] for body in answers["POST /v1/verify"].bodies)
        figures = _in_browser(server.address, proofs[:IN_BROWSER], places[0])
    for name, load in answers.items():
        figures += [
            Figure(name, load.per_s, "/s"),
            Figure(f"{name}: server", load.server_us, "us CPU"),
            Figure(f"{name}: client", load.client_us, "us CPU"),
        ]
    return figures


def _in_browser(address: str, proofs: Sequence[bytes], place: Place) -> list[Figure]:
    """A proof by the page's own verifier, and the whole of the page to verify; none without Chromium."""
    executable = shutil.which("chromium")
    if executable is None:
        print("verification in the browser is not measured: there is no chromium here", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(f"{address}/verify")
        took = page.evaluate(TIMED_IN_PAGE, [[base64.b64encode(proof).decode() for proof in proofs], ROUNDS])
        whole = page.evaluate(TIMED_ON_PAGE, [place[2], f"{place[3]:08d}", 2 * ROUNDS])
        browser.close()
    return [
        Figure("verify a proof: Chromium", float(took), "ms"),
        Figure("the page to verify, from its button to the steps: Chromium", float(whole), "ms"),
    ]
