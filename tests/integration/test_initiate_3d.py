"""functions/initiate_3d: the payer starts 3-D Secure. No money moves here; whatever
fails leaves the order payable."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from emanet.cards import StoredCard
from emanet.errors import (
    AttemptStarting,
    AttemptsTooFast,
    IllegalTransition,
    TooManyAttempts,
)
from emanet.escrow import Escrow
from emanet.paynet.client import PaynetGateway
from emanet.ports import Card, Gateway, Session, SessionOrder
from emanet.usecases.access import Caller
from emanet.usecases.initiate_3d import initiate_3d
from emanet.usecases.starting import Payment, Start
from local.api_gateway.resources import put_secret
from local.paynet_simulator import browser
from tests.stage import (
    AMOUNT_MINOR,
    BASE_URL,
    BUYER,
    GOOD_CARD,
    OTHER_PAGE,
    PAYNET_KEY,
    RETURN_PAGE,
    Answer,
    Stage,
    payment,
)

INITIAL = "/v2/transaction/tds_initial"
LOST_CARD = "4000000000000069"


class Killed(BaseException):
    """Lambda ended this process here."""


class DyingGateway(PaynetGateway):
    """PAYNET opens the session, and nobody is left to hear of it."""

    def open_session(
        self, order: SessionOrder, card: Card | StoredCard, deadline: datetime
    ) -> Session:
        super().open_session(order, card, deadline)
        raise Killed


def initiate(stage: Stage, escrow_id: str, **more: Any) -> Answer:
    return stage.call("POST", f"/api/escrows/{escrow_id}/3d", payment(**more))


def start(stage: Stage, escrow_id: str, gateway: Gateway | None = None) -> Escrow:
    """The same, by the test's clock and gateway."""
    escrow, _ = initiate_3d(
        Start(escrow_id, RETURN_PAGE, BASE_URL),
        Payment(Card("Ayşe Yılmaz", GOOD_CARD, 12, 2030, "000")),
        Caller(BUYER[0], frozenset(BUYER[1].split())),
        stage.till(gateway),
        stage.clock() + timedelta(seconds=25),
    )
    return escrow


def test_the_browser_is_sent_to_the_bank(stage: Stage) -> None:
    escrow_id = stage.create()
    answer = initiate(stage, escrow_id)
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body["three_ds"]["kind"] == "redirect"
    assert answer.body["three_ds"]["url"].startswith(stage.paynet_url)
    assert answer.body["escrow"]["status"] == "authenticating"
    assert answer.body["escrow"]["next"]["what"] == "expire_session"
    assert stage.taken_minor(escrow_id) == 0


def test_the_frontend_may_prefer_the_html_form(stage: Stage) -> None:
    escrow_id = stage.create()
    three_ds = initiate(stage, escrow_id, prefer="html").body["three_ds"]
    assert three_ds["kind"] == "html"
    page = browser.open_html(three_ds["html"])
    stage.come_back(page.press("approve", browser.USUAL_PASSWORD))
    assert stage.escrow(escrow_id).status == "held"


def test_the_attempt_is_written_before_paynet_hears_of_it(stage: Stage) -> None:
    escrow_id = stage.create()
    initiate(stage, escrow_id)
    escrow = stage.escrow(escrow_id)
    names = [entry.transition for entry in escrow.history]
    assert names == ["create", "start_attempt", "store_session"]
    [attempt] = escrow.attempts
    [session] = stage.paynet.books.sessions(attempt.reference_no)
    assert session.payment.amount_minor == attempt.expected_minor == AMOUNT_MINOR
    number, suffix = attempt.reference_no.removeprefix(f"{escrow_id}-").split("-")
    assert (number, len(suffix)) == ("1", 6)


def test_neither_card_nor_token_nor_state_is_kept(stage: Stage) -> None:
    escrow_id = stage.create()
    three_ds = initiate(stage, escrow_id).body["three_ds"]
    kept = repr(stage.item(escrow_id))
    form = browser.pass_bank_page(three_ds["url"])
    state = form.action.rsplit("/", 1)[1]
    for secret in (GOOD_CARD, "Ayşe", form.fields["token_id"], state):
        assert secret not in kept


def test_a_second_tab_takes_the_place_of_the_first(stage: Stage) -> None:
    escrow_id = stage.create()
    first, second = stage.initiate(escrow_id), stage.initiate(escrow_id)
    escrow = stage.escrow(escrow_id)
    assert escrow.status == "authenticating"
    assert [a.status for a in escrow.attempts] == ["superseded", "open"]
    assert first.reference_no != second.reference_no


def test_an_unlisted_page_to_return_to_is_refused(stage: Stage) -> None:
    escrow_id = stage.create()
    before = stage.item(escrow_id)
    for page in ("https://evil.example/", f"{RETURN_PAGE}/x", f"{OTHER_PAGE}?x=1"):
        answer = initiate(stage, escrow_id, return_to=page)
        assert (answer.status, answer.body["code"]) == (422, "invalid_request")
        assert [wrong["field"] for wrong in answer.body["errors"]] == ["return_to"]
        assert page not in answer.text
    assert stage.item(escrow_id) == before
    assert stage.paynet.traffic.visits() == []


