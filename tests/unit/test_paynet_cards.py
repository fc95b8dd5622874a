"""What PAYNET knows of cards: prices of instalments, stored cards, and its own form.
Nothing is guessed, nothing is asked twice within minutes, and no hash is shown."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet import policy
from emanet.cards import StoredCard
from emanet.errors import SecretUnavailable
from emanet.escrow import Expected
from emanet.instalments import CardBank, Ratio
from emanet.money import RuleBroken
from emanet.outcome import Unknown
from emanet.paynet import ratios, wallet
from emanet.paynet.answer import Answer
from emanet.paynet.cards import KEPT_MOST, PaynetCards
from emanet.paynet.form import PaynetForm
from emanet.paynet.formats import JsonObject
from emanet.paynet.line import Errand, Line
from emanet.ports import SessionOrder, Storing

NOON = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LATER = NOON + timedelta(seconds=20)
KEY = "sck_pcs_canary"
HASH = "ch_canary/aB3+dE6=="
OWNER = "co_1"
BIN = "435508"
AMOUNT_MINOR = 130000


def answer(status: int = 200, **content: object) -> Answer:
    return Answer.of(status, json.dumps(content).encode())


def literal(text: str) -> Answer:
    """For fractions: what Python would print of them is no fact."""
    return Answer.of(200, text.encode())


# ── ratio/Get ────────────────────────────────────────────────────────────────

PRICE: dict[str, Any] = {"instalment": 3, "ratio": 0, "total_amount": "1326,00"}
BANK: dict[str, Any] = {
    "bank_id": "BONS",
    "bank_name": "Garanti BBVA",
    "card_type": "cc",
    "tds_required": True,
    "ratio": [PRICE],
}
THREE = Ratio(3, "0", 132600)


def bank_told(**changed: object) -> CardBank | Unknown:
    return ratios.read_ratio_get(answer(code=0, data=[{**BANK, **changed}]))


def prices_told(*rows: object) -> tuple[Ratio, ...]:
    told = bank_told(ratio=list(rows))
    assert isinstance(told, CardBank)
    return told.ratios


@pytest.mark.parametrize("on_top", [True, False])
def test_prices_are_asked_for_in_kurus_and_by_the_first_six_digits(
    on_top: bool,
) -> None:
    assert ratios.ratio_get(BIN, AMOUNT_MINOR, on_top=on_top) == {
        "pos_type": 5,
        "amount": "130000",
        "bin": "435508",
        "addcomission_to_amount": on_top,
    }


def test_a_bank_tells_its_name_its_kind_of_card_and_its_prices() -> None:
    assert bank_told() == CardBank(
        "Garanti BBVA", "Bonus", "credit", needs_3d=True, ratios=(THREE,)
    )


def test_a_rate_and_a_total_are_read_to_the_last_digit() -> None:
    told = ratios.read_ratio_get(
        literal(
            '{"code":0,"data":[{"ratio":['
            '{"instalment":2,"ratio":0.0215,"total_amount":1328.565},'
            '{"instalment":6,"ratio":"0,0489","total_amount":"1.366,85"},'
            '{"instalment":9,"ratio":-0.01,"total_amount":1287}]}]}'
        )
    )
    assert told == CardBank(
        ratios=(
            Ratio(2, "0.0215", 132857),
            Ratio(6, "0.0489", 136685),
            Ratio(9, "-0.01", 128700),
        )
    )


@pytest.mark.parametrize(
    ("bank_id", "family"),
    [
        ("ADVT", "Advantage"),
        ("AXSS", "Axess"),
        ("BONS", "Bonus"),
        ("DENZ", "Denizbank"),
        ("FINS", "CardFinans"),
        ("KVYT", "Kuveyt Türk"),
        ("MAXM", "Maximum"),
        ("ODEA", "Odea"),
        ("PARF", "Paraf"),
        ("VAKF", "Vakıfbank"),
        ("WRLD", "World"),
        ("ZRTB", "Ziraat"),
        ("ZDGR", None),
        ("axss", None),
        ("XXXX", None),
        ("", None),
        (None, None),
        (["AXSS"], None),
    ],
)
def test_a_family_has_a_name_only_if_paynet_documents_it(
    bank_id: object, family: str | None
) -> None:
    told = bank_told(bank_id=bank_id)
    assert isinstance(told, CardBank)
    assert told.family == family


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ("cc", "credit"),
        ("bc", "commercial"),
        ("dc", "debit"),
        ("CC", None),
        ("xx", None),
        (1, None),
        (None, None),
    ],
)
def test_a_card_is_of_one_of_three_kinds(sent: object, kind: str | None) -> None:
    told = bank_told(card_type=sent)
    assert isinstance(told, CardBank)
    assert told.kind == kind


@pytest.mark.parametrize(
    ("of_row", "of_all", "needs_3d"),
    [
        (True, False, True),
        (False, True, False),
        (None, True, True),
        (None, False, False),
        ("true", True, True),
        (1, None, None),
        (None, "true", None),
        (None, None, None),
    ],
)
def test_whether_3d_is_compulsory_says_the_row_or_else_the_answer(
    of_row: object, of_all: object, needs_3d: bool | None
) -> None:
    row = {**BANK, "tds_required": of_row}
    told = ratios.read_ratio_get(answer(code=0, tds_required=of_all, data=[row]))
    assert isinstance(told, CardBank)
    assert told.needs_3d is needs_3d


@pytest.mark.parametrize(
    "changed",
    [
        {"instalment": None},
        {"instalment": True},
        {"instalment": 3.0},
        {"instalment": "3.0"},
        {"instalment": "üç"},
        {"instalment": -3},
        {"ratio": None},
        {"ratio": 1},
        {"ratio": "4.89"},
        {"ratio": "%2"},
        {"ratio": True},
        {"total_amount": None},
        {"total_amount": 0},
        {"total_amount": -1},
        {"total_amount": "1.326"},
        {"total_amount": "1326 TL"},
        {"total_amount": True},
        {"total_amount": [1326]},
    ],
)
def test_a_price_that_cannot_be_read_is_left_out_alone(
    changed: dict[str, object],
) -> None:
    assert prices_told({**PRICE, **changed}, PRICE) == (THREE,)


@pytest.mark.parametrize("odd", [None, 3, "3", [], {}])
def test_what_is_no_price_is_left_out(odd: object) -> None:
    assert prices_told(odd, PRICE) == (THREE,)


def test_of_a_number_that_is_listed_twice_the_first_counts() -> None:
    dearer = {**PRICE, "total_amount": "1400,00"}
    unreadable = {**PRICE, "total_amount": None}
    assert prices_told(unreadable, PRICE, dearer) == (THREE,)


@pytest.mark.parametrize("sent", [0, 1, "1"])
def test_a_single_payment_has_a_price_as_well(sent: object) -> None:
    one = {"instalment": sent, "ratio": 0, "total_amount": 1300}
    assert prices_told(one) == (Ratio(1, "0", 130000),)


@pytest.mark.parametrize(
    "told",
    [
        answer(code=0, data=[]),
        answer(code=100, data=[]),
        answer(code=0, Data=[]),
        answer(code=0, data=None),
        answer(code=0),
        answer(code=0, tds_required=True, data=[]),
        answer(code=12, message="Kayıt bulunamadı"),
        answer(404, type="no_data_error", code=404, result_code=12),
    ],
)
def test_a_card_of_which_paynet_knows_nothing_is_of_no_bank(told: Answer) -> None:
    assert ratios.read_ratio_get(told) == CardBank()


@pytest.mark.parametrize("sent", [None, []])
def test_a_bank_may_have_no_prices(sent: object) -> None:
    told = bank_told(ratio=sent)
    assert told == CardBank("Garanti BBVA", "Bonus", "credit", needs_3d=True)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (answer(code=0, data={}), "no_rows"),
        (answer(code=0, data="[]"), "no_rows"),
        (answer(code=0, data=[None]), "no_rows"),
        (answer(code=0, data=[BANK, 7]), "no_rows"),
        (answer(code=0, data=[{**BANK, "ratio": {}}]), "no_ratios"),
        (answer(code=0, data=[{**BANK, "ratio": "3"}]), "no_ratios"),
        (answer(code=0, data=[BANK, {**BANK, "bank_id": "AXSS"}]), "several_banks"),
        (answer(code=0, data=[BANK, {**BANK, "bank_id": None}]), "several_banks"),
        (answer(data=[BANK]), "no_code"),
        (answer(code=14, data=[BANK]), "code_14"),
        (answer(code=21), "code_21"),
        (answer(400, code=400, result_code=11), "http_400"),
        (Answer.of(200, b"<html>"), "not_json"),
    ],
)
def test_any_other_answer_about_prices_is_unknown(told: Answer, why: str) -> None:
    assert ratios.read_ratio_get(told) == Unknown(why)


def test_a_bank_that_is_listed_by_kinds_of_card_is_still_one() -> None:
    told = ratios.read_ratio_get(
        answer(code=0, data=[BANK, {**BANK, "card_type": "bc", "ratio": []}])
    )
    assert isinstance(told, CardBank)
    assert (told.kind, told.ratios) == ("credit", (THREE,))


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*BANK, *PRICE, "code", "data", "card_hash", "card_no"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_ANYTHING)
def test_reading_what_paynet_knows_of_cards_never_fails(sent: object) -> None:
    told = Answer.of(200, json.dumps({"code": 0, "data": sent}).encode())
    read = ratios.read_ratio_get(told)
    for ratio in read.ratios if isinstance(read, CardBank) else ():
        assert ratio.count >= 1
        assert ratio.total_minor >= 1
        assert Decimal(ratio.rate) < 1
    rows = told.rows if isinstance(told.rows, list) else []
    for row in rows:
        if isinstance(row, dict):
            wallet.card_of(row)


# ── card/list ────────────────────────────────────────────────────────────────

ROW: dict[str, Any] = {
    "card_owner_id": OWNER,
    "user_unique_id": "our_id",
    "card_desc": "Maaş kartı",
    "card_hash": HASH,
    "card_no": "435508******4358",
    "card_bin": "435508",
    "card_type": "cc",
    "card_bank_name": "Garanti BBVA",
    "card_brand_name": "Bonus",
    "card_holder": "Ay** Yı****",
    "expire_month": "12",
    "expire_year": "2030",
}
CARD = StoredCard(*(HASH, BIN, "4358", 12, 2030), "Bonus", "Garanti BBVA", "Maaş kartı")


def card_told(*without: str, **changed: object) -> StoredCard | None:
    row = {**ROW, **changed}
    return wallet.card_of({k: v for k, v in row.items() if k not in without})


def test_an_owners_cards_are_asked_for_by_paynets_id_for_him() -> None:
    assert wallet.card_list(OWNER) == {"card_owner_id": "co_1"}


def test_a_stored_card_is_read() -> None:
    assert card_told() == CARD


@pytest.mark.parametrize("sent", [None, "", "  ", True, 1.5, ["x"], {}])
def test_a_row_without_a_hash_is_no_card(sent: object) -> None:
    assert card_told(card_hash=sent) is None


@pytest.mark.parametrize(
    ("month", "year", "expiry"),
    [
        (12, 2030, (12, 2030)),
        ("12", "2030", (12, 2030)),
        ("01", "30", (1, 2030)),
        (1, 30, (1, 2030)),
        ("1", "00", (1, 2000)),
        (12, 2099, (12, 2099)),
        (0, 2030, (0, 0)),
        (13, 2030, (0, 0)),
        (12, 1999, (0, 0)),
        (12, 2100, (0, 0)),
        (12, 130, (0, 0)),
        ("Aralık", 2030, (0, 0)),
        (12.0, 2030, (0, 0)),
        ("12.0", 2030, (0, 0)),
        (True, 2030, (0, 0)),
        (12, None, (0, 0)),
        (None, 2030, (0, 0)),
        (12, -30, (0, 0)),
        ("", "", (0, 0)),
    ],
)
def test_an_expiry_is_read_or_the_card_counts_as_over(
    month: object, year: object, expiry: tuple[int, int]
) -> None:
    card = card_told(expire_month=month, expire_year=year)
    assert card is not None
    assert (card.expiry_month, card.expiry_year) == expiry
    assert card.is_over(NOON.date()) is (expiry[1] < 2026)


@pytest.mark.parametrize(
    ("card_bin", "card_no", "shown"),
    [
        ("435508", "435508******4358", (BIN, "4358")),
        ("43550843", "************4358", (BIN, "4358")),
        (435508, "****", (BIN, "")),
        (None, "4355 08** **** 4358", (BIN, "4358")),
        ("", "435508******4358", (BIN, "4358")),
        ("43550", "435508******4358", (BIN, "4358")),
        (None, "4355********4358", ("", "4358")),
        ("4355084355084358", "4355084355084358", (BIN, "4358")),
        (None, "435508", (BIN, "5508")),
        (None, "435508******58", (BIN, "")),
        (None, None, ("", "")),
        (["435508"], 4355084355084358, ("", "")),
        (435508.0, True, ("", "")),
    ],
)
def test_six_digits_and_four_are_shown_and_never_more(
    card_bin: object, card_no: object, shown: tuple[str, str]
) -> None:
    card = card_told(card_bin=card_bin, card_no=card_no)
    assert card is not None
    assert (card.bin, card.last_four) == shown


def test_a_card_of_which_only_the_hash_is_told_can_still_be_deleted() -> None:
    assert wallet.card_of({"card_hash": HASH}) == StoredCard(HASH, "", "", 0, 0)


@pytest.mark.parametrize("sent", [None, "", True, 1.5, []])
def test_a_name_that_is_no_text_is_none(sent: object) -> None:
    card = card_told(card_desc=sent, card_brand_name=sent, card_bank_name=sent)
    assert card is not None
    assert (card.name, card.brand, card.bank) == (None, None, None)


# ── card/delete ──────────────────────────────────────────────────────────────


def test_a_card_is_deleted_by_its_owner_and_its_hash() -> None:
    assert wallet.card_delete(OWNER, HASH) == {
        "card_owner_id": "co_1",
        "card_hash": HASH,
    }


@pytest.mark.parametrize(
    ("told", "is_gone"),
    [
        (answer(code=0, message="Başarılı İşlem"), True),
        (answer(code="100"), True),
        (answer(code=0, is_succeed=True), True),
        (answer(code=25), False),
        (answer(code="25"), False),
        (answer(400, code=400, result_code=25), False),
        (answer(404, code=404, result_code="25"), False),
        (answer(code=12), False),
        (answer(404, type="no_data_error", code=404, result_code=12), False),
    ],
)
def test_a_deletion_says_whether_there_was_such_a_card(
    told: Answer, is_gone: bool
) -> None:
    assert wallet.read_card_delete(told) is is_gone


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (answer(code=0, is_succeed=False), "contradiction"),
        (answer(code=1), "code_1"),
        (answer(code=26), "code_26"),
        (answer(code=25.0), "no_code"),
        (answer(message="ok"), "no_code"),
        (answer(400, code=25), "http_400"),
        (answer(400, code=400, result_code=11), "http_400"),
        (answer(302, code=302, result_code=25), "http_302"),
        (Answer.of(404, b""), "http_404"),
        (Answer.of(200, b"<html>"), "not_json"),
    ],
)
def test_any_other_answer_to_a_deletion_is_unknown(told: Answer, why: str) -> None:
    assert wallet.read_card_delete(told) == Unknown(why)


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_who_did_not_hear_us_knows_of_no_deletion(status: int) -> None:
    told = answer(status, code=status, result_code=25)
    why = Unknown(f"http_{status}", unreachable=True)
    assert wallet.read_card_delete(told) == why


# ── asking ───────────────────────────────────────────────────────────────────


class World:
    """PAYNET's answers in turn, the last one again and again, and a clock to move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOON
        self.answers: list[Answer | Unknown] = [GOOD]
        self.asked: list[tuple[str, JsonObject]] = []
        monkeypatch.setattr(Line, "post", self._post)
        self.cards = PaynetCards(Line("https://p.example", lambda: KEY, self.clock))

    def clock(self) -> datetime:
        return self.now

    def bank_of(
        self, bin_: str = BIN, amount_minor: int = AMOUNT_MINOR, *, on_top: bool = True
    ) -> CardBank | Unknown:
        return self.cards.bank_of(bin_, amount_minor, LATER, on_top=on_top)

    def _post(
        self, _errand: Errand, path: str, request: JsonObject
    ) -> Answer | Unknown:
        self.asked.append((path, request))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


