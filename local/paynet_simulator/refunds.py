"""reversed_request as PAYNET keeps it: whole on the sale's own day, never more than was
captured, accepted first and decided later. It has no idempotence: a repeat is another
refund. Whoever calls holds the ledger's lock."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from local.paynet_simulator import wire
from local.paynet_simulator.ledger import Ledger, reversal_details
from local.paynet_simulator.records import Escrow, Transaction, new_xact_id
from local.paynet_simulator.settings import RefundWay


class Asked(StrEnum):
    """What a reversed_request came to."""

    ACCEPTED = "accepted"
    UNKNOWN = "unknown transaction"
    NO_SALE = "not a paid sale"
    BEYOND = "more than is left of it"
    SAME_DAY = "a part, on the sale's own day"
    HELD = "held in escrow"
    RELEASED = "released from escrow"


class RefundState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"


class RefundCalls(NamedTuple):
    """Of one sale: reversed_requests that were understood, and refunds made of them."""

    arrived: int
    executed: int


@dataclass
class Refund:
    """One that was accepted; `due_at_s` None waits for a hand, or for ever."""

    number: int
    sale: Transaction
    amount_minor: int
    asked_at_s: float
    succeed_url: str = field(repr=False)
    way: RefundWay
    due_at_s: float | None
    state: RefundState = RefundState.OPEN
    reversal_xact_id: str = field(default_factory=new_xact_id)

    def as_row(self) -> Transaction:
        """How a refund without a reversal may stand in the list of reversals."""
        return Transaction(
            number=self.number,
            xact_id=self.reversal_xact_id,
            reference_no=self.sale.reference_no,
            amount_minor=self.amount_minor,
            succeeded=False,
            at_s=self.asked_at_s,
            **reversal_details(self.sale, self.asked_at_s),
        )


class Refunds:
    def __init__(self, ledger: Ledger, announce: Callable[[Refund], None]) -> None:
        self._ledger = ledger
        self._announce = announce
        self._arrived: Counter[str] = Counter()
        self._accepted: list[Refund] = []

    def __repr__(self) -> str:
        return f"Refunds({self._accepted!r})"

    def request(self, xact_id: str, amount_minor: int, succeed_url: str) -> Asked:
        """`amount_minor` 0 asks for all that is left."""
        self._arrived[xact_id] += 1
        sale = self._ledger.row(xact_id)
        if sale is None or sale.forgotten:
            return Asked.UNKNOWN
        wanted_minor = amount_minor or self.left_minor(sale)
        asked = self._judged(sale, wanted_minor)
        if asked is Asked.ACCEPTED:
            self._accept(sale, wanted_minor, succeed_url)
            self.catch_up()
        return asked

    def catch_up(self) -> None:
        """Every verdict whose moment has come falls, dated at that moment."""
        now_s = self._ledger.now()
        for refund in self._open():
            if refund.due_at_s is not None and refund.due_at_s <= now_s:
                self._decide(refund, refund.way == "auto", refund.due_at_s)

    def decide(self, number: int, *, approve: bool) -> bool:
        """By hand; False when it is decided already or shall never be."""
        refund = next((it for it in self._open() if it.number == number), None)
        if refund is None or refund.way == "never":
            return False
        self._decide(refund, approve, self._ledger.now())
        return True

    def left_minor(self, sale: Transaction) -> int:
        """Captured, less what went back and what was accepted to go back."""
        promised = sum(it.amount_minor for it in self._open() if it.sale is sale)
        return sale.amount_minor - self._ledger.given_back_minor(sale) - promised

    def calls(self, xact_id: str) -> RefundCalls:
        executed = sum(it.state is RefundState.APPROVED for it in self.of(xact_id))
        return RefundCalls(self._arrived[xact_id], executed)

    def of(self, xact_id: str | None = None) -> list[Refund]:
        return [it for it in self._accepted if xact_id in {None, it.sale.xact_id}]

    def clear(self) -> None:
        self._arrived.clear()
        self._accepted.clear()

    def _open(self) -> list[Refund]:
        return [it for it in self._accepted if it.state is RefundState.OPEN]

    def _judged(self, sale: Transaction, wanted_minor: int) -> Asked:
        if not sale.is_sale:
            return Asked.NO_SALE
        if not 0 < wanted_minor <= self.left_minor(sale):
            return Asked.BEYOND
        today = wire.day(self._ledger.now()) == wire.day(sale.at_s)
        if today and wanted_minor != sale.amount_minor:
            return Asked.SAME_DAY
        return self._allowed_by_escrow(sale)

    def _allowed_by_escrow(self, sale: Transaction) -> Asked:
        settings = self._ledger.settings
        if sale.escrow is Escrow.HELD and settings.escrow_refund == "refused":
            return Asked.HELD
        released = sale.escrow is Escrow.APPROVED
        if released and settings.escrow_refund_released == "refused":
            return Asked.RELEASED
        return Asked.ACCEPTED

    def _accept(self, sale: Transaction, amount_minor: int, succeed_url: str) -> None:
        settings, now_s = self._ledger.settings, self._ledger.now()
        by_itself = settings.refunds in {"auto", "deny"}
        refund = Refund(
            number=len(self._accepted) + 1,
            sale=sale,
            amount_minor=amount_minor,
            asked_at_s=now_s,
            succeed_url=succeed_url,
            way=settings.refunds,
            due_at_s=now_s + settings.refund_delay_s if by_itself else None,
        )
        self._accepted.append(refund)

    def _decide(self, refund: Refund, approve: bool, at_s: float) -> None:
        refund.state = RefundState.APPROVED if approve else RefundState.DENIED
        if approve:
            self._ledger.give_back(
                refund.sale,
                refund.amount_minor,
                asked_at_s=refund.asked_at_s,
                at_s=at_s,
                xact_id=refund.reversal_xact_id,
            )
        self._announce(refund)


def refund_view(refund: Refund) -> dict[str, Any]:
    """Without succeedUrl: its path is a secret."""
    executed = refund.state is RefundState.APPROVED
    return {
        "id": refund.number,
        "xact_id": refund.sale.xact_id,
        "reference_no": refund.sale.reference_no,
        "amount_minor": refund.amount_minor,
        "asked_at_s": refund.asked_at_s,
        "due_at_s": refund.due_at_s,
        "state": refund.state,
        "reversal_xact_id": refund.reversal_xact_id if executed else None,
    }
