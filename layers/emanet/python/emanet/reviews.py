"""The ways out of review, for operations alone: back to where it was, the unknown
settlement confirmed or denied, held money decided, a mismatch accepted or refunded.
Every way back to unpaid funds from a capture that waited instead. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from emanet import deadlines
from emanet.attempts import close_live, with_attempt
from emanet.disputes import Legs, decided
from emanet.errors import IllegalTransition
from emanet.escrow import (
    Attempt,
    AttemptStatus,
    Capture,
    CaptureStatus,
    Escrow,
    QueueReason,
    Status,
    Step,
)
from emanet.machine import advance, out_of_review, unflagged
from emanet.settlements import closing, denied, done, restored, status_by_money
from emanet.settlements import with_settlement as with_
from emanet.surplus import going_back, queue_for
from emanet.verdicts import funded


def resume(escrow: Escrow, why: str, step: Step) -> Escrow:
    """Back to the prior status; a charge is asked about at once, and what was suspended
    goes on."""
    prior = escrow.prior_status
    if prior is None:
        raise IllegalTransition(escrow, "wrong_status")
    changes: dict[str, Any] = out_of_review(escrow)
    if prior is Status.CHARGING:
        changes["attempts"] = _asked_now(escrow, step.at)
    if prior is Status.HELD:
        changes["settlements"] = restored(escrow)
    return advance(escrow, "resume", prior, step, why=why, **changes)


def _asked_now(escrow: Escrow, at: datetime) -> tuple[Attempt, ...]:
    live = escrow.live_attempt
    if live is None:
        return escrow.attempts
    return with_attempt(escrow, replace(live, ask_at=at))


# ── an unknown settlement ────────────────────────────────────────────────────


def confirm_unknown(escrow: Escrow, evidence: str, step: Step) -> Escrow:
    """Operations saw that it happened; closes if nothing is held any more."""
    known = escrow.unknown
    if known is None:
        raise IllegalTransition(escrow, "no_settlement_unknown")
    after = done(escrow, known, evidence, step.at, 0)
    target = status_by_money(after)
    changes: dict[str, Any] = {}
    if target is Status.HELD:
        target = Status.REVIEW  # the rest still waits for a decision
    else:
        shown = replace(after, flags=out_of_review(escrow)["flags"])
        changes = {**out_of_review(escrow), **closing(shown)}
    return advance(
        escrow,
        "confirm_unknown",
        target,
        step,
        why=f"{known.key} {evidence}",
        settlements=after.settlements,
        balances=after.balances,
        **changes,
    )


def deny_unknown(escrow: Escrow, evidence: str, step: Step) -> Escrow:
    """Operations saw that it did not happen: its amount is free again."""
    known = escrow.unknown
    if known is None:
        raise IllegalTransition(escrow, "no_settlement_unknown")
    return advance(
        escrow,
        "deny_unknown",
        Status.REVIEW,
        step,
        why=f"{known.key} {evidence}",
        settlements=with_(escrow, denied(known, evidence, step.at)),
    )


def note_proof(escrow: Escrow, proof: str, step: Step) -> Escrow:
    """What PAYNET shows of an unknown settlement is kept for the human who decides."""
    known = escrow.unknown
    if known is None:
        raise IllegalTransition(escrow, "no_settlement_unknown")
    seen = with_(escrow, replace(known, proof=proof))
    return advance(
        escrow,
        "note_proof",
        Status.REVIEW,
        step,
        why=f"{known.key} {proof}",
        settlements=seen,
    )


# ── held money ───────────────────────────────────────────────────────────────


def settle(
    escrow: Escrow, legs: Legs, why: str, step: Step, *, fingerprint: str = ""
) -> Escrow:
    """Decided over all that is held: released, refunded, or split, due now."""
    number = 1 + sum(e.transition == "settle_review" for e in escrow.history)
    settlements = decided(escrow, legs, f"review/{number}", why, step, fingerprint)
    return advance(
        escrow,
        "settle_review",
        Status.HELD,
        step,
        why=why,
        settlements=settlements,
        **out_of_review(escrow),
    )


# ── a mismatch ───────────────────────────────────────────────────────────────


def accept_mismatch(escrow: Escrow, xact_id: str, why: str, step: Step) -> Escrow:
    """This capture is the payment; whatever else was taken goes back. Its sum may be
    what was asked for, and the doubt another: then the amount stays, and a surcharge
    stays beside it. Else the amount is corrected to the sum."""
    attempt, capture = _mismatch(escrow, xact_id)
    minor = capture.amount_minor
    if escrow.balances.captured:
        raise IllegalTransition(escrow, "already_paid")
    if minor is None or capture.is_reversed:
        raise IllegalTransition(escrow, "not_acceptable")
    as_asked = minor == attempt.expected_minor
    amount = escrow.amount_minor if as_asked else minor
    if escrow.fee_minor >= amount:
        raise IllegalTransition(escrow, "fee_exceeds_amount")
    rest = replace(escrow, attempts=_others_go_back(escrow, capture, step))
    return funded(
        rest,
        "accept_mismatch",
        rest.attempt(attempt.number) or attempt,
        capture,
        step,
        why=why,
        **out_of_review(escrow),
        amount_minor=amount,
    )


def _others_go_back(
    escrow: Escrow, chosen: Capture | None, step: Step
) -> tuple[Attempt, ...]:
    """Every mismatched capture but the chosen one is surplus now."""

    def turned(attempt: Attempt) -> Attempt:
        captures = tuple(
            going_back(attempt, capture, step)
            if capture.status is CaptureStatus.MISMATCHED and capture is not chosen
            else capture
            for capture in attempt.captures
        )
        return replace(attempt, captures=captures)

    return tuple(map(turned, escrow.attempts))


def fund_waiting(escrow: Escrow, why: str, step: Step) -> Escrow:
    """A capture that waited is the payment, instead of a way back to unpaid."""
    for attempt in escrow.attempts:
        for capture in attempt.captures:
            if capture.waits:
                return funded(
                    escrow,
                    "fund_waiting",
                    attempt,
                    capture,
                    step,
                    why=why,
                    **out_of_review(escrow),
                )
    raise IllegalTransition(escrow, "no_capture_waiting")


def refund_mismatch(escrow: Escrow, why: str, step: Step) -> Escrow:
    """What was taken goes back, and the order is payable again."""
    closed = replace(escrow, attempts=_closed(escrow, step.at))
    attempts = _others_go_back(closed, None, step)
    return _payable(escrow, "refund_mismatch", attempts, why, step)


def reopen_unpaid(escrow: Escrow, why: str, step: Step) -> Escrow:
    """Nothing was taken: payable again."""
    return _payable(escrow, "reopen_unpaid", _closed(escrow, step.at), why, step)


def _payable(
    escrow: Escrow, name: str, attempts: tuple[Attempt, ...], why: str, step: Step
) -> Escrow:
    changes = out_of_review(escrow)
    shown = replace(escrow, attempts=attempts, flags=changes["flags"])
    flags = queue_for(shown, step)
    return advance(
        escrow,
        name,
        Status.CREATED,
        step,
        why=why,
        **{
            **changes,
            "attempts": attempts,
            "flags": unflagged(
                replace(escrow, flags=flags), QueueReason.DOUBTFUL_CAPTURE
            ),
            "deadlines": deadlines.on_unpaid(escrow, step.at),
        },
    )


def _closed(escrow: Escrow, at: datetime) -> tuple[Attempt, ...]:
    return close_live(escrow, AttemptStatus.SUPERSEDED, at)


def _mismatch(escrow: Escrow, xact_id: str) -> tuple[Attempt, Capture]:
    """The one that is named, or the only one."""
    odd = [
        (attempt, capture)
        for attempt in escrow.attempts
        for capture in attempt.captures
        if capture.status is CaptureStatus.MISMATCHED
        and xact_id in ("", capture.xact_id)
    ]
    if len(odd) != 1:
        raise IllegalTransition(escrow, "name_one_capture" if odd else "no_mismatch")
    return odd[0]
