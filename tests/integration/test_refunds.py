"""Refunds against PAYNET's books: asked once, known by proof or left to a human, and
never sent again, whatever is lost on the way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from emanet import ledger
from emanet.escrow import Escrow
from emanet.istanbul import ISTANBUL
from emanet.outcome import Accepted, Denied
from emanet.ports import Callback
from tests.stage import AMOUNT_MINOR, BUYER, OPERATIONS, SELLER, Answer, Stage, Who

REQUEST = "/v1/transaction/reversed_request"
PART: dict[str, Any] = {"amount": {"amount": 30_000, "currency": "TRY"}}


def ask(stage: Stage, escrow_id: str, key: str = "k", **body: Any) -> Answer:
    """Operations ask for a refund."""
    path = f"/api/escrows/{escrow_id}/refund"
    said = {"reason": "buyer complained", **body}
    return stage.call(
        "POST", path, said, who=OPERATIONS, headers={"Idempotency-Key": key}
    )


def act(stage: Stage, escrow_id: str, action: str, who: Who, **body: Any) -> Answer:
    path = f"/api/escrows/{escrow_id}/{action}"
    return stage.call("POST", path, body, who=who, headers={"Idempotency-Key": "k"})


def requests(stage: Stage, escrow_id: str) -> tuple[int, int]:
    """How many reversed_request PAYNET got for it, and how many it carried out."""
    funding = stage.escrow(escrow_id).funding
    assert funding is not None
    return stage.paynet.books.refund_requests(funding[1].xact_id)


def at_istanbul(stage: Stage, hour: int, minute: int = 0, second: int = 0) -> None:
    """The clock moves to the next such time of day in Istanbul."""
    now = stage.clock().astimezone(ISTANBUL)
    wanted = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if wanted <= now:
        wanted += timedelta(days=1)
    stage.later(seconds=(wanted - now).total_seconds())


def balanced(stage: Stage, escrow_id: str) -> Escrow:
    """The escrow, after its books were checked against PAYNET's."""
    escrow = stage.escrow(escrow_id)
    assert set(ledger.trial_balance(ledger.postings(escrow)).values()) <= {0}
    references = [attempt.reference_no for attempt in escrow.attempts]
    given_back = sum(map(stage.paynet.books.refunded_minor, references))
    assert given_back == escrow.balances.refunded
    return escrow


# ── the usual ways ───────────────────────────────────────────────────────────


def test_a_whole_refund_goes_back_the_same_day(stage: Stage) -> None:
    escrow_id = stage.held()
    assert ask(stage, escrow_id).status == 200
    stage.reconcile_until_quiet()
    escrow = balanced(stage, escrow_id)
    assert (escrow.status, escrow.balances.refunded) == ("refunded", AMOUNT_MINOR)
    assert requests(stage, escrow_id) == (1, 1)


def test_a_part_waits_for_the_day_after_and_says_so(stage: Stage) -> None:
    at_istanbul(stage, 12)
    escrow_id = stage.held()
    told = ask(stage, escrow_id, **PART).body
    assert told["next"]["what"] == "settle"
    due = datetime.fromisoformat(told["next"]["at"]).astimezone(ISTANBUL)
    assert (due.hour, due.minute) == (0, 30)
    stage.reconcile_until_quiet()
    assert requests(stage, escrow_id) == (0, 0)
    stage.reconcile_until_quiet(days=1)
    escrow = balanced(stage, escrow_id)
    assert (escrow.status, escrow.balances.refunded) == ("held", 30_000)


def test_the_payers_cancel_takes_all_of_it_back(stage: Stage) -> None:
    escrow_id = stage.held()
    assert act(stage, escrow_id, "cancel", BUYER).status == 200
    assert act(stage, escrow_id, "cancel", BUYER).status == 200
    shipped = act(stage, escrow_id, "ship", SELLER, carrier="K", tracking_number="1")
    assert (shipped.status, shipped.body["reason"]) == (409, "nothing_available")
    stage.reconcile_until_quiet()
    assert balanced(stage, escrow_id).status == "refunded"


def test_what_is_not_shipped_in_time_goes_back(stage: Stage) -> None:
    escrow_id = stage.held()
    stage.reconcile_until_quiet(days=7)
    escrow = balanced(stage, escrow_id)
    assert escrow.status == "refunded"
    assert [s.key for s in escrow.settlements] == ["ship-deadline/1"]


