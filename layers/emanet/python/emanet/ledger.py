"""Double-entry books, derived from an escrow's history and from nothing else. Each line
of history says by how much it moved a few sums (`facts`); each sum has one pair of
accounts (`PAIRS`), so that every posting balances and the trial balance of a currency
is zero. All amounts are kuruş.

    captured ─▶ escrow_liability ─▶ payee_payable (released) ─▶ platform_revenue (fee)
    paynet_receivable: what PAYNET owes us, less its fee, less what went back
    instalment_surcharge: what payers paid for instalments; it meets PAYNET's higher fee
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from emanet.escrow import (
    Capture,
    CaptureStatus,
    ChargebackStatus,
    Escrow,
    Settlement,
    SettlementKind,
    SettlementStatus,
)
from emanet.money import CURRENCY


class Account(StrEnum):
    """Where money is, or went. The liability is kept per escrow, the payable per
    payee."""

    PAYNET_RECEIVABLE = "paynet_receivable"
    ESCROW_LIABILITY = "escrow_liability"
    PAYEE_PAYABLE = "payee_payable"
    PLATFORM_REVENUE = "platform_revenue"
    PAYNET_COMMISSION = "paynet_commission"
    PAYNET_COMMISSION_TAX = "paynet_commission_tax"
    REFUND_LOSS = "refund_loss"
    CHARGEBACK_LOSS = "chargeback_loss"
    INSTALMENT_SURCHARGE = "instalment_surcharge"
    SUSPENSE = "suspense"


_A = Account

# sum → (debited, credited) when it grows; the other way round when it shrinks
PAIRS: Mapping[str, tuple[Account, Account]] = {
    "captured": (_A.PAYNET_RECEIVABLE, _A.ESCROW_LIABILITY),
    "surcharge": (_A.PAYNET_RECEIVABLE, _A.INSTALMENT_SURCHARGE),
    "suspense": (_A.PAYNET_RECEIVABLE, _A.SUSPENSE),
    "commission": (_A.PAYNET_COMMISSION, _A.PAYNET_RECEIVABLE),
    "commission_tax": (_A.PAYNET_COMMISSION_TAX, _A.PAYNET_RECEIVABLE),
    "released": (_A.ESCROW_LIABILITY, _A.PAYEE_PAYABLE),
    "fee": (_A.PAYEE_PAYABLE, _A.PLATFORM_REVENUE),
    "refunded": (_A.ESCROW_LIABILITY, _A.PAYNET_RECEIVABLE),
    "commission_lost": (_A.REFUND_LOSS, _A.PAYNET_COMMISSION),
    "commission_tax_lost": (_A.REFUND_LOSS, _A.PAYNET_COMMISSION_TAX),
    "charged_back": (_A.ESCROW_LIABILITY, _A.PAYNET_RECEIVABLE),
    "chargeback_loss": (_A.CHARGEBACK_LOSS, _A.PAYNET_RECEIVABLE),
}


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount_minor` kuruş from the credited account to the debited one, because of one
    line of an escrow's history."""

    escrow_id: str
    seq: int
    at: datetime
    transition: str
    debit: str
    credit: str
    amount_minor: int
    currency: str = CURRENCY


# ── the sums of one escrow ───────────────────────────────────────────────────


def facts(escrow: Escrow) -> dict[str, int]:
    """Every sum that the ledger knows, as it stands; zero sums are left out."""
    sums = escrow.balances
    known = {
        "captured": sums.captured,
        "released": sums.released,
        "refunded": sums.refunded,
        "charged_back": sums.charged_back,
        "fee": _fee_minor(escrow),
        "surcharge": escrow.surcharge_minor - escrow.surcharge_back_minor,
        "suspense": sum(map(_in_suspense, escrow.captures)),
        "chargeback_loss": _chargeback_loss(escrow),
    }
    return {name: minor for name, minor in (known | _paynets(escrow)).items() if minor}


def change(before: Escrow, after: Escrow) -> dict[str, int]:
    """By how much each sum moved; nothing for those that did not."""
    old, new = facts(before), facts(after)
    moved = {name: new.get(name, 0) - old.get(name, 0) for name in PAIRS}
    return {name: minor for name, minor in moved.items() if minor}