GOOD = answer(code=0, data=[BANK])
SILENT = Unknown("timeout", unreachable=True)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_an_answer_is_used_again_for_a_few_minutes(world: World) -> None:
    first = world.bank_of()
    world.now += policy.RATIOS_KEPT_FOR - timedelta(seconds=1)
    assert world.bank_of() == first
    assert world.asked == [
        ("/v1/ratio/Get", ratios.ratio_get(BIN, AMOUNT_MINOR, on_top=True))
    ]


def test_an_answer_that_is_too_old_is_asked_for_again(world: World) -> None:
    world.bank_of()
    world.now += policy.RATIOS_KEPT_FOR
    world.answers = [answer(code=0, data=[])]
    assert world.bank_of() == CardBank()
    assert len(world.asked) == 2


def test_that_nothing_is_known_of_a_card_is_an_answer_as_well(world: World) -> None:
    world.answers = [answer(code=0, data=[])]
    assert world.bank_of() == world.bank_of() == CardBank()
    assert len(world.asked) == 1


def test_each_card_amount_and_way_of_reckoning_is_asked_for_itself(
    world: World,
) -> None:
    for _ in range(2):
        world.bank_of()
        world.bank_of("540061")
        world.bank_of(amount_minor=AMOUNT_MINOR + 1)
        world.bank_of(on_top=False)
    assert [request for _, request in world.asked] == [
        ratios.ratio_get(BIN, AMOUNT_MINOR, on_top=True),
        ratios.ratio_get("540061", AMOUNT_MINOR, on_top=True),
        ratios.ratio_get(BIN, AMOUNT_MINOR + 1, on_top=True),
        ratios.ratio_get(BIN, AMOUNT_MINOR, on_top=False),
    ]


