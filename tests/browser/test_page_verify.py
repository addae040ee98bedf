"""The page to verify an invoice: typed, pasted, from a picture, from a camera; every step is shown."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, Playwright, expect

from browser.conftest import DESK, PHONE, page_of, shoot
from browser.small_day import SmallDay
from browser.test_page_chain import CONTRAST, chosen, fill, yuan
from farechain.export.scanning import sealed_line

pytestmark = pytest.mark.browser


def proof_of(day: SmallDay, found: dict[str, Any]) -> bytes:
    return day.ledger.prove(found["height"], found["index"], day.log, day.witness_vkeys)


def short_code(site: str, found: dict[str, Any]) -> str:
    """The address in the code on a document's face."""
    fields = found["fields"]
    total = abs(fields["total_fen"])
    return f"{site}/v/scan?hash={found['hash'].hex()}&bill_num={fields['number']:08d}&total_amount={total}"


def large_code(site: str, day: SmallDay, found: dict[str, Any]) -> str:
    return f"{site}/#proof={base64.b32encode(proof_of(day, found)).decode().rstrip('=')}"


def picture(text: str, scale: int, level: str = "M") -> Image.Image:
    """A photograph of a code, as even as one can be."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    image: Any = code.to_image(scale=scale, add_quiet_zones=True)
    pixels = memoryview(image)
    return Image.frombytes("L", image.shape[1::-1], pixels.tobytes())


def film(text: str, path: Path) -> None:
    """What a camera sees: the code in the middle of a grey picture, as YUV4MPEG2."""
    wide, high = 640, 480
    scene = Image.new("L", (wide, high), 200)
    code = picture(text, 5).rotate(7, expand=True, fillcolor=255)
    scene.paste(code, ((wide - code.width) // 2, (high - code.height) // 2))
    frame = b"FRAME\n" + scene.tobytes() + bytes([128]) * (wide * high // 2)
    path.write_bytes(f"YUV4MPEG2 W{wide} H{high} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 10)


@pytest.fixture
def filming(
    playwright: Playwright, tmp_path: Path, site: str, small_day: SmallDay
) -> Iterator[tuple[Page, dict[str, Any]]]:
    """A phone whose camera sees the code of an invoice."""
    found = chosen(small_day)
    film(short_code(site, found), tmp_path / "seen.y4m")
    flags = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'seen.y4m'}",
    ]
    for page in page_of(playwright, tmp_path, PHONE | {"flags": flags}):
        yield page, found


@pytest.fixture
def chinese(playwright: Playwright, tmp_path: Path) -> Iterator[Page]:
    yield from page_of(playwright, tmp_path, PHONE | {"locale": "zh-CN"})


def test_what_is_typed_is_checked_here_step_by_step(phone: Page, site: str, small_day: SmallDay) -> None:
    found = chosen(small_day)
    phone.goto(site)
    phone.get_by_role("link", name="Scan a code").click()
    shoot(phone, "verify-phone", whole=True)
    fill(phone, found)
    expect(phone.locator("#answer .verdict")).to_contain_text("Valid")
    steps = phone.locator("#answer .steps li")
    expect(steps).to_have_count(9)
    expect(phone.locator("#answer .steps li.passed")).to_have_count(9)
    answer = phone.locator("#answer").inner_text()
    for words in (
        found["hash"].hex(),
        "RFC 6962",
        "Witness bureau has cosigned it",
        "Checked in this browser in",
        "What this does not show",
        yuan(found["fields"]["total_fen"]),
    ):
        assert words in answer
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(phone, "verify-phone-answer", whole=True)


def test_it_speaks_chinese(chinese: Page, site: str, small_day: SmallDay) -> None:
    page = chinese
    page.goto(f"{site}/verify")
    fill(page, chosen(small_day))
    expect(page.locator("#answer .verdict")).to_have_text("有效")
    expect(page.locator("#answer")).to_contain_text("由本浏览器查验")
    expect(page.locator("#answer")).to_contain_text("见证人 bureau 已联署")
    shoot(page, "verify-phone-chinese", whole=True)
    fill(page, chosen(small_day), amount="999.99")
    expect(page.locator("#answer .verdict")).to_contain_text("不一致")
    assert "¥" not in page.locator("#answer").inner_text()


def test_a_camera_reads_the_code(filming: tuple[Page, dict[str, Any]], site: str) -> None:
    page, found = filming
    page.goto(f"{site}/verify")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#answer .verdict")).to_contain_text("The proof holds", timeout=20_000)
    assert "/v/scan?" in page.url
    expect(page.locator("#scanned")).to_contain_text(yuan(found["fields"]["total_fen"]))
    shoot(page, "verify-camera-answer", whole=True)


def test_pictures_of_both_codes_are_read(desk: Page, site: str, small_day: SmallDay, tmp_path: Path) -> None:
    found = chosen(small_day)
    picture(large_code(site, small_day, found), 5, "L").save(tmp_path / "large.png")
    picture(short_code(site, found), 6).convert("RGB").rotate(20, expand=True, fillcolor="white").save(
        tmp_path / "short.jpeg"
    )
    Image.new("L", (300, 300), 180).save(tmp_path / "grey.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    desk.goto(f"{site}/verify")
    for name, words in (("grey.png", "No code was found"), ("broken.png", "no picture")):
        desk.set_input_files("#picture", tmp_path / name)
        expect(desk.locator("#answer")).to_contain_text(words, timeout=20_000)
    desk.set_input_files("#picture", tmp_path / "large.png")
    expect(desk.locator("#answer .verdict")).to_contain_text("The proof holds", timeout=20_000)
    shoot(desk, "verify-desk-large-code", whole=True)
    desk.set_input_files("#picture", tmp_path / "short.jpeg")
    expect(desk.locator("#scanned")).to_contain_text(yuan(found["fields"]["total_fen"]), timeout=20_000)


def test_what_is_pasted_is_told_apart(desk: Page, site: str, small_day: SmallDay) -> None:
    found = chosen(small_day)
    fields = found["fields"]
    net = f"{fields['net_fen'] // 100}.{fields['net_fen'] % 100:02d}"
    day = "".join(part.zfill(2) for part in desk.evaluate(DAY, fields["issued_at_ms"]))
    line = f"01,10,{fields['code']},{fields['number']:08d},{net},{day},{found['check_code']},"
    other = large_code("https://elsewhere.test", small_day, found)
    good = sealed_line(line)
    cases = [
        (large_code(site, small_day, found), "The proof holds", 9),
        (good, "Valid", 9),
        (sealed_line(line.replace(f",{net},", ",9999.99,")), "Mismatch", 0),
        (good.replace(fields["code"], "144032609120"), "checksum is wrong", 0),
        (other, "It leads to elsewhere.test", 0),
        ("hello", "neither an invoice's code nor a proof", 0),
        ("{}", "does not hold", 0),
    ]
    desk.goto(f"{site}/verify")
    for text, words, passed in cases:
        desk.fill("#paste textarea", text)
        desk.get_by_role("button", name="Verify").click()
        expect(desk.locator("#answer")).to_contain_text(words)
        expect(desk.locator("#answer .steps .passed")).to_have_count(passed)


DAY = "ms => new Date(ms + 8 * 3600e3).toISOString().slice(0, 10).split('-')"


def test_the_step_that_does_not_hold_is_named(desk: Page, site: str, small_day: SmallDay) -> None:
    found = chosen(small_day)
    proof = bytearray(proof_of(small_day, found))
    proof[-60] ^= 1
    desk.route("**/v1/proofs/**", lambda route: route.fulfill(body=bytes(proof)))
    desk.goto(f"{site}/verify")
    fill(desk, found)
    expect(desk.locator("#answer .verdict")).to_contain_text("does not hold")
    expect(desk.locator("#answer .steps .passed")).to_have_count(4)
    expect(desk.locator("#answer .steps .broke")).to_contain_text("The log's key")
    expect(desk.locator("#answer .steps .open")).to_have_count(1)
    assert "¥" not in desk.locator("#answer").inner_text()
    shoot(desk, "verify-desk-refused", whole=True)


def test_without_script_the_server_answers_and_says_so(
    without_script: Page, site: str, small_day: SmallDay
) -> None:
    page = without_script
    page.goto(f"{site}/verify")
    expect(page.locator("#scan")).to_be_hidden()
    fill(page, chosen(small_day))
    expect(page.locator("#answer")).to_contain_text("Checked by this server")
    expect(page.locator("#answer .steps li")).to_have_count(9)
    shoot(page, "verify-phone-without-script", whole=True)
    page.fill("#paste textarea", large_code(site, small_day, chosen(small_day)))
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#answer .verdict")).to_contain_text("The proof holds")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_answer_has_contrast(
    playwright: Playwright, tmp_path: Path, site: str, small_day: SmallDay, scheme: str
) -> None:
    for page in page_of(playwright, tmp_path, DESK | {"color_scheme": scheme}):
        page.goto(f"{site}/verify")
        fill(page, chosen(small_day))
        expect(page.locator("#answer .steps li")).to_have_count(9)
        assert page.evaluate(CONTRAST) == []
        shoot(page, f"verify-desk-{scheme}", whole=True)