def test_the_payee_gives_a_part_up_and_the_rest_is_released(stage: Stage) -> None:
    escrow_id = stage.held()
    assert act(stage, escrow_id, "refund", SELLER, **PART).status == 200
    stage.reconcile_until_quiet(days=1)
    assert act(stage, escrow_id, "release", BUYER).status == 200
    escrow = balanced(stage, escrow_id)
    assert escrow.status == "split"
    assert (escrow.balances.released, escrow.balances.refunded) == (100_000, 30_000)


# ── the day rule ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("asked_at", [(23, 59, 59), (0, 0, 1)], ids=str)
def test_a_part_asked_at_midnight(stage: Stage, asked_at: tuple[int, int, int]) -> None:
    """A second before, it waits half an hour; a second after, it goes at once."""
    at_istanbul(stage, 23, 50)
    escrow_id = stage.held()
    at_istanbul(stage, *asked_at)
    asked = stage.desk.clock()
    assert ask(stage, escrow_id, **PART).status == 200
    (order,) = stage.escrow(escrow_id).settlements
    due = order.due_at
    assert due is not None
    waits = due - asked
    is_late = asked_at == (0, 0, 1)
    assert waits < timedelta(seconds=2) if is_late else waits > timedelta(minutes=30)
    stage.reconcile_until_quiet(minutes=31)
    assert balanced(stage, escrow_id).balances.refunded == 30_000


def test_a_no_on_the_day_after_is_tried_once_more(stage: Stage) -> None:
    """PAYNET's clock may still see the day of the capture."""
    at_istanbul(stage, 12)
    escrow_id = stage.held()
    ask(stage, escrow_id, **PART)
    at_istanbul(stage, 0, 31)
    refused = {"code": 6, "message": "Aynı gün"}
    stage.paynet.faults.add("rewrite", REQUEST, fields=refused, times=1)
    stage.paynet.settings.refunds = "never"
    stage.reconcile_until_quiet()
    (again,) = stage.escrow(escrow_id).settlements
    assert (again.status, again.put_off) == ("scheduled", 1)


# ── lost ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("amount", [{}, PART], ids=["whole", "part"])
def test_a_lost_answer_is_found_by_proof_and_never_sent_again(
    stage: Stage, amount: dict[str, Any]
) -> None:
    escrow_id = stage.held()
    stage.later(days=1)
    ask(stage, escrow_id, **amount)
    stage.paynet.settings.refund_callbacks = "lost"
    stage.paynet.faults.add("close", REQUEST, when="after")
    stage.reconcile(seconds=1)
    assert stage.escrow(escrow_id).status == "refunding"
    stage.reconcile_until_quiet(minutes=5)
    escrow = balanced(stage, escrow_id)
    assert escrow.balances.refunded == escrow.settlements[0].amount_minor
    assert requests(stage, escrow_id) == (1, 1)


def test_an_order_that_never_arrived_is_left_to_a_human(stage: Stage) -> None:
    escrow_id = stage.held()
    ask(stage, escrow_id)
    stage.paynet.faults.add("close", REQUEST, when="before")
    stage.reconcile(seconds=1)
    for _ in range(12):
        stage.reconcile(hours=3)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.review_reason) == ("review", "settlement_unknown")
    assert requests(stage, escrow_id) == (0, 0)


class Silent:
    """PAYNET took the order, and the process died before it heard."""

    def __init__(self, stage: Stage) -> None:
        self._real = stage.money_out

    def returned(self, *args: Any) -> Any:
        return self._real.returned(*args)

    def refund(self, *args: Any) -> Any:
        self._real.refund(*args)
        raise KeyboardInterrupt

    def approve(self, *_: Any) -> Any:
        return Accepted()


def test_a_run_that_dies_while_sending_sends_nothing_twice(stage: Stage) -> None:
    escrow_id = stage.held()
    ask(stage, escrow_id)
    stage.later(seconds=1)
    dying = stage.reconciler(money_out=Silent(stage))
    with pytest.raises(KeyboardInterrupt):
        dying.run()
    stage.reconcile_until_quiet(minutes=5)
    assert balanced(stage, escrow_id).status == "refunded"
    assert requests(stage, escrow_id) == (1, 1)


