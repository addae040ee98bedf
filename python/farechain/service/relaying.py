"""The relays of a service: receipts and dead letters to the topics of ``[outputs]``."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from farechain._core import Ledger
from farechain.config import Settings
from farechain.pipeline.relay import Position, Relay, receipts_of
from farechain.service import opening


async def open_relays(
    settings: Settings,
    ledger: Ledger,
    stack: AsyncExitStack,
    *,
    busy: Callable[[], bool],
    on_trouble: Callable[[str], None],
) -> dict[str, Relay]:
    """By topic; none where outputs are off. What they send by is closed with ``stack``.

    Raises:
        FarechainError: the broker does not answer, or refuses; the line says what to change.
    """
    outputs = settings.outputs
    if not outputs.enabled:
        return {}
    producer = await opening.open_producer(settings)
    stack.push_async_callback(producer.stop)
    views = {
        outputs.receipts: ("receipts", receipts_of(ledger)),
        outputs.dead_letters: ("dead-letters", ledger.dead_letters),
    }
    return {
        topic: Relay(
            ledger,
            fetch,
            producer,
            topic,
            Position(settings.state_dir / f"{name}.json"),
            busy=busy,
            on_trouble=on_trouble,
        )
        for topic, (name, fetch) in views.items()
    }
