"""What PAYNET posts by itself, read as a hint: whose it is, and nothing that is secret;
whatever comes, reading never fails."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet.errors import EscrowNotFound
from emanet.escrow import Escrow, Role
from emanet.paynet.callbacks import read_callback
from emanet.ports import Callback, EscrowStore, Hint, Inbox
from emanet.settlements import send
from emanet.usecases.receive_callback import (
    OrderPath,
    callback_id,
    is_ours,
    receive_callback,
)
from emanet.usecases.starting import digest
from tests.unit import scenes
from tests.unit.scenes import START, step

REFERENCE = "abcdefghijklmnopqrstuvwxyz-1-k7m2qa"
PATH = "/api/webhooks/paynet-callback"


def sent(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize("name", ["referance_no", "reference_no"])
def test_both_spellings_of_the_reference_are_read(name: str) -> None:
    assert read_callback(sent(**{name: REFERENCE})).reference_no == REFERENCE


def test_a_form_is_read_as_well() -> None:
    raw = urlencode({"referance_no": REFERENCE, "amount": "130,00"}).encode()
    hint = read_callback(raw)
    assert hint.reference_no == REFERENCE
    assert hint.fields["amount"] == "130,00"


def test_two_references_that_differ_are_nobody_s() -> None:
    raw = sent(referance_no=REFERENCE, reference_no="another")
    assert read_callback(raw).reference_no is None


@pytest.mark.parametrize("reference", [None, 7, True, ["a"], {"a": 1}])
def test_a_reference_that_is_no_text_is_nobody_s(reference: object) -> None:
    assert read_callback(sent(reference_no=reference)).reference_no is None


def test_card_token_and_keys_are_dropped() -> None:
    canaries = {
        "card_no": "4111111111111111",
        "pan": "5528790000000008",
        "cvc": "917",
        "token_id": "tok-canary",
        "session_id": "ses-canary",
        "secret_key": "sck-canary",
        "card_holder": "CANARY HOLDER",
    }
    kept = str(read_callback(sent(reference_no=REFERENCE, is_succeed=True, **canaries)))
    assert [word for word in canaries.values() if word in kept] == []


def test_a_nested_or_long_value_is_dropped() -> None:
    fields = read_callback(sent(amount={"card": "4111"}, xact_id="x" * 500)).fields
    assert fields == {"amount": "(dropped)", "xact_id": "(dropped)"}


@pytest.mark.parametrize(
    "name", ["xact_id", "amount", "code", "status", "reference_no"]
)
@pytest.mark.parametrize("number", ["4355084355084358", "4355 0843 5508 4358"])
def test_a_card_number_in_a_field_that_is_kept_is_dropped(
    name: str, number: str
) -> None:
    hint = read_callback(sent(**{name: number}))
    assert hint.fields == {name: "(dropped)"}
    assert hint.reference_no is None


def test_no_float_is_made_of_an_amount() -> None:
    fields = read_callback(b'{"amount": 0.1, "code": 1e309, "status": NaN}').fields
    assert fields == {"amount": "0.1", "code": "1e309", "status": "NaN"}


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"[]", b'"text"', b"{", b"\xff\xfe\x00", b"[" * 100_000]
)
def test_what_cannot_be_read_is_nobody_s(raw: bytes) -> None:
    assert read_callback(raw).reference_no is None


@given(st.binary(max_size=300))
def test_reading_never_fails_and_what_is_kept_can_be_stored(raw: bytes) -> None:
    hint = read_callback(raw)
    json.dumps(dict(hint.fields)).encode()


def test_a_reference_that_is_no_unicode_is_nobody_s() -> None:
    """It would be stored, and no table takes half a character."""
    hint = read_callback(b'{"reference_no": "\\ud800", "amount": "\\udfff"}')
    f"{hint.reference_no}{hint.fields}".encode()


def test_the_same_bytes_on_the_same_path_are_the_same_callback() -> None:
    raw = sent(reference_no=REFERENCE)
    assert callback_id(PATH, raw) == callback_id(PATH, raw)
    assert callback_id(PATH, raw) != callback_id(PATH, raw + b" ")
    assert callback_id(PATH, raw) != callback_id(f"{PATH}/x", raw)
    assert callback_id(PATH, raw).startswith("inbox-")


# ── the path that we told PAYNET with a refund ───────────────────────────────

SECRET = "k" * 32
ASKED = scenes.reserved()
SENT = send(ASKED, "key-1", (), digest(SECRET), step(Role.CLOCK))
SUBJECT = SENT.settlements[0].subject


@dataclass
class Shelf(EscrowStore):
    """The escrows that exist."""

    escrows: tuple[Escrow, ...]

    def get(self, escrow_id: str) -> Escrow:
        for escrow in self.escrows:
            if escrow.id == escrow_id:
                return escrow
        raise EscrowNotFound(escrow_id)

    def create(self, escrow: Escrow) -> Escrow:
        raise NotImplementedError

    def save(self, before: Escrow, after: Escrow) -> None:
        raise NotImplementedError

    def list_for_payer(self, payer_id: str, limit: int) -> list[Escrow]:
        raise NotImplementedError

    def list_for_payee(self, payee_id: str, limit: int) -> list[Escrow]:
        raise NotImplementedError


OTHER = replace(SENT, id="b" * 26, settlements=ASKED.settlements)
SHELF = Shelf((SENT, OTHER))
RIGHT = OrderPath(SENT.id, SUBJECT, SECRET)


def test_the_orders_own_secret_opens_its_path() -> None:
    assert is_ours(RIGHT, SHELF)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RIGHT, secret="l" * 32),
        replace(RIGHT, secret=SECRET[:-1]),
        replace(RIGHT, secret=SECRET + "k"),
        replace(RIGHT, secret=SECRET.upper()),
        replace(RIGHT, secret=""),
        replace(RIGHT, secret=digest(SECRET)),
        replace(RIGHT, secret="ş\ud800"),
        replace(RIGHT, subject="key-1"),
        replace(RIGHT, subject=""),
        replace(RIGHT, subject=SUBJECT.upper()),
        replace(RIGHT, escrow_id=OTHER.id),
        replace(RIGHT, escrow_id="a" * 26),
    ],
    ids=lambda of: f"{of.escrow_id[:3]}/{of.subject[:3]}/{of.secret[:3]!r}",
)
def test_nothing_else_opens_it(wrong: OrderPath) -> None:
    """Neither another order's secret, nor one of an order that was never sent."""
    assert not is_ours(wrong, SHELF)


