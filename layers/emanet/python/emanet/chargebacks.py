"""The payer's bank takes a payment back. While that is open nothing moves; won gives
back what was there, lost moves what is held, and what was gone already is our loss.
Pure."""

from __future__ import annotations

from dataclasses import replace

from emanet.disputes import ended
from emanet.errors import IllegalTransition
from emanet.escrow import (
    CLOSED,
    Chargeback,
    ChargebackStatus,
    Escrow,
    Flag,
    QueueReason,
    Settlement,
    Status,
    Step,
)
from emanet.machine import advance, flagged, out_of_review, to_review, unflagged
from emanet.settlements import (
    all_withdrawn,
    closing,
    lost_now,
    restored,
    status_by_money,
    suspended,
)

_C = ChargebackStatus


def open_(escrow: Escrow, why: str, step: Step) -> Escrow:
    """Frozen if it is held; noted while a settlement is on its way, or if something
    else froze or closed it."""
    known = Chargeback(_C.OPEN, step.at)
    if escrow.status in (Status.HELD, Status.DISPUTED):
        return to_review(
            escrow,
            "open_chargeback",
            QueueReason.CHARGEBACK,
            step,
            why=why,
            chargeback=replace(known, froze=True),
            settlements=suspended(escrow),
        )
    return advance(
        escrow,
        "flag_chargeback",
        escrow.status,
        step,
        why=why,
        chargeback=known,
        settlements=suspended(escrow),
        flags=flagged(escrow, QueueReason.CHARGEBACK, step),
    )


def win(escrow: Escrow, why: str, step: Step) -> Escrow:
    """Restores what was there."""
    known = _known(escrow)
    won = replace(known, status=_C.WON)
    if escrow.status is Status.REVIEW and known.froze and escrow.prior_status:
        return advance(
            escrow,
            "win_chargeback",
            escrow.prior_status,
            step,
            why=why,
            **{
                **out_of_review(escrow),
                "chargeback": won,
                "settlements": _as_before(escrow),
            },
        )
    return advance(
        escrow,
        "note_chargeback_won",
        escrow.status,
        step,
        why=why,
        chargeback=won,
        settlements=_as_before(escrow),
        flags=unflagged(escrow, QueueReason.CHARGEBACK),
    )


def _as_before(escrow: Escrow) -> tuple[Settlement, ...]:
    """Scheduled again, unless an unresolved dispute keeps it suspended."""
    return escrow.settlements if escrow.dispute else restored(escrow)


def lose(escrow: Escrow, why: str, step: Step) -> Escrow:
    """What is held is gone; a settlement on its way is waited for."""
    known = _known(escrow)
    if escrow.status in CLOSED:
        return _noted(escrow, lost_now(escrow, known), why, step)
    if escrow.sent:
        return _noted(escrow, replace(known, status=_C.LOST_WAITING), why, step)
    gone = replace(escrow, balances=escrow.balances.charge_back())
    return advance(
        escrow,
        "lose_chargeback",
        status_by_money(gone),
        step,
        why=why,
        **{
            **out_of_review(escrow),
            "balances": gone.balances,
            "chargeback": lost_now(escrow, known),
            "settlements": all_withdrawn(escrow, step.at),
            "disputes": ended(escrow, step.at),
            "flags": _closed_flags(escrow),
        },
    )


def _closed_flags(escrow: Escrow) -> tuple[Flag, ...]:
    """What was about the held money is over; what else was taken is not."""
    shown = replace(escrow, flags=out_of_review(escrow)["flags"])
    rest = replace(escrow, flags=closing(shown)["flags"])
    return unflagged(
        rest,
        QueueReason.CHARGEBACK,
        QueueReason.DISPUTE_OPEN,
        QueueReason.DISPUTE_OVERDUE,
    )


def _noted(escrow: Escrow, told: Chargeback, why: str, step: Step) -> Escrow:
    flags = unflagged(escrow, QueueReason.CHARGEBACK)
    return advance(
        escrow,
        "note_chargeback_lost",
        escrow.status,
        step,
        why=why,
        chargeback=told,
        flags=flags,
    )


def _known(escrow: Escrow) -> Chargeback:
    if escrow.chargeback is None:
        raise IllegalTransition(escrow, "no_chargeback_open")
    return escrow.chargeback
