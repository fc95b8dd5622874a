"""Bugs, planted on purpose, each the way a programmer would make it: proof that the
checker sees. Beside each the short story in which it shows; the same story on the right
product must show nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from emanet import (
    deadlines,
    due,
    machine,
    orders,
    policy,
    settlements,
    surplus,
    verdicts,
)
from emanet.due import Duty, Moment
from emanet.dynamodb import table
from emanet.dynamodb.items import escrow_item
from emanet.errors import StoreUnavailable
from emanet.escrow import PAYABLE, Capture, Escrow, Role, Status
from emanet.outcome import Accepted, Approved, Declined, Denied, Unknown
from emanet.paynet import client, judging, messages, money_out, rows
from emanet.paynet.line import Line
from emanet.ports import CallbackStatus
from emanet.usecases import complete_3d, pay_out, reconcile, send_orders
from emanet.usecases.access import actor_as
from emanet.usecases.prove_orders import Prover
from emanet.usecases.settle import settle
from emanet.usecases.writing import change
from tests.simulation import planted_stories as stories
from tests.simulation.checker import Checker, Finding
from tests.simulation.world import Snapshot, World, in_process

Plant = Callable[[pytest.MonkeyPatch], None]
Story = Callable[[World], object]


@dataclass(frozen=True)
class Bug:
    plant: Plant
    story: Story


# ── bugs: who writes ─────────────────────────────────────────────────────────


def a_version_is_not_asked_for(patched: pytest.MonkeyPatch) -> None:
    def save(store: table.DynamoEscrowStore, _before: Escrow, after: Escrow) -> None:
        store._put(  # noqa: SLF001 - this bug is in the store
            escrow_item(after),
            "#status = :status",
            {":status": _before.status},
            {"#status": "status"},
        )

    patched.setattr(table.DynamoEscrowStore, "save", save)


def an_escrow_is_created_over_another(patched: pytest.MonkeyPatch) -> None:
    def create(store: table.DynamoEscrowStore, escrow: Escrow) -> Escrow:
        store.dynamodb.put_item(TableName=store.table, Item=escrow_item(escrow))
        return escrow

    patched.setattr(table.DynamoEscrowStore, "create", create)


def an_own_write_is_taken_for_a_rivals(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(table, "_wrote", lambda *_: False)


def a_rivals_write_is_taken_for_ones_own(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(table, "_wrote", lambda *_: True)


def a_lost_answer_is_repeated_afresh(patched: pytest.MonkeyPatch) -> None:
    def twice(store: Any, escrow: Escrow, decide: Any) -> Escrow:
        try:
            return change(store, escrow, decide)
        except StoreUnavailable:
            return change(store, escrow, decide)  # with a new write id

    patched.setattr(send_orders, "change", twice)


def a_key_is_not_looked_up(patched: pytest.MonkeyPatch) -> None:
    """A wish that was heard before is a new one."""

    def once(escrow: Escrow, wish: Any, who: Any, *what: Any) -> Escrow:
        kind, move, desk = what

        def decide(current: Escrow) -> Escrow:
            now, key = desk.step(who), (f"{who}/{wish.idempotency_key}", "")
            asked = pay_out._asked(current, wish, kind, key, now)  # noqa: SLF001 - as the right one does
            after: Escrow = move(current, asked, now)
            return after

        return change(desk.store, escrow, decide)

    patched.setattr(pay_out, "_once", once)


# ── bugs: what is allowed ────────────────────────────────────────────────────


def _allow(patched: pytest.MonkeyPatch, row: machine.Transition) -> None:
    way = (row.name, row.source, row.target)
    patched.setitem(machine._BY_WAY, way, row)  # noqa: SLF001 - a row too many in the table


def _row(name: str, source: str, target: str) -> machine.Transition:
    way = (name, Status(source), Status(target))
    return machine._BY_WAY[way]  # noqa: SLF001 - the machine's table


def a_status_is_not_asked_for(patched: pytest.MonkeyPatch) -> None:
    """A charge that is undecided may be cancelled."""
    row = _row("cancel", "created", "cancelled")
    _allow(patched, replace(row, source=Status.CHARGING))


def a_closed_escrow_reopens(patched: pytest.MonkeyPatch) -> None:
    row = _row("fund_late", "created", "held")
    _allow(patched, replace(row, source=Status.CANCELLED))
    patched.setattr(verdicts, "PAYABLE", PAYABLE | {Status.CANCELLED})


def the_payee_may_release(patched: pytest.MonkeyPatch) -> None:
    row = _row("release", "held", "released")
    _allow(patched, replace(row, by=row.by | {Role.PAYEE}))

    def or_payee(escrow: Escrow, caller: Any, *roles: Role) -> Any:
        return actor_as(escrow, caller, *roles, Role.PAYEE)

    patched.setattr(pay_out, "actor_as", or_payee)


def what_is_reserved_is_available(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(Escrow, "available_minor", property(lambda it: it.balances.held))


def a_charges_lease_is_not_respected(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(policy, "CHARGE_LEASE", timedelta())


# ── bugs: what is charged ────────────────────────────────────────────────────


def a_call_is_repeated_on_a_time_out(patched: pytest.MonkeyPatch) -> None:
    right = Line.post

    def post(line: Line, *call: Any) -> Any:
        answer = right(line, *call)
        return right(line, *call) if isinstance(answer, Unknown) else answer

    patched.setattr(Line, "post", post)


def a_charge_is_sent_before_its_intent(patched: pytest.MonkeyPatch) -> None:
    def finish(
        escrow: Escrow, attempt: Any, back: Any, counter: Any, until: Any
    ) -> str:
        session, desk = back.session_id, counter.desk
        outcome = counter.gateway.charge(
            session, back.token_id, attempt.expected, until
        )
        charging = complete_3d._claim(escrow, attempt, session, desk)  # noqa: SLF001 - the right parts, in the wrong order
        settle(charging, attempt.number, outcome, desk)
        return "charged"

    patched.setattr(complete_3d, "_finish", finish)


def a_time_out_is_a_decline(patched: pytest.MonkeyPatch) -> None:
    right = client.PaynetGateway.charge

    def charge(*call: Any) -> Any:
        outcome = right(*call)
        return Declined("timeout") if isinstance(outcome, Unknown) else outcome

    patched.setattr(client.PaynetGateway, "charge", charge)


def code_17_is_a_decline(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(messages, "UNDECIDED", frozenset({5, 8, 10, 13}))


def not_found_counts_at_once(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(policy, "QUIET_WINDOW", timedelta())


# ── bugs: what was paid ──────────────────────────────────────────────────────


def a_webhook_settles_by_its_claim(patched: pytest.MonkeyPatch) -> None:
    def heard(run: reconcile.Reconciler, callback: Any) -> Any:
        escrow, attempt = run._attempt_of(callback)  # type: ignore[misc]  # noqa: SLF001 - of the class that is broken; it is of ours
        claimed = Capture(attempt.reference_no, attempt.expected_minor)
        run.duties.settle(escrow, attempt, Approved(claimed))
        return replace(callback, status=CallbackStatus.APPLIED, due_at=None)

    patched.setattr(reconcile.Reconciler, "_heard", heard)


def a_refunds_row_is_a_capture(patched: pytest.MonkeyPatch) -> None:
    def may_concern(row: rows.Row, reference_no: str) -> bool:
        return reference_no in row.references

    patched.setattr(rows.Row, "may_concern", may_concern)


def amounts_are_not_compared(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(judging, "_doubt", lambda *_: "")


def reversed_is_not_read(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(rows.Row, "is_reversed", False)


def a_surplus_is_ignored(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(verdicts, "_late", lambda *_: None)


# ── bugs: what goes back ─────────────────────────────────────────────────────


def an_amount_is_omitted(patched: pytest.MonkeyPatch) -> None:
    right = messages.reversed_request

    def reversed_request(*order: Any) -> Any:
        return right(*order) | {"amount": ""}

    patched.setattr(messages, "reversed_request", reversed_request)


def a_refund_is_sent_again(patched: pytest.MonkeyPatch) -> None:
    """If nothing shows it."""
    right = Prover.ask

    def resend(prover: Prover, escrow: Escrow, key: str, lease: Any) -> None:
        capture, order = orders.find(escrow, key)
        if prover._proof(escrow, capture, order) is None:  # noqa: SLF001 - of the class that is broken
            until = lease + timedelta(minutes=1)
            prover.paynet.refund(capture, order.paynet_minor, None, until)
        right(prover, escrow, key, lease)

    patched.setattr(Prover, "ask", resend)


def a_refunds_time_out_is_a_no(patched: pytest.MonkeyPatch) -> None:
    right = money_out.PaynetMoneyOut.refund

    def refund(*order: Any) -> Any:
        reply = right(*order)
        return Denied("timeout") if isinstance(reply, Unknown) else reply

    patched.setattr(money_out.PaynetMoneyOut, "refund", refund)


def a_part_goes_back_on_any_day(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(settlements, "refundable_at", lambda _escrow, _minor, at: at)


def a_part_takes_the_surcharge_along(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(
        settlements, "surcharge_with", lambda it, _minor: it.surcharge_minor
    )


def a_lost_approval_is_called_done(patched: pytest.MonkeyPatch) -> None:
    right = money_out.PaynetMoneyOut.approve

    def approve(*order: Any) -> Any:
        reply = right(*order)
        return Accepted() if isinstance(reply, Unknown) else reply

    patched.setattr(money_out.PaynetMoneyOut, "approve", approve)


# ── bugs: what waits ─────────────────────────────────────────────────────────


def a_sent_refund_has_no_due_moment(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(due, "_sent", lambda _: iter(()))


def the_end_of_an_inspection_is_not_due(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(due, "_clocks", lambda _: iter(()))


def a_parked_callback_has_no_due_moment(patched: pytest.MonkeyPatch) -> None:
    right = reconcile.Reconciler._parked  # noqa: SLF001 - of the class that is broken

    def parked(*run: Any, counts: bool) -> Any:
        return replace(right(*run, counts=counts), due_at=None)

    patched.setattr(reconcile.Reconciler, "_parked", parked)


def a_denied_surplus_stands_in_no_queue(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(surplus, "queue_for", lambda escrow, _: escrow.flags)


def a_dispute_stops_no_clock(patched: pytest.MonkeyPatch) -> None:
    def disputed(escrow: Escrow) -> Any:
        over = escrow.deadlines.inspection_by
        yield Moment(over or escrow.created_at, Duty.AUTO_RELEASE)

    patched.setattr(due, "_disputed", disputed)
    row = _row("release", "held", "released")
    _allow(patched, replace(row, source=Status.DISPUTED))
    patched.setattr(settlements, "_must_be_available", lambda *_: None)
    patched.setattr(machine, "check", lambda _: None)


def a_shipment_starts_the_inspection(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(deadlines, "on_shipment", deadlines.on_delivery)


BUGS = (
    Bug(a_version_is_not_asked_for, stories.shipped_and_delivered_at_once),
    Bug(an_escrow_is_created_over_another, stories.registered_twice),
    Bug(an_own_write_is_taken_for_a_rivals, stories.its_acceptance_is_overtaken),
    Bug(a_rivals_write_is_taken_for_ones_own, stories.disputed_before_a_refund_is_sent),
    Bug(a_lost_answer_is_repeated_afresh, stories.its_acceptance_seems_not_written),
    Bug(a_key_is_not_looked_up, stories.a_part_is_asked_for_twice),
    Bug(a_status_is_not_asked_for, stories.cancelled_while_charging),
    Bug(a_closed_escrow_reopens, stories.paid_after_the_cancel),
    Bug(the_payee_may_release, stories.the_payee_wants_his_money),
    Bug(what_is_reserved_is_available, stories.two_parts_are_more_than_all),
    Bug(a_charges_lease_is_not_respected, stories.the_browser_posts_twice),
    Bug(a_call_is_repeated_on_a_time_out, stories.a_refund_is_answered_late),
    Bug(a_call_is_repeated_on_a_time_out, stories.nobody_answers_a_charge),
    Bug(a_charge_is_sent_before_its_intent, stories.killed_before_the_first_write),
    Bug(a_time_out_is_a_decline, stories.nobody_answers_a_charge),
    Bug(code_17_is_a_decline, stories.code_17),
    Bug(not_found_counts_at_once, stories.a_charge_never_arrives),
    Bug(a_webhook_settles_by_its_claim, stories.somebody_says_it_is_paid),
    Bug(a_refunds_row_is_a_capture, stories.taken_back_at_once),
    Bug(amounts_are_not_compared, stories.more_was_taken),
    Bug(reversed_is_not_read, stories.taken_back_at_once),
    Bug(a_surplus_is_ignored, stories.paid_after_the_cancel),
    Bug(an_amount_is_omitted, stories.a_part_on_the_next_day),
    Bug(a_refund_is_sent_again, stories.a_refund_shows_nowhere),
    Bug(a_refunds_time_out_is_a_no, stories.a_refund_is_answered_late),
    Bug(a_part_goes_back_on_any_day, stories.a_part_on_the_same_day),
    Bug(a_part_takes_the_surcharge_along, stories.a_part_of_instalments),
    Bug(a_lost_approval_is_called_done, stories.a_release_does_not_arrive),
    Bug(a_sent_refund_has_no_due_moment, stories.killed_after_a_refund),
    Bug(the_end_of_an_inspection_is_not_due, stories.delivered_and_forgotten),
    Bug(a_parked_callback_has_no_due_moment, stories.a_callback_of_nobody),
    Bug(a_denied_surplus_stands_in_no_queue, stories.paid_after_the_cancel_and_kept),
    Bug(a_dispute_stops_no_clock, stories.disputed_after_delivery),
    Bug(a_shipment_starts_the_inspection, stories.shipped_and_never_delivered),
)


# ── played ───────────────────────────────────────────────────────────────────


def played(story: Story, world: World, plant: Plant | None = None) -> list[Finding]:
    """What the checker finds in a story, before and after each function's work and at
    rest."""
    checker, usual = Checker(world), world.invoke
    found: dict[Finding, None] = {}

    def invoke(function: str, event: dict[str, Any]) -> Any:
        found.update(dict.fromkeys(checker.look()))
        try:
            return usual(function, event)
        finally:
            found.update(dict.fromkeys(checker.look()))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world, "invoke", invoke)
        if plant:
            plant(patched)
        story(world)
        stories.days_go_by(world, 2)
        found.update(dict.fromkeys(checker.at_rest()))
    return list(found)


def as_new(world: World, beginning: Snapshot) -> World:
    """Nothing is left of an earlier story."""
    world.outside.choose = lambda _: None
    world.paynet.faults.clear()
    world.paynet.settings.restore()
    world.deploy(PAYNET_ESCROW="off")
    world.go_back(beginning)
    return world


def run() -> tuple[dict[str, int], list[str]]:
    """Counts, and a line for each bug that was not seen, or was seen where there is
    none."""
    found, false, texts = 0, 0, []
    with in_process() as world:
        beginning = world.snapshot()
        for story in dict.fromkeys(bug.story for bug in BUGS):
            for finding in played(story, as_new(world, beginning)):
                false += 1
                texts.append(f"{told(story)}, nothing planted: {finding}")
        for bug in BUGS:
            if played(bug.story, as_new(world, beginning), bug.plant):
                found += 1
            else:
                texts.append(f"not seen: {told(bug.plant)} ({told(bug.story)})")
    return {"found": found, "of": len(BUGS), "false_alarms": false}, texts


def told(function: Callable[..., object]) -> str:
    """Its name, in words."""
    return getattr(function, "__name__", "").replace("_", " ")