# ── no ───────────────────────────────────────────────────────────────────────


def test_a_refund_that_paynet_denies_is_free_again_and_shown(stage: Stage) -> None:
    escrow_id = stage.held()
    stage.paynet.settings.refunds = "deny"
    ask(stage, escrow_id)
    stage.reconcile(seconds=1)
    stage.word_of_paynet()
    stage.reconcile_until_quiet(seconds=1)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.available_minor) == ("held", AMOUNT_MINOR)
    assert escrow.queue_reason == "settlement_denied"


def test_a_denied_one_is_not_asked_for_again_by_a_clock(stage: Stage) -> None:
    escrow_id = stage.held()
    stage.paynet.settings.refunds = "deny"
    stage.reconcile(days=7, seconds=1)
    stage.reconcile(seconds=1)
    stage.word_of_paynet()
    for _ in range(10):
        stage.reconcile(hours=12)
    assert requests(stage, escrow_id)[0] == 1


def test_no_verdict_within_three_business_days_is_for_a_human(stage: Stage) -> None:
    escrow_id = stage.held()
    stage.paynet.settings.refunds = "never"
    ask(stage, escrow_id)
    stage.reconcile(seconds=1)
    for _ in range(12):
        stage.reconcile(hours=12)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.review_reason) == ("review", "settlement_unknown")
    assert requests(stage, escrow_id)[0] == 1


def test_money_that_somebody_else_gave_back_is_not_sent_again(stage: Stage) -> None:
    """A whole one is found done; a part by another hand freezes it."""
    whole, part = stage.held(), stage.held()
    for escrow_id, minor in ((whole, None), (part, 10_000)):
        funding = stage.escrow(escrow_id).funding
        assert funding is not None
        stage.paynet.books.reverse(funding[1].xact_id, minor)
        ask(stage, escrow_id)
    stage.reconcile_until_quiet()
    assert stage.escrow(whole).status == "refunded"
    assert stage.escrow(part).review_reason == "doubtful_capture"
    assert requests(stage, whole)[0] == requests(stage, part)[0] == 0


# ── callbacks ────────────────────────────────────────────────────────────────


def test_a_callback_alone_proves_a_refund_that_no_list_shows(stage: Stage) -> None:
    escrow_id = stage.held()
    ask(stage, escrow_id)
    stage.paynet.settings.reversal_list_delay_s = 86_400 * 9
    stage.reconcile(seconds=1)
    for sale in stage.paynet.books.find():
        sale.reversed, sale.reversed_xact_id = False, None
    stage.word_of_paynet()
    stage.reconcile(seconds=1)
    (order,) = stage.escrow(escrow_id).settlements
    assert (order.status, order.proof) == ("done", "callback")


def test_a_callback_that_contradicts_the_list_is_for_a_human(stage: Stage) -> None:
    escrow_id = stage.held()
    ask(stage, escrow_id)
    stage.reconcile(seconds=1)
    stage.word_of_paynet(code="1")
    stage.reconcile(seconds=1)
    assert stage.escrow(escrow_id).review_reason == "settlement_unknown"


def test_a_late_callback_undoes_nothing(stage: Stage) -> None:
    escrow_id = stage.held()
    ask(stage, escrow_id)
    stage.reconcile_until_quiet()
    before = stage.item(escrow_id)
    stage.word_of_paynet(code="1")
    stage.reconcile_until_quiet()
    assert stage.item(escrow_id) == before


def test_the_late_row_of_an_earlier_refund_proves_no_other(stage: Stage) -> None:
    """The first was proved by its callback while the list lagged."""
    escrow_id = stage.held()
    stage.later(days=1)
    stage.paynet.settings.reversal_list_delay_s = 3600
    ask(stage, escrow_id, "a", **PART)
    stage.reconcile(seconds=1)
    stage.word_of_paynet()
    stage.reconcile(seconds=10)
    stage.paynet.settings.refunds = "never"
    ask(stage, escrow_id, "b", **PART)
    stage.reconcile(seconds=10)
    for _ in range(6):
        stage.reconcile(minutes=20)
    assert balanced(stage, escrow_id).balances.refunded == 30_000


