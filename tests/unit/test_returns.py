"""The browser's way back: read tolerantly, believed never. What it may do is tried with
books and a bank in memory; both are arguments, nothing of ours is patched."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet import attempts, returns
from emanet.cards import StoredCard
from emanet.errors import EscrowNotFound, StaleEscrow, StoreUnavailable
from emanet.escrow import CardConsent, Escrow, Expected, Role, Status
from emanet.outcome import Approved, Declined, Outcome, Unknown
from emanet.ports import Card, Desk, EscrowStore, Gateway, Session, SessionOrder
from emanet.usecases.complete_3d import (
    UNREADABLE,
    Counter,
    Landing,
    Return,
    complete_3d,
)
from emanet.usecases.starting import digest
from tests.unit import scenes
from tests.unit.scenes import later
from tests.unit.wallets import Owners

PAGES = (scenes.RETURN_PAGE, "https://m.shop.example/done?from=bank")
STATE = "s" * 32
FORM = {"session_id": "session-1", "token_id": "token-1"}


# ── what PAYNET's page posted ────────────────────────────────────────────────


def read(body: bytes, query: str = "") -> tuple[str | None, str | None]:
    return returns.read_return(body, query)


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (urlencode(FORM).encode(), ""),
        (json.dumps(FORM).encode(), ""),
        (b" \n" + json.dumps(FORM).encode(), ""),
        (b"", urlencode(FORM)),
        (b"session_id=session-1", "token_id=token-1"),
        (urlencode(FORM).encode(), urlencode(FORM)),
        (urlencode(FORM).encode() + b"&session_id=session-1&x=1", ""),
        (urlencode(FORM).encode() + b"&session_id=", ""),
    ],
)
def test_session_and_token_are_found_wherever_they_are(body: bytes, query: str) -> None:
    assert read(body, query) == ("session-1", "token-1")


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (urlencode(FORM).encode() + b"&session_id=other", ""),
        (urlencode(FORM).encode() + b"&token_id=other", ""),
        (urlencode(FORM).encode(), "token_id=other"),
        (b'{"session_id": "a", "session_id": "b", "token_id": "t"}', ""),
        (urlencode(FORM | {"token_id": "t" * 101}).encode(), ""),
    ],
)
def test_fields_that_came_twice_or_too_long_make_it_unreadable(
    body: bytes, query: str
) -> None:
    """Neither value is chosen: unreadable equals no session that was ever given out."""
    assert read(body, query) == (UNREADABLE, UNREADABLE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"session_id=&token_id=",
        b'{"session_id": null, "token_id": null}',
        b'{"data": {"session_id": "session-1", "token_id": "token-1"}}',
        b"SESSION_ID=session-1&Token_Id=token-1",
        b"{",
        b"[" * 10_000,
        b'{"a":' * 10_000,
        b"\xff\xfe\x00",
    ],
    ids=lambda body: body[:30].decode("latin-1"),
)
def test_what_is_not_plainly_there_is_missing(body: bytes) -> None:
    assert read(body) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        b'{"session_id": 7, "token_id": null}',
        b'{"session_id": ["session-1"], "token_id": {"a": 1}}',
    ],
)
def test_what_is_there_but_no_text_is_no_word_of_the_bank(body: bytes) -> None:
    assert read(body) == (UNREADABLE, UNREADABLE)


@given(st.binary(max_size=300), st.text(max_size=100))
def test_reading_never_fails(body: bytes, query: str) -> None:
    for word in read(body, query):
        assert word is None or 0 < len(word.encode()) <= 100


@pytest.mark.parametrize(
    "number", ["", "0", "01", "-1", "1.0", "1e1", "1000", "٣", " 1", "1\n", "one"]
)
def test_an_attempt_that_is_no_number_is_nobody_s(number: str) -> None:
    path = {"escrow_id": "e", "attempt": number, "state": STATE}
    assert returns.back_from_bank(path, b"", "").attempt == 0


def test_state_session_and_token_are_not_shown() -> None:
    path = {"escrow_id": "e", "attempt": "1", "state": STATE}
    back = returns.back_from_bank(path, urlencode(FORM).encode(), "")
    for secret in (STATE, "session-1", "token-1"):
        assert secret not in repr(back)


# ── the redirect ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("landing", "location"),
    [
        (Landing(PAGES[0], "id-1"), "https://shop.example/return?escrow=id-1"),
        (Landing(PAGES[1], "id-1"), f"{PAGES[1]}&escrow=id-1"),
        (Landing(PAGES[1]), PAGES[1]),
        (Landing(), PAGES[0]),
        (Landing(None, "id-1"), PAGES[0]),
        (Landing("https://evil.example", "id-1"), PAGES[0]),
        (Landing(PAGES[0] + "/", "id-1"), PAGES[0]),
        (Landing(PAGES[0] + "@evil.example", "id-1"), PAGES[0]),
        (Landing("//evil.example", "id-1"), PAGES[0]),
        (Landing("javascript:alert(1)", "id-1"), PAGES[0]),
    ],
)
def test_the_browser_is_sent_to_listed_pages_only(
    landing: Landing, location: str
) -> None:
    answer = returns.redirect(landing, PAGES)
    assert (answer["statusCode"], answer["body"]) == (303, "")
    assert answer["headers"] == {
        "Location": location,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }


# ── what a return may do ─────────────────────────────────────────────────────


@dataclass
class Books(EscrowStore):
    """One escrow in memory; a write needs the version that it is based on. A `rival`
    writes just before the first write."""

    escrow: Escrow
    rival: Escrow | None = None
    are_open: bool = True

    def get(self, escrow_id: str) -> Escrow:
        if escrow_id != self.escrow.id:
            raise EscrowNotFound
        return self.escrow

    def save(self, before: Escrow, after: Escrow) -> None:
        if not self.are_open:
            raise StoreUnavailable
        if self.rival:
            self.escrow, self.rival = self.rival, None
        if self.escrow.version != before.version:
            raise StaleEscrow(self.escrow)
        self.escrow = after

    def create(self, escrow: Escrow) -> Escrow:
        raise NotImplementedError

    def list_for_payer(self, payer_id: str, limit: int) -> list[Escrow]:
        raise NotImplementedError

    def list_for_payee(self, payee_id: str, limit: int) -> list[Escrow]:
        raise NotImplementedError


@dataclass
class Bank(Gateway):
    """Answers every charge alike, and remembers what our books said at that moment."""

    books: Books
    outcome: Outcome = field(default_factory=lambda: Approved(scenes.capture()))
    charged: list[tuple[str, str, Expected]] = field(default_factory=list)
    books_said: list[Status] = field(default_factory=list)

    def be_ready(self, deadline: datetime) -> None:
        assert deadline.tzinfo

    def charge(
        self,
        session_id: str,
        token_id: str,
        expected: Expected,
        deadline: datetime,
    ) -> Outcome:
        assert deadline == DEADLINE
        self.charged.append((session_id, token_id, expected))
        self.books_said.append(self.books.escrow.status)
        return self.outcome

    def open_session(
        self, order: SessionOrder, card: Card | StoredCard, deadline: datetime
    ) -> Session:
        raise NotImplementedError

    def ask(self, expected: Expected, deadline: datetime) -> Outcome:
        raise NotImplementedError


def with_state(escrow: Escrow) -> Escrow:
    known = tuple(replace(a, state_digest=digest(STATE)) for a in escrow.attempts)
    return replace(escrow, attempts=known)


DEADLINE = later(minutes=3)
OPEN = with_state(scenes.authenticating())
BACK = Return(OPEN.id, 1, STATE, "session-1", "token-1")
HOME = Landing(scenes.RETURN_PAGE, OPEN.id)


def come_back(bank: Bank, back: Return = BACK, owners: Owners | None = None) -> Landing:
    numbers = count(1)
    desk = Desk(bank.books, lambda: later(minutes=2), lambda _: f"back-{next(numbers)}")
    return complete_3d(back, Counter(desk, bank, owners or Owners()), DEADLINE)


def test_the_right_return_charges_once_and_holds_the_money() -> None:
    bank = Bank(Books(OPEN))
    assert come_back(bank) == HOME
    attempt = OPEN.attempts[0]
    assert bank.charged == [("session-1", "token-1", attempt.expected)]
    assert bank.books.escrow.status is Status.HELD


def test_the_intent_is_in_the_books_before_the_card_is_charged() -> None:
    """Rule 4."""
    bank = Bank(Books(OPEN))
    come_back(bank)
    assert bank.books_said == [Status.CHARGING]


def test_a_second_return_changes_nothing() -> None:
    bank = Bank(Books(OPEN))
    come_back(bank)
    once = bank.books.escrow
    assert come_back(bank) == HOME
    assert (len(bank.charged), bank.books.escrow) == (1, once)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "t" * 32},
        {"state": STATE[:-1]},
        {"state": ""},
        {"state": digest(STATE)},
        {"attempt": 2},
        {"attempt": 0},
        {"escrow_id": "nobody"},
    ],
    ids=str,
)
def test_a_wrong_path_charges_nothing_writes_nothing_and_says_nothing(
    wrong: dict[str, str | int],
) -> None:
    bank = Bank(Books(OPEN))
    back = replace(BACK, **wrong)  # type: ignore[arg-type] # each value fits its field
    assert come_back(bank, back) == Landing()
    assert (bank.charged, bank.books.escrow) == ([], OPEN)


@pytest.mark.parametrize(
    "session", ["session-2", "session-1 ", "SESSION-1", UNREADABLE]
)
def test_another_session_charges_nothing_and_writes_nothing(session: str) -> None:
    bank = Bank(Books(OPEN))
    assert come_back(bank, replace(BACK, session_id=session)) == HOME
    assert (bank.charged, bank.books.escrow) == ([], OPEN)


def test_half_a_character_is_another_session_and_no_failure() -> None:
    bank = Bank(Books(OPEN))
    session, token = read(b'{"session_id": "\\ud800", "token_id": "\\udfff"}')
    back = replace(BACK, session_id=session, token_id=token)
    assert come_back(bank, back) == HOME
    assert (bank.charged, bank.books.escrow) == ([], OPEN)


FORM_OPEN = with_state(scenes.form_open())


def test_what_comes_back_of_paynet_s_form_is_charged_by_its_own_session() -> None:
    bank = Bank(Books(FORM_OPEN))
    assert come_back(bank, replace(BACK, session_id="session-a")) == HOME
    expected = FORM_OPEN.attempts[0].expected
    assert bank.charged == [("session-a", "token-1", expected)]
    assert expected.is_hosted
    held = bank.books.escrow
    assert (held.status, held.attempts[0].session_id) == (Status.HELD, "session-a")


def test_the_form_s_session_is_bound_before_it_is_charged() -> None:
    """Another one that comes back meanwhile, or later, charges nothing."""
    bank = Bank(Books(FORM_OPEN), Unknown("timeout"))
    come_back(bank, replace(BACK, session_id="session-a"))
    assert bank.books.escrow.status is Status.CHARGING
    once = bank.books.escrow
    for session in ("session-b", UNREADABLE):
        assert come_back(bank, replace(BACK, session_id=session)) == HOME
    assert (len(bank.charged), bank.books.escrow) == (1, once)


def test_what_nobody_can_read_is_no_session_of_the_form_either() -> None:
    bank = Bank(Books(FORM_OPEN))
    back = replace(BACK, session_id=UNREADABLE, token_id=UNREADABLE)
    assert come_back(bank, back) == HOME
    assert (bank.charged, bank.books.escrow) == ([], FORM_OPEN)


def test_a_form_that_is_superseded_or_over_charges_nothing() -> None:
    superseded = with_state(scenes.form_open(FORM_OPEN, later(minutes=1)))
    cancelled = attempts.cancel(FORM_OPEN, scenes.step(Role.PAYER))
    for escrow in (superseded, cancelled):
        bank = Bank(Books(escrow))
        assert come_back(bank) == HOME
        assert (bank.charged, bank.books.escrow) == ([], escrow)


# ── the card that is stored with it ──────────────────────────────────────────

CONSENT = CardConsent("kvkk-2", later())
SAVING = with_state(scenes.authenticating(consent=CONSENT))
STORED = Approved(scenes.capture(), card_owner_id="owner-1")


def test_a_card_that_paid_and_was_stored_is_remembered() -> None:
    bank, owners = Bank(Books(SAVING), STORED), Owners()
    assert come_back(bank, owners=owners).came_of == "approved"
    assert owners.known["buyer-1"].owner_id == "owner-1"
    assert owners.known["buyer-1"].consents == (CONSENT,)


@pytest.mark.parametrize("outcome", [Declined("51"), Unknown("timeout")])
def test_a_card_that_did_not_pay_is_not_remembered(outcome: Outcome) -> None:
    owners = Owners()
    come_back(Bank(Books(SAVING), outcome), owners=owners)
    assert owners.known == {}


def test_a_payment_stands_even_if_its_card_is_not_remembered() -> None:
    bank, owners = Bank(Books(SAVING), STORED), Owners(are_open=False)
    landing = come_back(bank, owners=owners)
    assert (landing, landing.came_of) == (HOME, "approved card_not_kept")
    assert bank.books.escrow.status is Status.HELD


@pytest.mark.parametrize("missing", ["session_id", "token_id"])
def test_the_right_state_without_session_or_token_is_the_bank_s_no(
    missing: str,
) -> None:
    bank = Bank(Books(OPEN))
    back = replace(BACK, **{missing: None})  # type: ignore[arg-type] # both may be None
    assert come_back(bank, back) == HOME
    assert bank.charged == []
    assert bank.books.escrow.status is Status.CREATED
    assert bank.books.escrow.history[-1].transition == "fail_3d"


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AUTHENTICATING}))
def test_a_return_to_any_other_status_charges_nothing(status: Status) -> None:
    """In `charging` two minutes on, the lease is over: that one repeats the pair."""
    escrow = with_state(scenes.in_status(status))
    bank = Bank(Books(escrow))
    come_back(bank)
    assert len(bank.charged) == (status is Status.CHARGING)
    if not bank.charged:
        assert bank.books.escrow == escrow


def test_a_superseded_session_charges_nothing() -> None:
    escrow = with_state(scenes.authenticating(OPEN, later(minutes=1)))
    bank = Bank(Books(escrow))
    assert come_back(bank) == HOME
    assert (bank.charged, bank.books.escrow) == ([], escrow)


def test_an_attempt_without_a_stored_session_is_never_charged() -> None:
    escrow = with_state(scenes.starting())
    bank = Bank(Books(escrow))
    assert come_back(bank) == HOME
    assert come_back(bank, replace(BACK, session_id="None")) == HOME
    assert (bank.charged, bank.books.escrow) == ([], escrow)


def test_who_loses_the_race_for_the_intent_does_not_charge() -> None:
    rival = with_state(scenes.charging())
    bank = Bank(Books(OPEN, rival))
    assert come_back(bank) == HOME
    assert (bank.charged, bank.books.escrow) == ([], rival)


def test_a_declined_card_sends_the_payer_home_and_is_payable_again() -> None:
    bank = Bank(Books(OPEN), Declined("51"))
    assert come_back(bank) == HOME
    assert bank.books.escrow.status is Status.CREATED


def test_books_that_do_not_answer_charge_nothing() -> None:
    bank = Bank(Books(OPEN, are_open=False))
    assert come_back(bank) == HOME
    assert bank.charged == []
