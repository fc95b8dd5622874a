"""The reference model's rules: who may, from where, and only if; and what finds itself
done already. One table, by the words of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.reference_clock import NO
from tests.simulation.reference_paynet import DAY, Order

if TYPE_CHECKING:
    from tests.simulation.reference import Reference

UNSENT = ("scheduled", "suspended")
SEEN_TO = frozenset({"settlement_denied", "delivery_unconfirmed", "silent"})
RESERVING = (*UNSENT, "sent", "unknown")

Guard = Callable[["Reference", str], bool]
OPS, CAPTURED = "operations", "held disputed review releasing refunding"
CAPTURED += " released refunded split"
ANY = f"created authenticating {CAPTURED} cancelled expired"


def always(_: Reference, _choice: str) -> bool:
    return True


def never(_: Reference, _choice: str) -> bool:
    return False


def _affordable(m: Reference, choice: str) -> bool:
    return bool(0 < m.wish(choice) <= m.available)


def _goods_may_move(m: Reference, _: str) -> bool:
    return bool(not m.parcel and not m.is_delivered and m.available > 0)


def _may_dispute(m: Reference, _: str) -> bool:
    over = m.now >= m.clocks.get("inspection_by", m.now + DAY)
    decided = any(o.by == "decision" for o in m.of(*RESERVING))
    return bool(m.parcel or m.is_delivered) and not over and not decided


def _known(m: Reference) -> bool:
    return not m.of("unknown") and m.chargeback not in {"open", "lost_waiting"}


def _may_settle(m: Reference, choice: str) -> bool:
    return choice != "wrong" and m.prior == "held" and m.held > 0 and _known(m)


def _may_resume(m: Reference, _: str) -> bool:
    is_over = m.why in {"ship_by_missed", "delivery_unconfirmed", "inspection_over"}
    is_over = is_over or "hold_limit" in m.flags
    return _known(m) and not m.captures("waiting") and not is_over


def _may_lose(m: Reference, _: str) -> bool:
    return m.chargeback == "open" and not m.of("unknown")


# Who may, from where, and only if.
RULES: dict[str, tuple[str, str, Guard]] = {
    "pay": (
        "payer",
        "created authenticating",
        lambda m, _: m.now < m.clocks["pay_by"] and len(m.tries) < 10,
    ),
    "ship": ("payee", "held", _goods_may_move),
    "deliver": ("payer carrier operations", "held", always),
    "release": ("payer operations", "held", _affordable),
    "refund": ("payee operations", "held", _affordable),
    "cancel": (
        "payer backend operations",
        "created authenticating held",
        lambda m, c: m.status != "held" or (c == "payer" and _goods_may_move(m, c)),
    ),
    "dispute": ("payer", "held", lambda m, c: m.disputes < 5 and _may_dispute(m, c)),
    "withdraw_dispute": ("payer", "disputed", always),
    "reject_dispute": (OPS, "disputed", always),
    "resolve_dispute": (OPS, "disputed", lambda _, choice: choice != "wrong"),
    "resume": (OPS, "review", _may_resume),
    "settle_review": (OPS, "review", _may_settle),
    "confirm_unknown": (OPS, "review", lambda m, _: bool(m.of("unknown"))),
    "deny_unknown": (OPS, "review", lambda m, _: bool(m.of("unknown"))),
    "accept_mismatch": (
        OPS,
        "review",
        lambda m, _: not m.captured and bool(m.captures("mismatched")),
    ),
    "refund_mismatch": (
        OPS,
        "review",
        lambda m, _: (
            not m.captured
            and bool(m.captures("mismatched"))
            and not m.captures("waiting")
        ),
    ),
    "reopen_unpaid": (
        OPS,
        "review",
        lambda m, _: not m.captured and not m.captures("mismatched", "waiting"),
    ),
    "fund_waiting": (OPS, "review", lambda m, _: bool(m.captures("waiting"))),
    "refund_capture": (
        OPS,
        ANY.replace("review ", ""),
        lambda m, _: bool(m.captures("mismatched")),
    ),
    "open_chargeback": (
        OPS,
        CAPTURED,
        lambda m, _: m.captured > 0 and m.chargeback in {"", "won"},
    ),
    "win_chargeback": (OPS, CAPTURED, lambda m, _: m.chargeback == "open"),
    "lose_chargeback": (OPS, CAPTURED, _may_lose),
    "withdraw_settlement": (
        OPS,
        "held disputed review",
        lambda m, _: bool(m.of(*UNSENT)),
    ),
    "acknowledge": (
        OPS,
        ANY.replace("review ", "charging "),
        lambda m, _: bool(m.flags & SEEN_TO),
    ),
}


def _stands(m: Reference, order: Order) -> bool:
    """A cancel that is on its way, or left nothing."""
    is_over = order.state in NO or (order.state == "done" and m.available > 0)
    return order.by == "cancel" and not is_over


# What finds itself done already is no second time.
REPEATS: dict[str, Guard] = {
    "ship": lambda m, parcel: m.parcel == parcel,
    "deliver": lambda m, _: m.is_delivered,
    "dispute": lambda m, reason: m.is_disputed and reason == "same",
    "cancel": lambda m, _: (
        m.status == "cancelled" or any(_stands(m, o) for o in m.orders)
    ),
}
