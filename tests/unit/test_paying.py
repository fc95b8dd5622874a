"""With what a payment begins, and what is refused before PAYNET is asked for a session:
a quote that does not hold, a card that is not the payer's, an order that is not to be
paid. Books and PAYNET are in memory; both are arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from emanet import instalments
from emanet.cards import StoredCard
from emanet.errors import (
    CardNotFound,
    EmanetError,
    FieldProblem,
    IllegalTransition,
    InvalidRequest,
    PaymentRefused,
    PaynetUnreachable,
    QuoteRefused,
)
from emanet.escrow import CardConsent, Escrow, Expected, Status
from emanet.instalments import Offer
from emanet.outcome import Unknown
from emanet.ports import Card, Desk, Form, Forms, Session, SessionOrder, Storing
from emanet.usecases.access import Caller
from emanet.usecases.initiate_3d import Till, initiate_3d
from emanet.usecases.open_form import open_form
from emanet.usecases.starting import Payment, Saving, Start
from tests.unit import scenes
from tests.unit.scenes import AMOUNT_MINOR, later
from tests.unit.test_returns import Bank, Books
from tests.unit.wallets import (
    CARD,
    OTHER,
    OVER,
    SOON,
    Owners,
    Wallet,
    book,
    id_of,
    two_payers,
)

NOW = later(minutes=1)
KEY = b"key of quotes"
TYPED = Card("Ayşe Yılmaz", "4355084355084358", 12, 2030, "000")
ESCROW = scenes.created()
OFFER = Offer(3, 136_500, "0.05")
BUYER = Caller("buyer-1", frozenset({"escrow:pay"}))
START = Start(ESCROW.id, scenes.RETURN_PAGE, "https://pay.example")
Refusal = type[Exception]


@dataclass
class Desks(Bank):
    """PAYNET opens a session for whatever it is asked, or fails so."""

    fails: EmanetError | None = None
    opened: list[tuple[SessionOrder, Card | StoredCard]] = field(default_factory=list)

    def open_session(
        self, order: SessionOrder, card: Card | StoredCard, deadline: datetime
    ) -> Session:
        assert deadline == SOON
        self.opened.append((order, card))
        if self.fails:
            raise self.fails
        return Session("session-1", "https://bank.example", None)


def told(offer: Offer = OFFER, bin_: str = CARD.bin, escrow: Escrow = ESCROW) -> str:
    return instalments.signed(instalments.quote(escrow, offer, bin_, NOW), KEY)


@dataclass
class Scene:
    """A payer who is about to pay."""

    escrow: Escrow = ESCROW
    fails: EmanetError | None = None
    at: datetime = NOW
    owners: Owners = field(default_factory=lambda: two_payers()[0])
    wallet: Wallet = field(default_factory=lambda: two_payers()[1])

    def __post_init__(self) -> None:
        numbers = count(1)
        self.books = Books(self.escrow)
        self.bank = Desks(self.books, fails=self.fails)
        self.desk = Desk(
            self.books, lambda: self.at, lambda _: f"chance-{next(numbers)}"
        )

    def pays(self, payment: Payment) -> Escrow:
        till = Till(
            desk=self.desk,
            gateway=self.bank,
            book=book(self.owners, self.wallet),
            quote_key=lambda: KEY,
            user_id=lambda payer_id: f"user-of-{payer_id}",
        )
        return initiate_3d(START, payment, BUYER, till, SOON)[0]

    def refuses(self, payment: Payment, refusal: Refusal) -> str:
        """Nothing is written, and no session asked for. Says what is wrong with a
        field."""
        with pytest.raises(refusal) as caught:
            self.pays(payment)
        assert (self.books.escrow, self.bank.opened) == (self.escrow, [])
        problems: tuple[FieldProblem, ...] = getattr(caught.value, "problems", ())
        return "".join(each.problem for each in problems)


# ── for how much ─────────────────────────────────────────────────────────────


def test_without_a_quote_it_is_one_payment_of_the_amount() -> None:
    scene = Scene()
    [attempt] = scene.pays(Payment(TYPED)).attempts
    assert (attempt.expected_minor, attempt.instalments) == (AMOUNT_MINOR, 1)
    [(order, card)] = scene.bank.opened
    assert order.expected == Expected(attempt.reference_no, AMOUNT_MINOR)
    assert (card, order.storing) == (TYPED, None)


@pytest.mark.parametrize("card", [TYPED, id_of(CARD)], ids=["typed", "stored"])
def test_with_a_quote_it_is_what_the_quote_says(card: Card | str) -> None:
    scene = Scene()
    [attempt] = scene.pays(Payment(card, told())).attempts
    assert (attempt.expected_minor, attempt.instalments) == (136_500, 3)
    [(order, _)] = scene.bank.opened
    assert order.expected == Expected(attempt.reference_no, 136_500, 3)


ANOTHERS = scenes.created(id="a" * 26)


@pytest.mark.parametrize("card", [TYPED, id_of(CARD)], ids=["typed", "stored"])
@pytest.mark.parametrize(
    ("quote", "late", "problem"),
    [
        (told()[:-1] + "!", timedelta(), "altered"),
        (told(escrow=ANOTHERS), timedelta(), "another_escrow"),
        (told(), timedelta(minutes=15), "quote_expired"),
        (
            told(escrow=replace(ESCROW, amount_minor=1)),
            timedelta(),
            "amount_changed",
        ),
    ],
)
def test_a_quote_that_does_not_hold_is_refused_before_anybody_is_asked(
    card: Card | str, quote: str, late: timedelta, problem: str
) -> None:
    scene = Scene(at=NOW + late)
    assert scene.refuses(Payment(card, quote), QuoteRefused) == problem
    assert scene.wallet.asked == []


@pytest.mark.parametrize("card", [TYPED, id_of(CARD)], ids=["typed", "stored"])
def test_a_quote_for_another_card_is_refused(card: Card | str) -> None:
    payment = Payment(card, told(bin_="520019"))
    assert Scene().refuses(payment, QuoteRefused) == "another_card"


@dataclass
class Slow(Wallet):
    """Meanwhile something happens."""

    meanwhile: Callable[[], None] = lambda: None

    def stored(
        self, owner_id: str, deadline: datetime
    ) -> tuple[StoredCard, ...] | Unknown:
        self.meanwhile()
        return super().stored(owner_id, deadline)


def test_a_quote_that_ends_while_the_card_is_looked_up_is_refused() -> None:
    """Whether it holds is asked once more in the moment in which the attempt begins."""
    scene = Scene()

    def wait() -> None:
        scene.at = NOW + timedelta(minutes=15)

    scene.wallet = Slow(scene.wallet.stored_, meanwhile=wait)
    payment = Payment(id_of(CARD), told())
    assert scene.refuses(payment, QuoteRefused) == "quote_expired"


# ── with what ────────────────────────────────────────────────────────────────


def test_a_stored_card_is_looked_up_among_the_payer_s_own() -> None:
    scene = Scene()
    assert scene.pays(Payment(id_of(CARD))).status is Status.AUTHENTICATING
    [(_, card)] = scene.bank.opened
    assert card == CARD
    assert scene.wallet.asked == [("stored", "owner-1")]


ANOTHER_S_CARD = StoredCard("hash-9", "520019", "0033", 1, 2031)


@pytest.mark.parametrize(
    "wanted",
    [id_of(ANOTHER_S_CARD, OTHER), id_of(ANOTHER_S_CARD), id_of(CARD, OTHER), "hash-1"],
)
def test_no_id_of_another_s_card_pays(wanted: str) -> None:
    Scene().refuses(Payment(wanted), CardNotFound)


def test_a_stored_card_that_is_over_pays_nothing() -> None:
    assert Scene().refuses(Payment(id_of(OVER)), InvalidRequest) == "card_expired"


def test_while_paynet_does_not_list_no_stored_card_pays() -> None:
    scene = Scene(wallet=Wallet(silent="closed"))
    scene.refuses(Payment(id_of(CARD)), PaynetUnreachable)


@pytest.mark.parametrize(
    "status", sorted(set(Status) - {Status.CREATED, Status.AUTHENTICATING})
)
def test_where_there_is_nothing_to_pay_paynet_is_asked_nothing(status: Status) -> None:
    scene = Scene(scenes.in_status(status))
    scene.refuses(Payment(id_of(CARD)), IllegalTransition)
    assert scene.wallet.asked == []


@pytest.mark.parametrize("fails", [PaymentRefused("5"), CardNotFound()])
def test_a_session_that_paynet_refuses_leaves_the_order_payable(
    fails: EmanetError,
) -> None:
    scene = Scene(fails=fails)
    with pytest.raises(type(fails)):
        scene.pays(Payment(id_of(CARD)))
    [attempt] = scene.books.escrow.attempts
    assert (scene.books.escrow.status, attempt.status) == (Status.CREATED, "refused")
    assert scene.books.escrow.history[-1].why == fails.code


# ── stored if it pays ────────────────────────────────────────────────────────

SAVING = Payment(TYPED, saving=Saving("kvkk-2", "Kartım"))


def test_the_consent_is_kept_with_the_attempt_with_its_text_and_moment() -> None:
    [attempt] = Scene().pays(SAVING).attempts
    assert attempt.consent == CardConsent("kvkk-2", NOW)


def test_without_the_wish_there_is_no_consent() -> None:
    for card in (TYPED, id_of(CARD)):
        assert Scene().pays(Payment(card)).attempts[0].consent is None


def test_paynet_is_told_the_owner_that_it_knows_and_an_id_that_says_nothing() -> None:
    scene, first = Scene(), Scene(owners=Owners())
    for each, owner_id in ((scene, "owner-1"), (first, None)):
        each.pays(SAVING)
        [(order, _)] = each.bank.opened
        assert order.storing == Storing("Kartım", "user-of-buyer-1", owner_id)


def test_asking_to_store_a_card_stores_nothing_yet() -> None:
    scene = Scene(owners=Owners())
    scene.pays(SAVING)
    assert scene.owners.known == {}


# ── in PAYNET's own form ─────────────────────────────────────────────────────


@dataclass
class Shown(Forms):
    orders: list[SessionOrder] = field(default_factory=list)

    def form(self, order: SessionOrder) -> Form:
        self.orders.append(order)
        return Form("https://paynet.example/x.js", {}, order.return_url)


def test_the_form_is_shown_for_an_attempt_that_is_written_before() -> None:
    scene, forms = Scene(), Shown()
    escrow, form = open_form(START, BUYER, scene.desk, forms)
    assert scene.books.escrow == escrow
    [attempt], [order] = escrow.attempts, forms.orders
    assert order.expected == Expected(attempt.reference_no, AMOUNT_MINOR, 1, True)
    assert form.action == order.return_url
    way = f"https://pay.example/api/3d/return/{escrow.id}/1/"
    assert order.return_url.startswith(way)
    assert (order.storing, order.is_escrow) == (None, False)


@pytest.mark.parametrize("sub", ["seller-1", "buyer-2", "ops-1"])
def test_nobody_but_the_payer_is_shown_a_form(sub: str) -> None:
    scene, forms = Scene(), Shown()
    other = Caller(sub, frozenset({"escrow:pay", "operations"}))
    with pytest.raises(EmanetError):
        open_form(START, other, scene.desk, forms)
    assert (forms.orders, scene.books.escrow) == ([], ESCROW)
