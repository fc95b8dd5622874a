"""What we say to PAYNET about one payment and how its answers are read: one codec per
endpoint, a request and a reading each; its paged lists are in `listed`, what it knows
of cards is in `ratios` and `wallet`. Pure: it sends nothing, keeps nothing and logs
nothing, and turns every answer that it cannot read for certain into `Unknown`, never
into a guess."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

from emanet.cards import StoredCard
from emanet.errors import CardNotFound, PaymentRefused, PaynetUnreachable
from emanet.escrow import Expected
from emanet.money import RuleBroken
from emanet.outcome import Accepted, Declined, Denied, Reply, Unknown
from emanet.paynet.answer import (
    KEY_REFUSED,
    OK,
    SERVER_DOWN,
    UNAUTHORIZED,
    UNDECIDED,
    Answer,
)
from emanet.paynet.formats import JsonObject, lira, text
from emanet.paynet.rows import SALE, Row, Text, Truth
from emanet.ports import Card, Session, SessionOrder, Storing

TDS_INITIAL = "/v2/transaction/tds_initial"
TDS_CHARGE = "/v2/transaction/tds_charge"
CHARGE = "/v1/transaction/charge"
CHECK = "/v1/transaction/check"
DETAIL = "/v1/transaction/detail"
REVERSED_REQUEST = "/v1/transaction/reversed_request"
ESCROW_STATUS_UPDATE = "/v1/transaction/escrow_status_update"

APPROVE = 2
OWNER_LONGEST = 100
_NUMBER = re.compile("[0-9]{1,18}")

# ── tds_initial: opens a session, moves no money ─────────────────────────────


class OpenedSession(BaseModel):
    """The part of tds_initial's answer that we use; its token stays unread."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    session_id: Text = None
    post_url: Annotated[SecretStr | None, BeforeValidator(text)] = None
    html_content: Annotated[SecretStr | None, BeforeValidator(text)] = None


def tds_initial(order: SessionOrder, card: Card | StoredCard) -> JsonObject:
    """A sale by default, of exactly this amount: add_commission is never said. Without
    `instalment` it is a single payment; held by PAYNET itself, and the card stored,
    only where that is said."""
    expected = order.expected
    count = expected.instalments
    return {
        "amount": lira(expected.amount_minor),
        "reference_no": expected.reference_no,
        "return_url": order.return_url,
        "domain": order.domain,
        **_card(card),
        **({"instalment": count} if count > 1 else {}),
        **(_storing(order.storing) if order.storing else {}),
        **({"is_escrow": True} if order.is_escrow else {}),
    }


def _card(card: Card | StoredCard) -> JsonObject:
    """A stored card's hash stands for all of it, its security code too."""
    if isinstance(card, StoredCard):
        return {"card_hash": card.card_hash}
    return {
        "card_holder": card.holder,
        "pan": card.number,
        "month": card.expiry_month,
        "year": card.expiry_year,
        "cvc": card.cvc,
    }


def _storing(storing: Storing) -> JsonObject:
    """The owner by PAYNET's id for him, or by ours the first time."""
    owner = {"user_unique_id": storing.user_unique_id}
    if storing.owner_id is not None:
        owner = {"card_owner_id": storing.owner_id}
    return {"save_card": True, "card_desc": storing.name, **owner}


def read_tds_initial(
    answer: Answer, *, plain_http: bool, is_stored: bool = False
) -> Session:
    """Raises PaymentRefused, CardNotFound (only of a stored card) and
    PaynetUnreachable. `plain_http`: a page without TLS is good enough, because PAYNET
    is a simulator on this machine."""
    if is_stored and answer.knows_no_card:
        raise CardNotFound
    if problem := answer.problem:
        raise _no_session(answer, problem)
    opened = OpenedSession.model_validate(answer.content)
    page = _page(opened.post_url, plain_http=plain_http)
    html = opened.html_content.get_secret_value() if opened.html_content else None
    if opened.session_id is None or not (page or html):
        raise PaynetUnreachable("session_absent")
    return Session(opened.session_id, page, html)


def _no_session(answer: Answer, problem: Unknown) -> Exception:
    """PAYNET's no to this card or order, if it is one; not a no to our key."""
    said = answer.said
    ours = answer.status in KEY_REFUSED or said == UNAUTHORIZED
    busy = problem.unreachable or said in SERVER_DOWN
    if said is None or ours or busy or not answer.is_readable:
        return PaynetUnreachable(problem.why)
    return PaymentRefused(str(said))


