"""Configuration: what is read equals what was written, and every mistake names its key."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from farechain.config import Settings
from farechain.config.section import Section
from farechain.config_file import load, to_toml
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.service.opening import keeping_of

WITNESS = (
    '{name = "bureau.example/w1", url = "http://127.0.0.1:9101", vkey = "bureau.example/w1+00000000+AAAA"}'
)


OIDC = """[pages.oidc]
issuer = "https://id.test/staff"
client_id = "farechain"
secret_file = "oidc.secret"
roles = ["REIMBURSER", "AUDITOR"]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "farechain.toml"
    path.write_text(text)
    return path


def mistake(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(FarechainError) as raised:
        load(written(tmp_path, text), environ or {})
    assert raised.value.code == "E_CONFIG"
    assert raised.value.exit_code == EXIT_USAGE
    assert "\n" not in raised.value.message
    return raised.value.message


@pytest.mark.parametrize("explained", [False, True])
def test_what_was_written_is_read_back(tmp_path: Path, explained: bool) -> None:
    text = f'[witnesses]\nthreshold = 1\nmembers = [{WITNESS}]\n[kafka]\nca_file = "ca.pem"\n'
    settings = load(written(tmp_path, text), {})
    copy = tmp_path / "copy.toml"
    copy.write_text(to_toml(settings, explained=explained))
    assert load(copy, {}) == settings


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ""), {})
    assert settings.blocks == Settings().blocks
    assert (settings.blocks.max_inputs, settings.blocks.max_age_ms) == (8192, 200)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = load(written(tmp_path, '[ledger]\npath = "books"\nbureau_key_file = "/etc/bureau.pub"\n'), {})
    assert settings.ledger.path == tmp_path / "books"
    assert settings.public_dir == tmp_path / "books" / "public"
    assert settings.ledger.bureau_key_file == Path("/etc/bureau.pub")


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    environ = {
        "FARECHAIN_API_PORT": "8801",
        "FARECHAIN_PUBLIC_LOG_KEY_FILE": "secret.key",
        "FARECHAIN_DEMONSTRATION": "false",
        "FARECHAIN_SOURCE_FIRST": "[]",
        "FARECHAIN_KAFKA_SASL_USERNAME": "1234",
        "FARECHAIN_SOMETHING_ELSE": "is not a setting",
    }
    settings = load(written(tmp_path, "[api]\nport = 8800\n"), environ)
    assert settings.api.port == 8801
    assert settings.public_log.key_file == tmp_path / "secret.key"
    assert not settings.demonstration
    assert settings.source.first == ()
    assert settings.kafka.sasl_username == "1234"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[blocks]\nmax_inputs = 0\n", "blocks.max_inputs is 0: must be greater than or equal to 1"),
        ('[blocks]\nmax_inputs = "8192"\n', "blocks.max_inputs is '8192': must be a valid integer"),
        ("[blocks]\nmax_input = 1\n", "blocks.max_input: there is no such setting"),
        ('[source]\nkind = "file"\n', "source.kind is 'file': must be 'kafka' or 'spool'"),
        ('[source]\nfirst = ["nosuch"]\n', "source: nosuch in `first` is not among the topics"),
        ("[source]\ntopics = []\n", "source.topics"),
        ('[kafka]\nprotocol = "SASL_SSL"\n', "kafka: SASL needs sasl_username and sasl_password_file"),
        ("[witnesses]\nthreshold = 1\n", "witnesses: threshold is 1 but there are 0 members"),
        ('[[witnesses.members]]\nname = "w"\n', "witnesses.members.0.url: is missing"),
        (
            OIDC.replace("https:", "http:"),
            "pages.oidc: issuer must be https",
        ),
        (
            OIDC.replace("AUDITOR", "DEVICE"),
            "pages.oidc.roles.1 is 'DEVICE'",
        ),
        ('[ledger]\nchain = "has space"\n', "ledger.chain is 'has space'"),
        ("blocks = 1\n", "blocks is 1"),
        ("[blocks\n", "is not TOML"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(tmp_path: Path, text: str, told: str) -> None:
    assert told in mistake(tmp_path, text)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    message = mistake(tmp_path, "", {"FARECHAIN_API_PORTS": "1"})
    assert "FARECHAIN_API_PORTS: api has no ports; it has host, port" in message
    message = mistake(tmp_path, "", {"FARECHAIN_API_PORT": "http"})
    assert "FARECHAIN_API_PORT" in message
    assert "api.port is 'http'" in message


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FarechainError, match="--config"):
        load(tmp_path / "none.toml", {})


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().blocks.max_inputs = 1


def test_every_setting_is_explained() -> None:
    unexplained = [
        f"{kind.__name__}.{name}"
        for kind in Section.__subclasses__()
        for name, field in kind.model_fields.items()
        if not field.description
        and not (isinstance(field.annotation, type) and issubclass(field.annotation, Section))
    ]
    assert unexplained == []


def test_a_provider_is_a_table_of_its_own_and_its_secret_is_kept(tmp_path: Path) -> None:
    settings = load(written(tmp_path, OIDC), {})
    again = load(written(tmp_path, to_toml(settings)), {})
    assert again.pages == settings.pages
    secret = tmp_path / "oidc.secret"
    secret.write_text("secret\n")
    secret.chmod(0o644)
    with pytest.raises(FarechainError, match="chmod 600"):
        keeping_of(settings)
    secret.chmod(0o600)
    terms = keeping_of(settings).oidc
    assert terms is not None
    assert (terms.secret, terms.session_hours) == ("secret", 8)
    assert terms.redirect_url == "http://127.0.0.1:8800/login/oidc/done"
    secret.unlink()
    with pytest.raises(FarechainError, match=r"oidc\.secret"):
        keeping_of(settings)