def test_a_copy_of_an_old_denial_decides_no_new_sending(stage: Stage) -> None:
    """The order is sent anew with another secret."""
    at_istanbul(stage, 12)
    escrow_id = stage.held()
    at_istanbul(stage, 0, 31)
    refused = {"code": 6, "message": "Aynı gün"}
    stage.paynet.faults.add("rewrite", REQUEST, fields=refused)
    stage.paynet.settings.refunds = "deny"
    ask(stage, escrow_id, **PART)
    stage.reconcile(seconds=1)
    assert stage.escrow(escrow_id).settlements[0].put_off == 1
    at_istanbul(stage, 0, 29)
    stage.word_of_paynet(message="told again")
    stage.paynet.settings.refunds = "manual"
    stage.reconcile(seconds=70)
    stage.reconcile(seconds=10)
    assert stage.escrow(escrow_id).status == "refunding"


def test_another_hands_request_that_was_listed_before_proves_nothing(
    stage: Stage,
) -> None:
    """It was open when ours was sent, and is carried out later."""
    escrow_id = stage.held()
    stage.later(days=1)
    funding = stage.escrow(escrow_id).funding
    assert funding is not None
    stage.paynet.settings.change(
        {"refunds": "manual", "reversal_list_rows": "requested"}
    )
    stage.paynet.books.ask_refund(funding[1].xact_id, 30_000, "")
    ask(stage, escrow_id, **PART)
    stage.reconcile(seconds=1)
    theirs, _ours = stage.paynet.books.refunds()
    stage.paynet.books.decide_refund(theirs.number, approve=True)
    stage.reconcile(minutes=5)
    assert stage.escrow(escrow_id).status == "refunding"


def test_a_word_about_another_sending_is_not_heard(stage: Stage) -> None:
    escrow_id = stage.held()
    stage.paynet.settings.refunds = "manual"
    ask(stage, escrow_id)
    stage.reconcile(seconds=1)
    (order,) = stage.escrow(escrow_id).settlements
    word = Callback(
        id="inbox-old",
        received_at=stage.clock(),
        hint={},
        escrow_id=escrow_id,
        subject=order.subject,
        secret_digest="of an earlier sending",
        is_approved=False,
    )
    assert stage.reconciler().prover.hear(stage.escrow(escrow_id), word)
    assert stage.escrow(escrow_id).status == "refunding"


class Liar(Silent):
    """PAYNET says no, and does it all the same."""

    def refund(self, *args: Any) -> Denied:
        self._real.refund(*args)
        return Denied("1 unsuccessful")


def test_what_was_denied_and_is_shown_as_done_is_not_free(stage: Stage) -> None:
    escrow_id = stage.held()
    stage.later(days=2)
    ask(stage, escrow_id, **PART)
    stage.later(seconds=1)
    stage.reconciler(money_out=Liar(stage)).run()
    assert stage.escrow(escrow_id).available_minor == AMOUNT_MINOR
    stage.word_of_paynet()
    stage.reconcile(seconds=10)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.unknown is not None) == ("review", True)


def test_a_part_by_another_hand_is_not_booked_as_the_whole(stage: Stage) -> None:
    """PAYNET may call the sale reversed for a part."""
    escrow_id = stage.held()
    stage.paynet.settings.partial_sets_reversed = True
    stage.later(days=1)
    funding = stage.escrow(escrow_id).funding
    assert funding is not None
    stage.paynet.books.reverse(funding[1].xact_id, 10_000)
    ask(stage, escrow_id)
    stage.reconcile_until_quiet()
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.balances.refunded) == ("review", 0)
    assert requests(stage, escrow_id)[0] == 0


# ── PAYNET's fee ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kept", "loss"), [("kept", 3_900), ("returned", 0)])
def test_a_fee_that_paynet_keeps_is_a_loss(stage: Stage, kept: Any, loss: int) -> None:
    escrow_id = stage.held()
    stage.paynet.settings.commission_on_refund = kept
    ask(stage, escrow_id)
    stage.reconcile_until_quiet()
    accounts = ledger.balances(ledger.postings(balanced(stage, escrow_id)))["TRY"]
    assert accounts.get("refund_loss", 0) == loss