def test_a_subject_says_nothing_of_its_key() -> None:
    key = "operations:ops-1/refund-1"
    subject = replace(SENT.settlements[0], key=key).subject
    assert len(subject) == 16
    assert subject.isalnum()
    assert subject != SUBJECT


def test_the_secret_of_a_path_is_not_shown() -> None:
    assert SECRET not in f"{RIGHT!r} {RIGHT}"


@dataclass
class Box(Inbox):
    kept: list[Callback] = field(default_factory=list)

    def keep(self, callback: Callback) -> None:
        self.kept.append(callback)

    def read(self, callback_id: str) -> Callback | None:
        raise NotImplementedError

    def finish(self, callback: Callback, lease_until: datetime) -> bool:
        raise NotImplementedError

    def decide(self, before: Callback, after: Callback) -> bool:
        raise NotImplementedError


def test_a_refunds_callback_is_kept_by_its_order_and_due_at_once() -> None:
    box = Box()
    path = f"{PATH}/{SENT.id}/{SUBJECT}/{SECRET}"
    told = receive_callback(
        path,
        b"code=0",
        read=lambda _: Hint(None, {"code": "0"}, is_approved=True),
        inbox=box,
        clock=lambda: START,
        of=RIGHT,
    )
    assert box.kept == [told]
    assert (told.escrow_id, told.subject) == (SENT.id, SUBJECT)
    assert (told.is_approved, told.due_at) == (True, START)
    assert SECRET not in repr(told)
