"""The reference page is what the code says, and leaves nothing out."""

import re

from farechain import cli, errors
from farechain.config import Section, Settings
from farechain.observability.metrics import Metrics
from tidy import reference
from tidy.reference import PAGE

TEXT = PAGE.read_text()


def test_the_page_is_written_from_the_code() -> None:
    assert reference.page() == TEXT, f"write it again: {reference.COMMAND}"


def test_every_verb_is_there() -> None:
    for name in cli.VERBS:
        assert f"| `{name}` | " in TEXT, name


def test_every_setting_is_there() -> None:
    """As many rows as the example has keys, those of tables that it does not show aside."""
    rows = re.findall(r"^\| `[a-z_]+` \| (?:needed|none|below|`)", TEXT[TEXT.index("## Settings") :], re.M)
    sections = [type(getattr(Settings(), name)) for name in Settings.model_fields]
    keys = sum(len(each.model_fields) for each in sections if issubclass(each, Section))
    assert len(rows) > keys


def test_every_exit_code_has_a_meaning() -> None:
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert codes <= reference.EXITS.keys()
    for code, exits in reference.raised().items():
        assert exits, f"{code}: no exit code was found"
        assert exits <= reference.EXITS.keys(), code


def test_every_metric_and_alert_is_there() -> None:
    for family in Metrics().registry.collect():
        assert f"| `{family.name}" in TEXT, family.name
    for rule in reference.rules():
        assert rule.get("alert") is None or f"| [{rule['alert']}](" in TEXT