@pytest.mark.parametrize(
    "bad", [SILENT, answer(code=21), answer(code=0, data={}), Answer.of(503, b"")]
)
def test_an_answer_that_is_none_is_not_kept(
    bad: Answer | Unknown, world: World
) -> None:
    world.answers = [bad, GOOD]
    assert isinstance(world.bank_of(), Unknown)
    assert isinstance(world.bank_of(), CardBank)
    assert len(world.asked) == 2


def test_a_failure_takes_nothing_from_what_is_known(world: World) -> None:
    first = world.bank_of()
    world.answers = [SILENT]
    assert world.bank_of("540061") == SILENT
    assert world.bank_of() == first


def test_the_oldest_answer_makes_room(world: World) -> None:
    for amount_minor in range(1, KEPT_MOST + 1):
        world.bank_of(amount_minor=amount_minor)
    world.bank_of(amount_minor=1)
    assert len(world.asked) == KEPT_MOST
    world.bank_of(amount_minor=KEPT_MOST + 1)
    world.bank_of(amount_minor=2)
    assert len(world.asked) == KEPT_MOST + 1
    world.bank_of(amount_minor=1)
    assert len(world.asked) == KEPT_MOST + 2


def test_an_answer_that_was_asked_for_again_is_no_longer_the_oldest(
    world: World,
) -> None:
    for amount_minor in range(1, KEPT_MOST + 1):
        world.bank_of(amount_minor=amount_minor)
    world.now += policy.RATIOS_KEPT_FOR
    world.bank_of(amount_minor=1)
    world.bank_of(amount_minor=KEPT_MOST + 1)
    world.asked.clear()
    world.bank_of(amount_minor=1)
    assert world.asked == []


