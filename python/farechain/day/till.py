"""Writes payments as a device does: one envelope, its own sequence number, the channel's transaction id."""

import random

from farechain.data import Operator
from farechain.day.curve import DAY_MS
from farechain.day.payers import Payers
from farechain.day.plan import NETWORK, TOPIC_OF_SCENE, Planned, PlannedSale, Refund, Sale, Signer

APP_CHANNELS = ("WECHAT", "ALIPAY", "UNIONPAY")
_ENVELOPE = '{"specversion":"1.0","type":"farechain.payment.v1",'
_CLOCK = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400)]


class Calendar:
    """The day: its date and its first millisecond since 1970 at +08:00."""

    def __init__(self, date: str, start_ms: int) -> None:
        self.date = date
        self.compact = date.replace("-", "")
        self.start_ms = start_ms

    def written(self, moment_ms: int) -> str:
        """RFC 3339 of a moment of the day, milliseconds since midnight; whole seconds."""
        return f"{self.date}T{_CLOCK[moment_ms // 1000]}+08:00"

    def arrival(self, moment_ms: int) -> int:
        """A moment of the day as milliseconds since 1970; nothing arrives outside the day."""
        return self.start_ms + min(max(moment_ms, 0), DAY_MS - 1)


class Transactions:
    """The channels' own transaction ids, unique in the day, in the form that each channel gives them."""

    def __init__(self, calendar: Calendar) -> None:
        self._serial = 0
        self._forms = {
            "WECHAT": f"4200002345{calendar.compact}%010d",
            "ALIPAY": f"{calendar.compact}220014%014d",
            "UNIONPAY": f"{calendar.compact}%013d",
            "CARD": f"SZT{calendar.compact}%010d",
            "CASH": f"C{calendar.compact}%010d",
        }

    def next(self, channel: str) -> str:
        """The next id of a channel."""
        self._serial += 7
        return self._forms[channel] % self._serial


class Till:
    """All devices of one operator.

    Args:
        payers: knows who paid by an app.
        known: the part of payments by an app whose payer is named.
    """

    def __init__(
        self,
        rng: random.Random,
        calendar: Calendar,
        transactions: Transactions,
        operator: Operator,
        devices: list[Signer],
        *,
        payers: Payers,
        known: float = 0.5,
    ) -> None:
        self.operator = operator
        self.devices = devices
        self._rng = rng
        self._calendar = calendar
        self._transactions = transactions
        self._payers = payers
        self._known = known
        self._topic = TOPIC_OF_SCENE[operator.scene]
        self._drafts: list[tuple[int, int, PlannedSale, str, str]] = []

    def sell(
        self,
        moment_ms: int,
        device: int,
        channel: str,
        fares_fen: tuple[int, int],
        ride: tuple[str, str],
        *,
        invoiceable_fen: int | None = None,
        topped_up: bool = False,
    ) -> PlannedSale:
        """Plans a payment or a top-up at a moment of the day, milliseconds since midnight.

        Its bytes come with ``close``, when the order of all sales of the device is known.

        Args:
            fares_fen: price and what was paid.
            ride: the JSON members of ``detail``, and the case that the manifest names.
        """
        signer = self.devices[device]
        gross_fen, paid_fen = fares_fen
        detail, case = ride
        txn_id = self._transactions.next(channel)
        rng = self._rng
        key = f"{self.operator.tax_id}|{channel}|{txn_id}".encode()
        options = "" if invoiceable_fen is None else f'"invoiceable_fen":{invoiceable_fen},'
        if channel in APP_CHANNELS and rng.random() < self._known:
            options += f'"payer":"{self._payers.commitment(key).hex()}",'
        before_sequence = (
            f'","data":{{"kind":"{"TOPPED_UP" if topped_up else "PAID"}","network":"{NETWORK}",'
            f'"seller_tax_id":"{self.operator.tax_id}","scene":"{self.operator.scene}","device_seq":'
        )
        after_sequence = (
            f',"channel":"{channel}","txn_id":"{txn_id}","gross_fen":{gross_fen},"paid_fen":{paid_fen},'
            f'{options}"paid_at":"{self._calendar.written(moment_ms)}","detail":{{{detail}}}}}}}'
        )
        arrival_ms = self._calendar.arrival(moment_ms + 80 + int(rng.random() * 900))
        sale = Sale(
            self.operator,
            key,
            topped_up,
            channel == "CARD",
            paid_fen,
            paid_fen if invoiceable_fen is None else invoiceable_fen,
            moment_ms,
        )
        planned = PlannedSale(arrival_ms, self._topic, sale.key, signer, None, case, sale)
        self._drafts.append((moment_ms, device, planned, before_sequence, after_sequence))
        return planned

    def close(self) -> None:
        """Numbers each device's sales in the order of time, from 1, and writes them."""
        sequences = [0] * len(self.devices)
        self._drafts.sort(key=lambda draft: draft[0])
        for _, device, planned, before_sequence, after_sequence in self._drafts:
            sequence = sequences[device] = sequences[device] + 1
            planned.value = (
                f'{_ENVELOPE}"source":"{planned.signer.name}","id":"{sequence}'
                f"{before_sequence}{sequence}{after_sequence}"
            ).encode()
        self._drafts.clear()


class Counter:
    """Writes refunds, as at the counter: any device of the seller may sign one."""

    def __init__(self, rng: random.Random, calendar: Calendar) -> None:
        self._rng = rng
        self._calendar = calendar
        self._serial = 0

    def arrived(self, planned: Planned) -> int:
        """The moment of the day at which an input arrives, milliseconds since midnight."""
        return planned.arrival_ms - self._calendar.start_ms

    def refund(
        self, sold: PlannedSale, moment_ms: int, refund_fen: int, case: str, refund_id: str = ""
    ) -> Planned:
        """Plans a refund of a sale that is written and arrives at this moment of the day."""
        sale = sold.fact
        self._serial += 1
        refund_id = refund_id or f"R{self._calendar.compact}{self._serial:08d}"
        _, channel, txn_id = sale.key.decode().split("|", 2)
        value = (
            f'{_ENVELOPE}"source":"{sold.signer.name}","id":"{refund_id}","data":'
            f'{{"kind":"REFUNDED","network":"{NETWORK}","seller_tax_id":"{sale.operator.tax_id}",'
            f'"channel":"{channel}","txn_id":"{txn_id}","refund_id":"{refund_id}","refund_fen":{refund_fen},'
            f'"paid_at":"{self._calendar.written(min(max(moment_ms, 0), DAY_MS - 1))}"}}}}'
        )
        fact = Refund(sale.operator, sale.key, refund_fen)
        arrival_ms = self._calendar.arrival(moment_ms)
        return Planned(arrival_ms, sold.topic, sale.key, sold.signer, value.encode(), case, fact)
