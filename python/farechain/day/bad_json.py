"""Hostile bytes: what a strict JSON reader refuses, each correctly signed."""

from collections.abc import Callable

Change = Callable[[bytes], bytes]


def _in_envelope(json: bytes) -> Change:
    """Adds a member to the envelope (a CloudEvents extension attribute)."""
    return lambda value: b"{" + json + b"," + value[1:]


def _in_data(json: bytes) -> Change:
    return lambda value: value.replace(b'"data":{', b'"data":{' + json + b",", 1)


BAD_JSON: tuple[tuple[str, str, Change], ...] = (
    ("the same member twice", "E_SCHEMA", _in_data(b'"network":"shenzhen"')),
    ("the same member twice, once escaped", "E_SCHEMA", _in_data(b'"net\\u0077ork":"shenzhen"')),
    ("the same member twice in the envelope", "E_SCHEMA", _in_envelope(b'"specversion":"1.0"')),
    ("33 levels", "E_DEPTH", _in_envelope(b'"x":' + b"[" * 32 + b"]" * 32)),
    ("ten thousand levels", "E_DEPTH", lambda _: b'{"a":' * 10_000),
    ("NaN", "E_SCHEMA", _in_envelope(b'"x":NaN')),
    ("a lone surrogate", "E_SCHEMA", _in_envelope(b'"x":"\\ud800"')),
    ("a byte order mark", "E_SCHEMA", lambda value: b"\xef\xbb\xbf" + value),
    ("cut short", "E_SCHEMA", lambda value: value[:-40]),
    ("not UTF-8", "E_SCHEMA", _in_envelope(b'"x":"\xff\xfe"')),
    ("an overlong encoding", "E_SCHEMA", _in_envelope(b'"x":"\xc0\xaf"')),
    ("70 KiB", "E_SIZE", _in_envelope(b'"x":"' + b"a" * 70 * 1024 + b'"')),
    ("something behind the end", "E_SCHEMA", lambda value: value + b"{}"),
    ("a raw control character", "E_SCHEMA", _in_envelope(b'"x":"\t"')),
    ("a comment", "E_SCHEMA", lambda value: value + b"/* paid */"),
    ("a leading zero", "E_SCHEMA", _in_envelope(b'"x":01')),
    ("an object as attribute", "E_SCHEMA", _in_envelope(b'"x":{}')),
    ("not an object", "E_SCHEMA", lambda value: b"[" + value + b"]"),
    ("nothing at all", "E_SCHEMA", lambda _: b""),
    ("data in base64", "E_SCHEMA", _in_envelope(b'"data_base64":"e30="')),
    ("type of another version", "E_SCHEMA", lambda value: value.replace(b"payment.v1", b"payment.v9", 1)),
    ("other content type", "E_SCHEMA", _in_envelope(b'"datacontenttype":"text/xml"')),
)  # fmt: skip
"""(case, code, change)."""