def page(*rows: object, has_more: bool | None = False) -> Answer:
    return answer(code=0, has_more=has_more, Data=list(rows))


def test_all_pages_of_an_owners_cards_are_read(world: World) -> None:
    many = [{**ROW, "card_hash": f"{HASH}{n}"} for n in range(12)]
    world.answers = [page(*many[:10], has_more=True), page(*many[10:])]
    told = world.cards.stored(OWNER, LATER)
    assert told == tuple(replace(CARD, card_hash=f"{HASH}{n}") for n in range(12))
    assert world.asked == [
        ("/v1/card/list", {"card_owner_id": OWNER, "limit": 10}),
        (
            "/v1/card/list",
            {"card_owner_id": OWNER, "limit": 10, "starting_after": 10},
        ),
    ]


def test_a_row_that_is_no_card_hides_no_other(world: World) -> None:
    world.answers = [page({**ROW, "card_hash": None}, "odd", {}, ROW)]
    assert world.cards.stored(OWNER, LATER) == (CARD,)


@pytest.mark.parametrize(
    "told",
    [
        page(),
        answer(code=12),
        answer(code=12, Data=[]),
        answer(404, type="no_data_error", code=404, result_code=12),
    ],
)
def test_an_owner_may_have_no_cards(told: Answer, world: World) -> None:
    world.answers = [told]
    assert world.cards.stored(OWNER, LATER) == ()


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (SILENT, SILENT),
        (page(ROW, has_more=None), Unknown("paging")),
        (page(ROW, has_more=True), Unknown("paging")),
        (answer(code=0), Unknown("no_rows")),
        (answer(code=7), Unknown("code_7")),
        (answer(400, code=400, result_code=11), Unknown("http_400")),
    ],
)
def test_a_list_that_is_not_whole_is_unknown(
    told: Answer | Unknown, why: Unknown, world: World
) -> None:
    world.answers = [told]
    assert world.cards.stored(OWNER, LATER) == why


