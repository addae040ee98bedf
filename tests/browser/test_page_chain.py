"""The chain's page as a passenger and a clerk meet it."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import shoot
from browser.small_day import SmallDay
from farechain import _core
from farechain.api.context import Liveness

pytestmark = pytest.mark.browser


def chosen(day: SmallDay, kind: str = "BLUE") -> dict[str, Any]:
    """An invoice that nothing reversed, or a red letter."""
    for found in day.invoices():
        whole = found["remaining_fen"] == found["fields"]["total_fen"]
        if found["fields"]["kind"] == kind and (whole or kind == "RED"):
            return found
    raise AssertionError(f"the day has no {kind}")


def fill(page: Page, found: dict[str, Any], **changes: str) -> None:
    fields = found["fields"]
    total = abs(fields["total_fen"])
    form = {
        "code": fields["code"],
        "number": str(fields["number"]),
        "check_code": found["check_code"],
        "amount": f"{total // 100}.{total % 100:02d}",
    } | changes
    for name, value in form.items():
        page.fill(f"#look [name={name}]", value)
    page.click("#look button")


def yuan(amount_fen: int) -> str:
    return f"¥{amount_fen // 100:,}.{amount_fen % 100:02d}"


def test_a_phone_answers_the_four_questions_without_scrolling(
    phone: Page, site: str, small_day: SmallDay
) -> None:
    phone.goto(site)
    expect(phone.locator("#age")).to_have_text(re.compile("old"))
    counts = small_day.ledger.status()
    refused = sum(counts["rejected"].values())
    waiting = counts["waiting"]
    expect(phone.locator("#waiting")).to_have_text(f"{waiting:,}" if waiting else "Nobody")
    expect(phone.locator("#cosigned")).to_have_text("Yes, by 3")
    expect(phone.locator("#refused")).to_have_text(f"{refused:,}")
    expect(phone.locator("#invoices")).to_have_text(f"{counts['invoices']:,}")
    for answer in ("waiting", "p50", "cosigned", "refused", "reasons"):
        box = phone.locator(f"#{answer}").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 844, f"{answer} is below the fold"
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(phone, "phone")


def test_the_figures_follow_the_chain(phone: Page, site: str, liveness: Liveness) -> None:
    phone.goto(site)
    expect(phone.locator("#health")).to_have_text("running")
    liveness.lag_records["payments.metro/0"] = 1234
    try:
        expect(phone.locator("#lag")).to_have_text("1,234", timeout=5000)
    finally:
        liveness.lag_records.clear()
    expect(phone.locator("#lag")).to_have_text("0", timeout=5000)


def test_the_curve_drawn_here_is_the_one_that_the_server_drew(
    desk: Page, without_script: Page, site: str
) -> None:
    without_script.goto(site)
    desk.goto(site)
    expect(desk.locator("#age")).to_have_text(re.compile("old"))
    for selector in ("#curve .bars", "#curve-caption"):
        drawn, served = desk.locator(selector), without_script.locator(selector)
        assert drawn.get_attribute("d") == served.get_attribute("d")
        assert drawn.text_content() == served.text_content()


def test_an_invoice_is_looked_up_and_its_proof_checked_here(
    desk: Page, site: str, small_day: SmallDay
) -> None:
    found = chosen(small_day)
    desk.goto(site)
    fill(desk, found)
    expect(desk.locator("#answer .verdict")).to_contain_text("Valid")
    answer = desk.locator("#answer").inner_text()
    assert yuan(found["fields"]["total_fen"]) in answer
    assert found["fields"]["seller"] in answer
    assert "Checked in this browser" in answer
    assert "cosigned by bureau, holders, reimbursers (2 needed)" in answer
    shoot(desk, "desk-answer", whole=True)


def test_a_phone_shows_the_same_answer(phone: Page, site: str, small_day: SmallDay) -> None:
    phone.goto(site)
    fill(phone, chosen(small_day, "RED"))
    expect(phone.locator("#answer .verdict")).to_contain_text("Red-letter invoice")
    expect(phone.locator("#answer")).to_contain_text("−¥")
    shoot(phone, "phone-red", whole=True)


def test_code_and_number_alone_show_status_and_no_field(desk: Page, site: str, small_day: SmallDay) -> None:
    found = chosen(small_day)
    desk.goto(site)
    fill(desk, found, check_code="", amount="")
    expect(desk.locator("#answer .verdict")).to_contain_text("Valid")
    assert "¥" not in desk.locator("#answer").inner_text()
    assert found["fields"]["seller"] not in desk.locator("#answer").inner_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"check_code": "00000"}, "Mismatch"),
        ({"amount": "999.99"}, "Mismatch"),
        ({"amount": ""}, "give both, or neither"),
        ({"code": "12"}, "12 digits"),
        ({"number": "99999999"}, "Not found"),
    ],
)
def test_a_wrong_box_is_named_and_nothing_is_shown(
    desk: Page, site: str, small_day: SmallDay, change: dict[str, str], words: str
) -> None:
    desk.goto(site)
    fill(desk, chosen(small_day), **change)
    expect(desk.locator("#answer .bad.verdict")).to_be_visible()
    expect(desk.locator("#answer")).to_contain_text(words)
    assert "¥" not in desk.locator("#answer").inner_text()


def test_full_width_digits_are_digits(desk: Page, site: str, small_day: SmallDay) -> None:
    found = chosen(small_day)
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    desk.goto(site)
    fill(desk, found, code=found["fields"]["code"].translate(wide))
    expect(desk.locator("#answer .verdict")).to_contain_text("Valid")


def test_a_server_that_lies_about_an_invoice_is_not_believed(
    desk: Page, site: str, small_day: SmallDay
) -> None:
    first, *_rest, last = (found for found in small_day.invoices() if found["fields"]["kind"] == "BLUE")
    other = small_day.ledger.prove(last["height"], last["index"], small_day.log, small_day.witness_vkeys)
    desk.route("**/v1/proofs/**", lambda route: route.fulfill(body=other))
    desk.goto(site)
    fill(desk, first)
    expect(desk.locator("#answer .verdict")).to_contain_text("does not hold")
    expect(desk.locator("#answer")).to_contain_text("another invoice")
    assert "¥" not in desk.locator("#answer").inner_text()


@pytest.mark.parametrize("form", ["json", "compact"])
def test_a_proof_file_is_accepted_and_a_tampered_one_refused(
    desk: Page, site: str, small_day: SmallDay, tmp_path: Path, form: str
) -> None:
    found = chosen(small_day)
    proof = small_day.ledger.prove(found["height"], found["index"], small_day.log, small_day.witness_vkeys)
    proof = _core.proof_to_json(proof) if form == "json" else proof
    genuine, tampered = tmp_path / "genuine", tmp_path / "tampered"
    genuine.write_bytes(proof)
    place = 60
    tampered.write_bytes(proof[:place] + bytes([proof[place] ^ 1]) + proof[place + 1 :])
    desk.goto(site)
    desk.set_input_files("#proof-file", genuine)
    expect(desk.locator("#answer .verdict")).to_contain_text("The proof holds")
    expect(desk.locator("#answer")).to_contain_text(yuan(found["fields"]["total_fen"]))
    desk.set_input_files("#proof-file", tampered)
    expect(desk.locator("#answer .verdict")).to_contain_text("does not hold")
    assert "¥" not in desk.locator("#answer").inner_text()


def test_the_large_code_of_a_document_is_checked_in_the_browser(
    phone: Page, site: str, small_day: SmallDay
) -> None:
    found = chosen(small_day)
    proof = small_day.ledger.prove(found["height"], found["index"], small_day.log, small_day.witness_vkeys)
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    genuine = base64.b32encode(proof).decode().rstrip("=")
    phone.goto(f"{site}/#proof={genuine}")
    expect(phone.locator("#answer .verdict")).to_contain_text("The proof holds")
    expect(phone.locator("#answer .verdict")).to_be_in_viewport()
    expect(phone.locator("#answer")).to_contain_text(yuan(found["fields"]["total_fen"]))
    assert not [address for address in asked if genuine[:40] in address.split("#")[0]]
    shoot(phone, "proof-from-paper")
    place = 300
    other = "A" if genuine[place] != "A" else "B"
    for tampered in (genuine[:place] + other + genuine[place + 1 :], genuine[:-3], genuine.lower(), "1", ""):
        phone.evaluate("hash => { location.hash = hash }", f"#proof={tampered}")
        expect(phone.locator("#answer .verdict")).to_contain_text("does not hold")
        assert "¥" not in phone.locator("#answer").inner_text()


def test_a_scanned_invoice_disappears_when_its_proof_does_not_hold(
    phone: Page, site: str, small_day: SmallDay
) -> None:
    found = chosen(small_day)
    fields = found["fields"]
    query = f"hash={found['hash'].hex()}&bill_num={fields['number']:08d}&total_amount={fields['total_fen']}"
    phone.goto(f"{site}/v/scan?{query}")
    expect(phone.locator("#answer .verdict")).to_contain_text("The proof holds")
    expect(phone.locator("#scanned")).to_contain_text(yuan(fields["total_fen"]))
    shoot(phone, "phone-scan")
    proof = bytearray(
        small_day.ledger.prove(found["height"], found["index"], small_day.log, small_day.witness_vkeys)
    )
    proof[40] ^= 1
    phone.route("**/v1/proofs/**", lambda route: route.fulfill(body=bytes(proof)))
    phone.reload()
    expect(phone.locator("#answer .verdict")).to_contain_text("does not hold")
    expect(phone.locator("#scanned")).to_have_count(0)


def test_without_script_the_plain_form_answers(without_script: Page, site: str, small_day: SmallDay) -> None:
    found = chosen(small_day)
    without_script.goto(site)
    fill(without_script, found)
    expect(without_script.locator("main")).to_contain_text("Checked by this server")
    expect(without_script.locator("main")).to_contain_text(yuan(found["fields"]["total_fen"]))
    shoot(without_script, "phone-without-script", whole=True)


def test_the_offline_verifier_needs_no_server(
    desk: Page, small_day: SmallDay, site: str, tmp_path: Path
) -> None:
    kept, proof = tmp_path / "verifier.html", tmp_path / "proof.json"
    kept.write_bytes(desk.request.get(f"{site}/verifier.html").body())
    found = chosen(small_day)
    proof.write_bytes(
        _core.proof_to_json(
            small_day.ledger.prove(found["height"], found["index"], small_day.log, small_day.witness_vkeys)
        )
    )
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url))
    desk.goto(kept.as_uri())
    desk.fill("#vkey", small_day.log.vkey)
    desk.fill("#witnesses", "\n".join(small_day.witness_vkeys))
    desk.set_input_files("#proof-file", proof)
    expect(desk.locator("#answer .verdict")).to_contain_text("The proof holds")
    shoot(desk, "desk-offline")
    desk.fill("#witnesses", "\n".join(small_day.witness_vkeys[:2]))
    desk.set_input_files("#proof-file", proof)
    expect(desk.locator("#answer")).to_contain_text("cosigned by bureau, holders (2 needed)")
    desk.fill("#witnesses", small_day.witness_vkeys[0])
    desk.fill("#threshold", "1")
    desk.set_input_files("#proof-file", proof)
    expect(desk.locator("#answer")).to_contain_text("cosigned by bureau (1 needed)")
    desk.fill("#threshold", "2")
    desk.set_input_files("#proof-file", proof)
    expect(desk.locator("#answer .verdict")).to_contain_text("does not hold")
    assert all(url.startswith("file:") for url in asked)


def test_everything_has_a_name_and_can_be_reached_by_keyboard(desk: Page, site: str) -> None:
    desk.goto(site)
    nameless = desk.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]),button,textarea')]"
        ".filter(e => !(e.labels?.length || e.textContent.trim())).map(e => e.outerHTML)"
    )
    assert nameless == []
    desk.focus("#look [name=code]")
    reached = []
    for _ in range(6):
        reached.append(desk.evaluate("document.activeElement.name || document.activeElement.id || 'button'"))
        desk.keyboard.press("Tab")
    assert reached == ["code", "number", "check_code", "amount", "button", "proof-file"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(desk: Page, site: str, scheme: str) -> None:
    desk.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    desk.goto(site)
    poor = desk.evaluate(CONTRAST)
    assert poor == []
    shoot(desk, f"desk-{scheme}")


CONTRAST = """() => {
  const rgb = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const e of document.querySelectorAll("main *, header *, .banner, footer *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.closest("noscript") || !e.offsetParent) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) poor.push(`${e.outerHTML.slice(0, 80)}: ${contrast.toFixed(2)}`);
  }
  return poor;
}"""
"""WCAG 2, 1.4.3: 4.5 to 1 for text."""
