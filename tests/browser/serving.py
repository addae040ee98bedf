"""Serves the real application on a port of its own, and starts Chromium with a profile of its own."""

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import BrowserContext, Playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_S = 20.0


@contextlib.contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """The application over HTTP on this machine; yields its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="uvicorn", daemon=True)
    thread.start()
    deadline = time.monotonic() + START_S
    while not server.started:
        assert thread.is_alive(), "the server ended"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_S)


def chromium() -> str:
    """Where Debian's Chromium is; a test run that was asked for it fails without."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("chromium is missing: apt-get install chromium")
    return found


@contextlib.contextmanager
def browser(
    playwright: Playwright, profile: Path, flags: Sequence[str] = (), **options: object
) -> Iterator[BrowserContext]:
    """A browser with a new profile; ``options`` are the viewport and the like."""
    context = playwright.chromium.launch_persistent_context(
        str(profile),
        executable_path=chromium(),
        headless=True,
        args=[*FLAGS, *flags],
        **options,  # type: ignore[arg-type]
    )
    try:
        yield context
    finally:
        context.close()
