"""Checks the files that a configuration names, before anything is started."""

import os

from farechain import _core, keys
from farechain.config import Settings
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.service import opening


def check_files(settings: Settings) -> None:
    """Reads every key and secret, and sees whether the ledger's directory can be written.

    Raises:
        FarechainError: the first file that cannot be used.
    """
    keys.read_public_key(settings.ledger.bureau_key_file)
    if settings.public_log.key_file.exists():
        keys.read_key(settings.public_log.key_file)
    if settings.private.key_file.exists():
        keys.read_key(settings.private.key_file)
    if settings.private.attest_key_file is not None:
        keys.read_key(settings.private.attest_key_file)
    opening.security_of(settings.kafka)
    if settings.source.kind == "spool" and not settings.source.directory.is_dir():
        message = f"source.directory {settings.source.directory} is no directory: create it, or correct it"
        raise FarechainError("E_CONFIG", message, EXIT_USAGE)
    for member in settings.witnesses.members:
        try:
            _core.open_note("", [member.vkey])
        except ValueError as error:
            if str(error).startswith("verifier key"):
                raise FarechainError(
                    "E_CONFIG", f"witness {member.name}: vkey: {error}", EXIT_USAGE
                ) from error
    place = settings.ledger.path
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK):
        message = f"ledger.path: {place} cannot be written: give it to this user, or name another directory"
        raise FarechainError("E_CONFIG", message, EXIT_USAGE)