# ── PAYNET opens no session ──


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "rewrite", "fields": {"code": 5}}, 422, "payment_refused"),
        ({"kind": "status", "status": 500}, 503, "paynet_unreachable"),
        ({"kind": "close"}, 503, "paynet_unreachable"),
        ({"kind": "html"}, 503, "paynet_unreachable"),
    ],
)
def test_without_a_session_the_order_is_payable_again_at_once(
    stage: Stage, fault: dict[str, Any], status: int, code: str
) -> None:
    escrow_id = stage.create()
    stage.paynet.faults.add(path=INITIAL, **fault)
    answer = initiate(stage, escrow_id)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.body["retryable"] is (status == 503)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.attempts[0].status) == ("created", "refused")
    stage.pay(escrow_id)
    assert stage.escrow(escrow_id).status == "held"
    assert stage.taken_minor(escrow_id) == AMOUNT_MINOR


def test_without_the_secret_it_is_503_and_payable_once_it_is_there(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = f"secret-of-{stage.environment['TABLE_NAME']}"
    monkeypatch.setenv("PAYNET_SECRET_ID", missing)
    escrow_id = stage.create()
    answer = initiate(stage, escrow_id)
    assert (answer.status, answer.body["code"]) == (503, "secret_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert stage.escrow(escrow_id).status == "created"
    assert stage.paynet.traffic.visits() == []
    secret_store = boto3.client("secretsmanager")
    put_secret(secret_store, missing, {"secret_key": PAYNET_KEY})
    secret_store.close()
    stage.pay(escrow_id)
    assert stage.escrow(escrow_id).status == "held"


# ── killed on the way ──


def test_an_attempt_that_nobody_finished_is_superseded_after_half_a_minute(
    stage: Stage,
) -> None:
    escrow_id = stage.create()
    dying = DyingGateway(stage.line)
    with pytest.raises(Killed):
        start(stage, escrow_id, dying)
    stage.clock.move(seconds=29)
    with pytest.raises(AttemptStarting):
        start(stage, escrow_id)
    stage.clock.move(seconds=1)
    escrow = start(stage, escrow_id)
    assert [a.status for a in escrow.attempts] == ["superseded", "open"]


def test_while_an_attempt_starts_another_is_told_to_wait(stage: Stage) -> None:
    escrow_id = stage.create()
    dying = DyingGateway(stage.line)
    with pytest.raises(Killed):
        start(stage, escrow_id, dying)
    before = stage.item(escrow_id)
    answer = initiate(stage, escrow_id)
    assert (answer.status, answer.body["code"]) == (409, "attempt_starting")
    assert 0 < int(answer.headers["Retry-After"]) <= 30
    assert answer.body["retryable"] is True
    assert stage.item(escrow_id) == before


# ── when it may not start ──


def test_it_does_not_start_while_a_charge_is_undecided(stage: Stage) -> None:
    escrow_id = stage.create()
    stage.pay(escrow_id, LOST_CARD)
    before = stage.item(escrow_id)
    answer = initiate(stage, escrow_id)
    assert (answer.status, answer.body["code"]) == (409, "not_allowed_now")
    assert answer.body["escrow"]["status"] == "charging"
    assert stage.item(escrow_id) == before


def test_a_paid_order_is_not_paid_again(stage: Stage) -> None:
    escrow_id = stage.held()
    before = stage.item(escrow_id)
    answer = initiate(stage, escrow_id)
    assert (answer.status, answer.body["escrow"]["status"]) == (409, "held")
    assert stage.item(escrow_id) == before


def test_an_expired_order_is_not_paid(stage: Stage) -> None:
    escrow_id = stage.create(policy={"pay_within_hours": 1})
    stage.reconcile(hours=1)
    answer = initiate(stage, escrow_id)
    assert (answer.status, answer.body["escrow"]["status"]) == (409, "expired")


def test_nobody_starts_to_pay_after_the_last_moment(stage: Stage) -> None:
    escrow_id = stage.create(policy={"pay_within_hours": 1})
    stage.clock.move(hours=1)
    with pytest.raises(IllegalTransition, match="pay_by_over"):
        start(stage, escrow_id)


def test_five_attempts_in_ten_minutes_are_enough(stage: Stage) -> None:
    escrow_id = stage.create()
    for _ in range(5):
        assert initiate(stage, escrow_id).status == 201
    before = stage.item(escrow_id)
    answer = initiate(stage, escrow_id)
    assert (answer.status, answer.body["code"]) == (429, "attempts_too_fast")
    assert 0 < int(answer.headers["Retry-After"]) <= 600
    assert stage.item(escrow_id) == before
    stage.clock.move(minutes=9)
    with pytest.raises(AttemptsTooFast):
        start(stage, escrow_id)
    stage.clock.move(minutes=1, seconds=5)
    assert start(stage, escrow_id).status == "authenticating"


def test_ten_attempts_are_all_there_are(stage: Stage) -> None:
    escrow_id = stage.create()
    for _ in range(10):
        start(stage, escrow_id)
        stage.clock.move(minutes=3)
    with pytest.raises(TooManyAttempts):
        start(stage, escrow_id)
    assert len(stage.escrow(escrow_id).attempts) == 10