def test_stored_cards_are_asked_for_each_time(world: World) -> None:
    world.answers = [page(ROW), page()]
    assert world.cards.stored(OWNER, LATER) == (CARD,)
    assert world.cards.stored(OWNER, LATER) == ()


@pytest.mark.parametrize(
    ("told", "said"),
    [(answer(code=0), True), (answer(code=25), False), (SILENT, SILENT)],
)
def test_a_deletion_is_sent_once(
    told: Answer | Unknown, said: bool | Unknown, world: World
) -> None:
    world.answers = [told]
    assert world.cards.delete(OWNER, HASH, LATER) == said
    assert world.asked == [
        ("/v1/card/delete", {"card_owner_id": OWNER, "card_hash": HASH})
    ]


# ── PAYNET's own form ────────────────────────────────────────────────────────

SCRIPT = "https://pts-pj.paynet.com.tr/public/js/paynet-custom.min.js"
FORM = PaynetForm(SCRIPT, "pbk_1")
ORDER = SessionOrder(
    Expected("ref-1-aaaaaa", AMOUNT_MINOR, is_hosted=True),
    "https://api.example/api/3d/return/aaaa/1/state",
    "shop.example",
)


def test_the_form_is_told_all_that_the_charge_repeats() -> None:
    form = FORM.form(ORDER)
    assert form.script == SCRIPT
    assert form.action == "https://api.example/api/3d/return/aaaa/1/state"
    assert form.attributes == {
        "class": "paynet-button",
        "data-key": "pbk_1",
        "data-amount": "1300,00",
        "data-reference_no": "ref-1-aaaaaa",
        "data-tds_required": "true",
        "data-no_instalment": "true",
        "data-add_commission_amount": "false",
        "data-return_url": "https://api.example/api/3d/return/aaaa/1/state",
    }


