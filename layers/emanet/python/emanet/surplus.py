"""Money that PAYNET took besides the payment of an escrow goes back whole: a second
capture, a late one, one that a human refused. Its refund lives on the capture, reserves
nothing and never changes the status. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace

from emanet.errors import IllegalTransition
from emanet.escrow import (
    Attempt,
    Capture,
    CaptureStatus,
    Escrow,
    Flag,
    QueueReason,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Step,
)
from emanet.guards import needs_a_human
from emanet.machine import advance, flagged, unflagged, without_doubt
from emanet.settlements import denied, once_more, sent_now, taken

_S = SettlementStatus


def refunds(escrow: Escrow) -> Iterator[tuple[Attempt, Capture, Settlement]]:
    """Every surplus capture that goes back, with its attempt."""
    for attempt in escrow.attempts:
        for capture in attempt.captures:
            if capture.refund:
                yield attempt, capture, capture.refund


def going_back(attempt: Attempt, capture: Capture, step: Step) -> Capture:
    """This capture as surplus, with its refund due now. One whose amount nobody knows,
    or that went back already, gets none."""
    surplus = replace(capture, status=CaptureStatus.SURPLUS)
    if capture.amount_minor is None or capture.is_reversed or capture.refund:
        return surplus
    digest = base64.b32encode(hashlib.sha256(capture.xact_id.encode()).digest())
    refund = Settlement(
        key=f"late-capture/{attempt.number}/{digest.decode()[:12].lower()}",
        kind=SettlementKind.REFUND,
        amount_minor=capture.amount_minor,
        status=_S.SCHEDULED,
        by=str(step.by),
        fingerprint="",
        at=step.at,
        due_at=step.at,
    )
    return replace(surplus, refund=refund)


def send(
    escrow: Escrow, key: str, listed: tuple[str, ...], secret_digest: str, step: Step
) -> Escrow:
    """The intent, written before PAYNET is asked; it is sent once."""
    order = _refund(escrow, key, "not_scheduled", _S.SCHEDULED)
    sent = sent_now(order, listed, secret_digest, step.at)
    return _advanced(escrow, "send_surplus", sent, step, key)


def accepted(escrow: Escrow, key: str, step: Step) -> Escrow:
    took = taken(_refund(escrow, key, "nothing_sent", _S.SENT), step.at)
    return _advanced(escrow, "accept_surplus", took, step, key)


def confirm(
    escrow: Escrow, key: str, proof: str, step: Step, commission_back: int = 0
) -> Escrow:
    """Back on the payer's card, and this proves it; sent or found done before."""
    order = _refund(escrow, key, "nothing_sent", _S.SCHEDULED, _S.SENT)
    ended = replace(
        order,
        status=_S.DONE,
        ended_at=step.at,
        ask_at=None,
        proof=proof,
        commission_back_minor=commission_back,
    )
    return _advanced(escrow, "confirm_surplus", ended, step, f"{key} {proof}")


def deny(escrow: Escrow, key: str, why: str, step: Step) -> Escrow:
    order = _refund(escrow, key, "nothing_sent", _S.SENT)
    ended = denied(order, why, step.at)
    return _advanced(escrow, "deny_surplus", ended, step, f"{key} {why}")


def doubt(escrow: Escrow, key: str, why: str, step: Step) -> Escrow:
    """Never sent again: a human finds out."""
    order = _refund(escrow, key, "nothing_sent", _S.SCHEDULED, _S.SENT)
    lost = replace(order, status=_S.UNKNOWN, ask_at=None)
    return _advanced(escrow, "doubt_surplus", lost, step, f"{key} {why}")


def answer(
    escrow: Escrow, key: str, evidence: str, step: Step, *, is_done: bool
) -> Escrow:
    """Operations say what became of a denied or unknown one; not done: once more."""
    order = _refund(escrow, key, "not_answerable", _S.DENIED, _S.UNKNOWN)
    told = replace(order, status=_S.DONE, ended_at=step.at, proof=evidence)
    if not is_done:
        told = once_more(order, step.at)
    return _advanced(escrow, "answer_surplus", told, step, f"{key} {evidence}")


def refund_by_choice(escrow: Escrow, xact_id: str, why: str, step: Step) -> Escrow:
    """Operations give a capture back that matched nothing."""
    for attempt in escrow.attempts:
        for capture in attempt.captures:
            odd = capture.status is CaptureStatus.MISMATCHED
            if odd and capture.xact_id == xact_id and capture.amount_minor:
                turned = going_back(attempt, capture, step)
                attempts = _with(escrow, capture, turned)
                return advance(
                    escrow,
                    "refund_capture",
                    escrow.status,
                    step,
                    why=why,
                    attempts=attempts,
                    flags=without_doubt(replace(escrow, attempts=attempts)),
                )
    raise IllegalTransition(escrow, "no_mismatch")


def with_refund(escrow: Escrow, changed: Settlement) -> tuple[Attempt, ...]:
    """The attempts, with this refund on its capture."""
    capture = next(c for _, c, order in refunds(escrow) if order.key == changed.key)
    return _with(escrow, capture, replace(capture, refund=changed))


def _with(escrow: Escrow, old: Capture, new: Capture) -> tuple[Attempt, ...]:
    """That very one: PAYNET leaves some unnamed, and those are all called alike."""

    def swap(capture: Capture) -> Capture:
        return new if capture is old else capture

    return tuple(
        replace(attempt, captures=tuple(map(swap, attempt.captures)))
        for attempt in escrow.attempts
    )


def _refund(escrow: Escrow, key: str, why_not: str, *of: _S) -> Settlement:
    """The refund with this key, in one of these states."""
    for _, _, order in refunds(escrow):
        if order.key == key and order.status in of:
            return order
        if order.key == key:
            raise IllegalTransition(escrow, why_not)
    raise IllegalTransition(escrow, "no_surplus_refund")


def _advanced(
    escrow: Escrow, name: str, changed: Settlement, step: Step, why: str
) -> Escrow:
    attempts = with_refund(escrow, changed)
    flags = queue_for(replace(escrow, attempts=attempts), step)
    return advance(
        escrow, name, escrow.status, step, why=why, attempts=attempts, flags=flags
    )


def queue_for(escrow: Escrow, step: Step) -> tuple[Flag, ...]:
    """In the queue of late captures while one needs a human, and out of it after."""
    if needs_a_human(escrow):
        return flagged(escrow, QueueReason.LATE_CAPTURE, step)
    return unflagged(escrow, QueueReason.LATE_CAPTURE)
