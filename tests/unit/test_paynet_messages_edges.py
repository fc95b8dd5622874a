"""PAYNET's words where a slip of one sign, clause or field would ask for another
payment, or read a no as silence and silence as a no: each test was written because a
broken message once passed all others (`make mutate`)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from emanet.cards import StoredCard
from emanet.errors import PaymentRefused, PaynetUnreachable
from emanet.escrow import Expected
from emanet.money import RuleBroken
from emanet.outcome import Accepted, Denied, Unknown
from emanet.paynet import messages
from emanet.paynet.answer import Answer
from emanet.ports import SessionOrder, Storing

STORED = StoredCard("hash-1", "435508", "4358", 12, 2030)
EXPECTED = Expected("ref-1-aaaaaa", 130_000)
ORDER = SessionOrder(EXPECTED, "https://api.example/r", "shop.example")


def answer(status: int = 200, **content: Any) -> Answer:
    return Answer.of(status, json.dumps(content).encode())


def refused(told: Answer) -> type[Exception]:
    with pytest.raises((PaymentRefused, PaynetUnreachable)) as no:
        messages.read_tds_initial(told, plain_http=False)
    return no.type


# ── a session ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("count", "said"), [(1, None), (2, 2), (12, 12)])
def test_two_instalments_are_some(count: int, said: int | None) -> None:
    order = replace(ORDER, expected=replace(EXPECTED, instalments=count))
    assert messages.tds_initial(order, STORED).get("instalment") == said


def test_a_card_is_stored_under_its_name_for_the_owner_it_has() -> None:
    first = Storing("my card", "user-1")
    words = {"save_card": True, "card_desc": "my card"}
    for storing, owner in (
        (first, {"user_unique_id": "user-1"}),
        (replace(first, owner_id="co_1"), {"card_owner_id": "co_1"}),
    ):
        said = messages.tds_initial(replace(ORDER, storing=storing), STORED)
        assert said == messages.tds_initial(ORDER, STORED) | words | owner


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (answer(code=4), PaymentRefused),
        (answer(code=8), PaynetUnreachable),
        (answer(code=10), PaynetUnreachable),
        (answer(code=7), PaynetUnreachable),
        (answer(), PaynetUnreachable),
        (answer(400, code=400, result_code=4), PaymentRefused),
        (answer(400, code=400, result_code=8), PaynetUnreachable),
        (answer(400, code=400, result_code=10), PaynetUnreachable),
        (answer(400, code=400, result_code=7), PaynetUnreachable),
        (answer(400, code=400), PaynetUnreachable),
        (answer(401, code=401, result_code=4), PaynetUnreachable),
        (answer(429, code=429, result_code=4), PaynetUnreachable),
        (answer(500, code=500, result_code=4), PaynetUnreachable),
    ],
)
def test_only_paynets_clear_no_to_the_order_refuses_it(
    told: Answer, kind: type[Exception]
) -> None:
    assert refused(told) is kind


def test_a_card_that_was_typed_is_not_looked_for_unless_that_is_said() -> None:
    assert refused(answer(code=25)) is PaymentRefused


def test_why_there_is_no_session_is_told_in_a_word() -> None:
    with pytest.raises(PaynetUnreachable, match=r"^session_absent$"):
        messages.read_tds_initial(answer(code=0), plain_http=False)


@pytest.mark.parametrize(
    ("content", "is_enough"),
    [
        ({"session_id": "s", "post_url": "https://p/x"}, True),
        ({"session_id": "s", "html_content": "<f>"}, True),
        ({"session_id": "s", "post_url": "http://p/x", "html_content": "<f>"}, True),
        ({"session_id": "s"}, False),
        ({"session_id": "s", "post_url": "http://p/x"}, False),
        ({"post_url": "https://p/x", "html_content": "<f>"}, False),
    ],
)
def test_a_session_has_an_id_and_one_way_to_the_bank(
    content: dict[str, Any], is_enough: bool
) -> None:
    told = answer(code=0, **content)
    if not is_enough:
        assert refused(told) is PaynetUnreachable
        return
    assert messages.read_tds_initial(told, plain_http=False).session_id == "s"


@pytest.mark.parametrize(
    "url", ["https://p/ç", "https://p/\x7f", "https://p/a b", "https:///x", "http://p/"]
)
def test_a_page_that_a_browser_may_read_otherwise_is_none(url: str) -> None:
    told = answer(code=0, session_id="s", post_url=url, html_content="<f>")
    assert messages.read_tds_initial(told, plain_http=False).post_url is None


@pytest.mark.parametrize("url", ["https://p/x", "http://p/x"])
def test_a_simulator_may_show_a_page_with_or_without_tls(url: str) -> None:
    told = answer(code=0, session_id="s", post_url=url)
    assert messages.read_tds_initial(told, plain_http=True).post_url == url
    script = answer(code=0, session_id="s", post_url="ftp://p/x", html_content="<f>")
    assert messages.read_tds_initial(script, plain_http=True).post_url is None


# ── a charge ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("length", "is_told"), [(1, True), (100, True), (101, False)])
def test_an_owner_s_id_has_100_letters_at_most(length: int, is_told: bool) -> None:
    told = answer(code=0, is_save_card_succeed=True, card_owner_id="c" * length)
    assert messages.card_owner(told) == ("c" * length if is_told else None)


def test_an_answer_without_json_tells_no_owner() -> None:
    assert messages.card_owner(Answer.of(200, b"")) is None


# ── what PAYNET's books say ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("xact_id", "plain_id", "said"),
    [
        ("x-1", None, {"xact_id": "x-1"}),
        ("x-1", "7", {"xact_id": "x-1"}),
        (None, "7", {"id": 7}),
        ("", "7", {"id": 7}),
        (None, "9" * 18, {"id": int("9" * 18)}),
        (None, "9" * 19, {"id": "9" * 19}),
        (None, "7a", {"id": "7a"}),
        (None, "", {"id": ""}),
        (None, None, None),
    ],
)
def test_a_transaction_is_asked_for_by_the_id_that_it_has(
    xact_id: str | None, plain_id: str | None, said: dict[str, Any] | None
) -> None:
    assert messages.detail_of(xact_id, plain_id) == said


def test_a_payment_is_asked_for_by_its_reference() -> None:
    assert messages.check("ref-1") == {"reference_no": "ref-1"}
    assert messages.detail("ref-1") == {"reference_no": "ref-1"}


# ── money leaves ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("amount_minor", [0, -1])
def test_a_refund_of_nothing_is_never_asked_for(amount_minor: int) -> None:
    """PAYNET would give back all of it."""
    with pytest.raises(RuleBroken):
        messages.reversed_request("x-1", amount_minor, None)


@pytest.mark.parametrize(
    ("url", "more"),
    [(None, {}), ("", {}), ("https://c/1", {"succeedUrl": "https://c/1"})],
)
def test_a_refund_says_its_kurus_and_where_to_call(
    url: str | None, more: dict[str, str]
) -> None:
    said = messages.reversed_request("x-1", 1, url)
    assert said == {"xact_id": "x-1", "amount": "1", **more}


@pytest.mark.parametrize(
    ("dealer", "more"), [(None, {}), ("", {}), ("d-1", {"agent_id": "d-1"})]
)
def test_a_release_approves_and_says_whose_it_is(
    dealer: str | None, more: dict[str, str]
) -> None:
    said = messages.escrow_status_update("x-1", dealer)
    assert said == {"xact_id": "x-1", "status": 2, **more}


@pytest.mark.parametrize(
    ("told", "kind", "why"),
    [
        (answer(code=0), Accepted, ""),
        (answer(code=100, is_succeed=True), Accepted, ""),
        (answer(code=0, is_succeed=False), Unknown, "contradiction"),
        (answer(code=4), Denied, ""),
        (answer(code=4, is_succeed=False), Denied, ""),
        (answer(code=4, is_succeed=True), Unknown, "code_4"),
        (answer(code=5), Unknown, "code_5"),
        (answer(500), Unknown, "http_500"),
    ],
)
def test_an_order_is_accepted_denied_or_undecided(
    told: Answer, kind: type[object], why: str
) -> None:
    reply = messages.read_reply(told)
    assert type(reply) is kind
    assert not isinstance(reply, Unknown) or reply.why == why


def test_paths_are_paynets() -> None:
    assert [
        messages.TDS_INITIAL,
        messages.TDS_CHARGE,
        messages.CHARGE,
        messages.CHECK,
        messages.DETAIL,
        messages.REVERSED_REQUEST,
        messages.ESCROW_STATUS_UPDATE,
    ] == [
        "/v2/transaction/tds_initial",
        "/v2/transaction/tds_charge",
        "/v1/transaction/charge",
        "/v1/transaction/check",
        "/v1/transaction/detail",
        "/v1/transaction/reversed_request",
        "/v1/transaction/escrow_status_update",
    ]


@pytest.mark.parametrize("model", [messages.OpenedSession, messages.SavedCard])
def test_what_an_answer_says_is_neither_changed_nor_shown(
    model: type[BaseModel],
) -> None:
    """Rule 11: an error of pydantic would show a token. Unknown fields are no error."""
    said = {"extra": "ignore", "frozen": True, "hide_input_in_errors": True}
    assert said.items() <= dict(model.model_config).items()