@pytest.mark.parametrize(
    "order",
    [
        replace(ORDER, expected=replace(ORDER.expected, instalments=2)),
        replace(ORDER, is_escrow=True),
        replace(ORDER, storing=Storing("Kartım", "our_id")),
    ],
)
def test_the_form_never_takes_more_than_one_plain_payment(order: SessionOrder) -> None:
    with pytest.raises(RuleBroken):
        FORM.form(order)


# ── secrets ──────────────────────────────────────────────────────────────────


def test_no_hash_is_shown_by_what_reads_it() -> None:
    row = wallet.ListedCard.model_validate(ROW)
    told = page(ROW)
    assert HASH not in f"{row!r}{row}{row.card!r}{told!r}"


@pytest.mark.parametrize("key", ["", "sck_a\nb", "sck_ş"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda cards: cards.bank_of(BIN, 1, LATER, on_top=True),
        lambda cards: cards.stored(OWNER, LATER),
        lambda cards: cards.delete(OWNER, HASH, LATER),
    ],
)
def test_a_key_that_no_header_can_carry_is_refused_unsaid(
    key: str, ask: Callable[[PaynetCards], object]
) -> None:
    cards = PaynetCards(Line("https://p.example", lambda: key, lambda: NOON))
    with pytest.raises(SecretUnavailable) as refused:
        ask(cards)
    shown = "".join(traceback.format_exception(refused.value))
    assert HASH not in shown
    assert not key or key not in shown


@pytest.mark.parametrize("told", [page(ROW), answer(code=25, card_hash=HASH), SILENT])
def test_what_comes_of_a_call_shows_neither_hash_nor_key(
    told: Answer | Unknown, world: World
) -> None:
    world.answers = [told]
    shown = f"{world.cards.stored(OWNER, LATER)!r}{world.bank_of()!r}"
    shown += f"{world.cards.delete(OWNER, HASH, LATER)!r}{world.cards!r}"
    assert HASH not in shown
    assert KEY not in shown
