"""Where backups go: a directory, or a bucket of a store that speaks S3. Both keep whole objects under names.

What ``put`` has returned from is durable: the directory syncs file and name, an S3 store answers after it has
stored. No object is ever changed: its name has its digest.
"""

import ipaddress
import os
import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from farechain.errors import EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_S3 = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
_DRAFTS = ".new"


class Target(Protocol):
    """Objects by name: a folder, a slash, and a name without one."""

    def put(self, name: str, content: bytes | memoryview) -> None:
        """Stores an object; it is there whole and durably on return, or not at all."""

    def get(self, name: str) -> bytes:
        """An object's bytes. Raises ``FarechainError`` (``E_BACKUP_DAMAGED``) where it is not there."""

    def sizes(self, folder: str) -> dict[str, int]:
        """The objects of a folder: bytes by name (with the folder)."""

    def remove(self, names: Iterable[str]) -> None:
        """Removes objects; those that are not there are no error."""


class DirectoryTarget:
    """A directory, readable by its owner alone. ``E_BACKUP_TARGET`` where it cannot be made or read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, name: str, content: bytes | memoryview) -> None:
        """Written under another name, synced, renamed, its directory synced."""
        final, drafts = self._path / name, self._path / _DRAFTS
        for directory in (self._path, drafts, final.parent):
            _make_directory(directory)
        draft = drafts / secrets.token_hex(8)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb", buffering=0) as file:
            view = memoryview(content)
            while view:
                view = view[file.write(view) :]
            os.fsync(handle)
        draft.rename(final)
        sync_directory(final.parent)

    def get(self, name: str) -> bytes:
        """The file's bytes."""
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError as error:
            raise missing(name) from error

    def sizes(self, folder: str) -> dict[str, int]:
        """Files of a folder; none where there is no such directory."""
        try:
            with os.scandir(self._path / folder) as entries:
                return {f"{folder}/{one.name}": one.stat().st_size for one in entries if one.is_file()}
        except FileNotFoundError:
            return {}

    def remove(self, names: Iterable[str]) -> None:
        """Removes files, and whatever a backup that was cut short was writing."""
        for name in names:
            (self._path / name).unlink(missing_ok=True)
        shutil.rmtree(self._path / _DRAFTS, ignore_errors=True)


class S3Target:
    """A bucket, through obstore. Endpoint, region and credentials come from ``AWS_*`` in the environment.

    Args:
        prefix: put before every name.
        plain_http: take an endpoint without TLS that is not on this machine.

    Raises:
        FarechainError: ``E_EXTRA`` without obstore; ``E_BACKUP_TARGET`` for such an endpoint, or, from the
            methods, where the store refuses or does not answer.
    """

    def __init__(self, bucket: str, prefix: str, *, plain_http: bool) -> None:
        endpoints = [urlsplit(os.environ[name]) for name in ENDPOINTS if os.environ.get(name)]
        for endpoint in endpoints:
            safe = endpoint.scheme == "https" or plain_http or _is_loopback(endpoint.hostname or "")
            if not safe or endpoint.scheme not in {"http", "https"}:
                message = f"{endpoint.geturl()} has no TLS: use https, or say --plain-http and mean it"
                raise FarechainError("E_BACKUP_TARGET", message, EXIT_USAGE)
        try:
            import obstore
            from obstore.exceptions import BaseError
            from obstore.store import S3Store
        except ModuleNotFoundError as error:
            message = f"{error.name} is not installed: `pip install 'farechain[backup]'`"
            raise FarechainError("E_EXTRA", message, EXIT_USAGE) from error
        self._errors: tuple[type[Exception], ...] = (BaseError, OSError)
        self._obstore: Any = obstore
        options = {"allow_http": any(endpoint.scheme == "http" for endpoint in endpoints)}
        self._store = S3Store(bucket, prefix=prefix or None, client_options=options)  # type: ignore[arg-type]

    def put(self, name: str, content: bytes | memoryview) -> None:
        """One atomic upload, in parts where it is large."""
        try:
            self._obstore.put(self._store, name, memoryview(content))
        except self._errors as error:
            raise _refused(name, error) from error

    def get(self, name: str) -> bytes:
        """The object's bytes."""
        try:
            return bytes(self._obstore.get(self._store, name).bytes())
        except FileNotFoundError as error:
            raise missing(name) from error
        except self._errors as error:
            raise _refused(name, error) from error

    def sizes(self, folder: str) -> dict[str, int]:
        """What is below ``folder/``."""
        try:
            pages = self._obstore.list(self._store, folder)
            return {one["path"]: one["size"] for page in pages for one in page}
        except self._errors as error:
            raise _refused(folder, error) from error

    def remove(self, names: Iterable[str]) -> None:
        """Removes objects, many in a request."""
        listed = list(names)
        try:
            if listed:
                self._obstore.delete(self._store, listed)
        except FileNotFoundError:
            return
        except self._errors as error:
            raise _refused(listed[0], error) from error


def open_target(text: str, *, plain_http: bool = False) -> Target:
    """The target that an operator named: ``s3://bucket/prefix``, or a directory.

    Raises:
        FarechainError: ``E_BACKUP_TARGET``, ``E_EXTRA``.
    """
    if "://" not in text:
        return DirectoryTarget(Path(text))
    matched = _S3.fullmatch(text)
    if matched is None:
        message = f"{text} is no target: a directory, or s3://bucket/prefix"
        raise FarechainError("E_BACKUP_TARGET", message, EXIT_USAGE)
    return S3Target(matched[1], (matched[2] or "").strip("/"), plain_http=plain_http)


def missing(name: str) -> FarechainError:
    """The error for an object that a manifest names and that is not there."""
    return FarechainError("E_BACKUP_DAMAGED", f"{name} is not in the target any more: take another backup")


def sync_directory(path: Path) -> None:
    """Makes the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return
    sync_directory(path.parent)


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address in ipaddress.ip_network("127.0.0.0/8")


def _refused(name: str, error: Exception) -> FarechainError:
    first = str(error).split("\n", 1)[0][:300]
    return FarechainError("E_BACKUP_TARGET", f"{name}: {first}", EXIT_UNAVAILABLE)
