"""PAYNET, and what it knows of cards: a card's bank and prices by its first digits, and
the cards that it stores. It moves no money, and is not paced: a payer waits for it."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from emanet import policy
from emanet.cards import StoredCard
from emanet.instalments import CardBank
from emanet.outcome import Unknown
from emanet.paynet import ratios, wallet
from emanet.paynet.line import Line
from emanet.paynet.paging import every_row
from emanet.ports import Clock

KEPT_MOST = 512

Question = tuple[str, int, bool]
"""The card's first digits, kuruş, and whether the commission comes on top."""


class PaynetCards:
    """ports.Cards, for the real PAYNET and for its simulator alike."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._known = Known(line.clock)

    def bank_of(
        self, bin_: str, amount_minor: int, deadline: datetime, *, on_top: bool
    ) -> CardBank | Unknown:
        """ratio/Get; see ports.Cards."""
        question = (bin_, amount_minor, on_top)
        if known := self._known.get(question):
            return known
        request = ratios.ratio_get(bin_, amount_minor, on_top=on_top)
        answer = self._line.errand(deadline).post(ratios.RATIO_GET, request)
        if isinstance(answer, Unknown):
            return answer
        bank = ratios.read_ratio_get(answer)
        if not isinstance(bank, Unknown):
            self._known.keep(question, bank)
        return bank

    def stored(
        self, owner_id: str, deadline: datetime
    ) -> tuple[StoredCard, ...] | Unknown:
        """card/list; see ports.Cards."""
        errand = self._line.errand(deadline)
        rows = every_row(errand, wallet.CARD_LIST, wallet.card_list(owner_id))
        if isinstance(rows, Unknown):
            return rows
        return tuple(card for row in rows if (card := wallet.card_of(row)))

    def delete(
        self, owner_id: str, card_hash: str, deadline: datetime
    ) -> bool | Unknown:
        """card/delete; see ports.Cards. Sent once."""
        request = wallet.card_delete(owner_id, card_hash)
        answer = self._line.errand(deadline).post(wallet.CARD_DELETE, request)
        if isinstance(answer, Unknown):
            return answer
        return wallet.read_card_delete(answer)


class Known:
    """What PAYNET told of banks, for policy.RATIOS_KEPT_FOR; the oldest makes room.
    Threads may share it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[Question, tuple[datetime, CardBank]] = {}
        self._lock = Lock()

    def get(self, question: Question) -> CardBank | None:
        """None: nothing, or too old."""
        now = self._clock()
        with self._lock:
            until, bank = self._told.get(question, (now, None))
        return bank if now < until else None

    def keep(self, question: Question, bank: CardBank) -> None:
        until = self._clock() + policy.RATIOS_KEPT_FOR
        with self._lock:
            self._told.pop(question, None)  # told again, it is the newest
            self._told[question] = (until, bank)
            if len(self._told) > KEPT_MOST:
                del self._told[next(iter(self._told))]
