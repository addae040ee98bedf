"""What systemd is told by a unit of ``Type=notify``: that the process is up, what it does, that it gets on.

The protocol is a datagram of ``NAME=VALUE`` lines to the socket in ``NOTIFY_SOCKET`` (sd_notify(3)). Without
one nothing is sent.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping

PINGS_PER_TIMEOUT = 3


class Supervisor:
    """The process's supervisor, as its environment names it.

    Args:
        environment: with ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID`` where there is one.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        timeout_us = environment.get("WATCHDOG_USEC", "0") if meant and self._address else "0"
        self.ping_s = int(timeout_us) / 1e6 / PINGS_PER_TIMEOUT if timeout_us.isdecimal() else 0.0
        """Seconds between two signs of life; 0 where none is wanted."""

    def tell(self, **fields: str) -> None:
        """Sends fields such as ``READY="1"``; a supervisor that is away is no reason to stop."""
        if not self._address:
            return
        text = "\n".join(f"{name}={' '.join(value.split())}" for name, value in fields.items())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.setblocking(False)  # a full queue must not hold up the event loop
            try:
                out.sendto(text.encode(), self._address)
            except OSError:
                return

    async def watch(self, progress: Callable[[], object | None]) -> None:
        """Gives a sign of life as often as it is wanted, while there is progress. Ends at once where none is.

        Args:
            progress: something that differs from last time if the work has got on since; None where there is
                nothing to get on with (a standby, an opening ledger), so that a running event loop is enough.
        """
        last: object | None = None
        while self.ping_s > 0:
            now = progress()
            if now is None or now != last:
                self.tell(WATCHDOG="1")
            last = now
            await asyncio.sleep(self.ping_s)
