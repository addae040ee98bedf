"""What a title may say, and what no title may."""

import re
import unicodedata

import pytest

from farechain.private.titles import TitleError, check_title

EMOJI = re.compile(r"[\U0001F300-\U0001FAFF\U0001F1E6-\U0001F1FF☎☺☀✂✈❤⌚⏰⭐⚡♥©®™‼⁉〽㊗㊙Ⓜ]")


@pytest.mark.parametrize(
    "text",
    [
        "深圳市地铁集团有限公司",
        "A&B (Shenzhen) Co., Ltd.",
        "上海“三·一”贸易有限公司①",
        "阿卜杜热伊木·买买提",
        "㐂山𠀀石䶮䲜餐饮店",
        "ཀྲུང་གོ་བོད",
        "شىنجاڭ ئاپتونوم رايونى",
        "Ñandú Åland Ltd",
        "ＡＢＣ　株式会社",
        "名" * 50,
        "a" * 100,
        "𠀀" * 25,
        "5",
    ],
)
def test_names_of_people_and_organisations_are_titles(text: str) -> None:
    check_title(text)


@pytest.mark.parametrize("text", ["", " ", "\u3000 ", "\t\n"])
def test_a_title_says_something(text: str) -> None:
    with pytest.raises(TitleError) as refused:
        check_title(text)
    assert refused.value.code == "E_TITLE_REQUIRED"


@pytest.mark.parametrize(
    "text",
    [
        "名" * 50 + "a",
        "a" * 101,
        "𠀀" * 26,
        " 前有空格",
        "后有空格\u3000",
        "a\u00a0b",
        "a\u2009b",
        "a\nb",
        "a\0b",
        "a\x7fb",
        "a\u0085b",
        "a\u2028b",
        "a\u202eb",
        "a\u2066b",
        "a\u200fb",
        "a\u200bb",
        "a\u200db",
        "a\ufeffb",
        "a\u00adb",
        "a\u034fb",
        "a\u3164b",
        "a\uffa0b",
        "a\u2800b",
        "a\ufe0fb",
        "葛\U000e0100城",
        "a<b",
        "a>b",
        "a\ud800b",
        "a\ue000b",
        "a\u0378b",
        "e\u0301",
        "\u0301e",
        "q" + "\u0307" * 5,
        "か\u3099",
        "\u212b",
        "地铁🚇",
        "1\ufe0f\u20e3",
        "1\u20e3",
        "👨\u200d👩",
        "🇨🇳",
        "❤",
        "™",
        "𝐀公司",
        "ﬁn",
        "ｶﾅ",
        "a‧b",
    ],
)
def test_what_cannot_be_seen_compared_or_printed_is_no_title(text: str) -> None:
    with pytest.raises(TitleError) as refused:
        check_title(text)
    assert refused.value.code == "E_TITLE_CHARS"
    assert text not in refused.value.message


def is_title(text: str) -> bool:
    try:
        check_title(text)
    except TitleError:
        return False
    return True


def test_no_control_and_no_emoji_of_the_planes_with_signs_passes() -> None:
    for number in (*range(0x20000), *range(0xE0000, 0xE1000)):
        character = chr(number)
        if unicodedata.category(character)[0] == "C" or EMOJI.fullmatch(character):
            assert not is_title(f"a{character}b"), f"U+{number:04X}"