def _fee_minor(escrow: Escrow) -> int:
    """The platform's fee is earned with the release, in proportion, rounded down; a
    whole release earns all of it."""
    return escrow.fee_minor * escrow.balances.released // escrow.amount_minor


def _in_suspense(capture: Capture) -> int:
    """Taken by PAYNET, and nobody's yet: neither held nor given back."""
    given_back = capture.is_reversed or _is_done(capture.refund)
    if capture.status is CaptureStatus.FUNDS or given_back:
        return 0
    return capture.amount_minor or 0


def _is_done(refund: Settlement | None) -> bool:
    return refund is not None and refund.status is SettlementStatus.DONE


def _chargeback_loss(escrow: Escrow) -> int:
    lost = escrow.chargeback and escrow.chargeback.status is ChargebackStatus.LOST
    return escrow.chargeback.loss_minor if escrow.chargeback and lost else 0


def _paynets(escrow: Escrow) -> dict[str, int]:
    """PAYNET's fee on every capture, and how much of it refunds made a loss."""
    sums: Counter[str] = Counter()
    for capture in escrow.captures:
        fee = capture.commission_minor or 0
        tax = capture.commission_tax_minor or 0
        refunded, back = _refunded(escrow, capture)
        of = capture.amount_minor or 1
        # what PAYNET gave back of the fee is no longer our cost; the rest is a loss
        fee_share, tax_share = fee * refunded // of, tax * refunded // of
        tax_back = min(tax_share, back * tax // (fee + tax or 1))
        fee_back = min(fee_share, back - tax_back)
        sums["commission"] += fee - fee_back
        sums["commission_tax"] += tax - tax_back
        sums["commission_lost"] += fee_share - fee_back
        sums["commission_tax_lost"] += tax_share - tax_back
    return dict(sums)


def _refunded(escrow: Escrow, capture: Capture) -> tuple[int, int]:
    """Of this capture: kuruş given back, and how much of its fee PAYNET gave back."""
    if capture.status is CaptureStatus.FUNDS:
        done = [s for s in escrow.settlements if _is_refund_done(s)]
        back = sum(s.commission_back_minor for s in done)
        return escrow.balances.refunded + escrow.surcharge_back_minor, back
    refund = capture.refund
    if refund is None or not _is_done(refund):
        return 0, 0
    return refund.amount_minor, refund.commission_back_minor


def _is_refund_done(settlement: Settlement) -> bool:
    return settlement.kind is SettlementKind.REFUND and _is_done(settlement)


# ── postings ─────────────────────────────────────────────────────────────────


def postings(escrow: Escrow) -> Iterator[Posting]:
    """What the history makes of the accounts, in its order."""
    for entry in escrow.history:
        for name, minor in entry.money.items():
            debit, credit = PAIRS[name]
            if minor < 0:
                debit, credit = credit, debit
            yield Posting(
                escrow_id=escrow.id,
                seq=entry.seq,
                at=entry.at,
                transition=entry.transition,
                debit=_named(debit, escrow),
                credit=_named(credit, escrow),
                amount_minor=abs(minor),
            )


def _named(account: Account, escrow: Escrow) -> str:
    """`escrow_liability:<escrow>` and `payee_payable:<payee>`; the rest as it is."""
    whose = {_A.ESCROW_LIABILITY: escrow.id, _A.PAYEE_PAYABLE: escrow.payee.id}
    return f"{account}:{whose[account]}" if account in whose else str(account)


def balances(of: Iterable[Posting]) -> dict[str, dict[str, int]]:
    """Currency → account → debits less credits, in kuruş."""
    sums: dict[str, Counter[str]] = {}
    for posting in of:
        accounts = sums.setdefault(posting.currency, Counter())
        accounts[posting.debit] += posting.amount_minor
        accounts[posting.credit] -= posting.amount_minor
    return {currency: dict(accounts) for currency, accounts in sums.items()}


def trial_balance(of: Iterable[Posting]) -> dict[str, int]:
    """Currency → sum over all accounts: zero, or the books are wrong."""
    return {
        currency: sum(accounts.values()) for currency, accounts in balances(of).items()
    }