def _page(url: SecretStr | None, *, plain_http: bool) -> str | None:
    """The bank's page if a browser may safely be sent there."""
    address = url.get_secret_value() if url else ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    schemes = ("https", "http") if plain_http else ("https",)
    printable = address.isascii() and address.isprintable() and " " not in address
    return address if printable and parts.scheme in schemes and parts.hostname else None


# ── tds_charge and charge: the only calls that take money ────────────────────


class SavedCard(BaseModel):
    """What a charge tells of the card that was to be stored with it. Its hash stays
    unread: card/list tells it whenever it is needed."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    is_save_card_succeed: Truth = None
    card_owner_id: Text = None


def charge_of(
    session_id: str, token_id: str, expected: Expected
) -> tuple[str, JsonObject]:
    """The path and the request that charge this attempt."""
    if expected.is_hosted:
        return CHARGE, charge(session_id, token_id, expected)
    return TDS_CHARGE, tds_charge(session_id, token_id)


def tds_charge(session_id: str, token_id: str) -> JsonObject:
    return {"session_id": session_id, "token_id": token_id}


def charge(session_id: str, token_id: str, expected: Expected) -> JsonObject:
    """Of PAYNET's own form, and of what the form was to ask for: PAYNET compares the
    amount (kuruş here), the commission and the ratio code with it, and refuses what
    differs. `comission` is its spelling."""
    return {
        **tds_charge(session_id, token_id),
        "amount": str(expected.amount_minor),
        "transaction_type": SALE,
        "add_comission_amount": False,
        "ratio_code": "",
        "reference_no": expected.reference_no,
    }


def card_owner(answer: Answer) -> str | None:
    """For whom PAYNET stored the card with this charge, if it clearly says both."""
    saved = SavedCard.model_validate(answer.content or {})
    owner_id = saved.card_owner_id if saved.is_save_card_succeed else None
    if owner_id is None or not owner_id.isprintable():
        return None
    return owner_id if len(owner_id) <= OWNER_LONGEST else None


def read_charge(answer: Answer) -> Row | Declined | Unknown:
    """Of both. A row still to be judged, the bank's no, or no usable answer."""
    row = Row.model_validate(answer.content or {})
    if _is_refusal(answer, row):
        return Declined(row.refusal)
    return answer.problem or row


def _is_refusal(answer: Answer, row: Row) -> bool:
    decided = answer.said is not None and answer.said not in UNDECIDED
    return answer.status == OK and decided and row.is_succeed is False


# ── check and detail: what PAYNET's books say ────────────────────────────────


def check(reference_no: str) -> JsonObject:
    return {"reference_no": reference_no}


def detail(reference_no: str) -> JsonObject:
    return {"reference_no": reference_no}


def detail_of(xact_id: str | None, plain_id: str | None) -> JsonObject | None:
    """One transaction's own, by PAYNET's long id or else its number; None: by none."""
    if xact_id:
        return {"xact_id": xact_id}
    if plain_id is None:
        return None
    return {"id": int(plain_id) if _NUMBER.fullmatch(plain_id) else plain_id}


def read_rows(answer: Answer) -> list[Row] | Unknown:
    """The rows of `Data` (or `data`); an empty list: PAYNET knows no such payment."""
    found = answer.found
    if isinstance(found, Unknown):
        return found
    return [Row.model_validate(row) for row in found]


# ── reversed_request and escrow_status_update: money leaves ──────────────────


def reversed_request(
    xact_id: str, amount_minor: int, callback_url: str | None
) -> JsonObject:
    """Gives back so many kuruş. Without an amount, or with "0", it would be all of
    it."""
    if amount_minor <= 0:
        raise RuleBroken("a refund has an amount")
    request: JsonObject = {"xact_id": xact_id, "amount": str(amount_minor)}
    return request | ({"succeedUrl": callback_url} if callback_url else {})


def escrow_status_update(xact_id: str, dealer: str | None) -> JsonObject:
    """Approves the whole sum: agent_amount, which could split it, is never said."""
    request: JsonObject = {"xact_id": xact_id, "status": APPROVE}
    return request | ({"agent_id": dealer} if dealer else {})


def read_reply(answer: Answer) -> Reply:
    """Of both. Neither answer has an is_succeed; one that contradicts the code leaves
    nothing decided."""
    problem = answer.problem
    if problem is None:
        return Unknown("contradiction") if answer.is_succeed is False else Accepted()
    is_no = answer.is_no and answer.is_succeed is not True
    return Denied(answer.refusal) if is_no else problem
