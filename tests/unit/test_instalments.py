"""What instalments cost, and the quote that holds their price: parts that sum to the
kuruş, offers that never misread PAYNET to anybody's harm, and a signature that no
change of any field survives."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet import instalments
from emanet.errors import FieldProblem, QuoteRefused
from emanet.escrow import Escrow
from emanet.instalments import CardBank, Offer, Quote, Ratio
from emanet.policy import Bearer
from tests.unit import scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later

KEY = b"key of quotes"
BIN = "435508"
ESCROW = scenes.created()
THREE = Offer(3, 136_500, "0.05")
TOLD = instalments.quote(ESCROW, THREE, BIN, START)
TOKEN = instalments.signed(TOLD, KEY)

# ── the parts ────────────────────────────────────────────────────────────────

COUNTS = range(2, 13)
HUNDRED_MILLION_LIRA = 100_000_000_00


def amounts() -> Iterator[int]:
    """100,000 of them, from a kuruş to a hundred million lira, most of them small; the
    same ones each time."""
    chance = random.Random(26)  # noqa: S311 - tells no secret
    yield from range(1, 20_001)
    for _ in range(79_999):
        yield round(10 ** chance.uniform(0, 10))
    yield HUNDRED_MILLION_LIRA


def test_100_000_amounts_are_parted_exactly_in_2_to_12() -> None:
    """They sum to the total; all but the first are alike, and the first is larger by
    less than a kuruş for each part."""
    tried = 0
    for total in amounts():
        for count in COUNTS:
            first, *rest = instalments.parts(total, count)
            assert first + sum(rest) == total
            assert len(rest) == count - 1
            assert set(rest) == {total // count}
            assert 0 <= first - rest[0] < count
        tried += 1
    assert tried == 100_000


@pytest.mark.parametrize(
    ("total", "count", "parts"),
    [
        (136_500, 1, [136_500]),
        (136_500, 3, [45_500, 45_500, 45_500]),
        (100_000, 3, [33_334, 33_333, 33_333]),
        (11, 4, [5, 2, 2, 2]),
        (1, 12, [1, *[0] * 11]),
    ],
)
def test_the_first_part_carries_the_rest(
    total: int, count: int, parts: list[int]
) -> None:
    assert list(instalments.parts(total, count)) == parts


# ── offers ───────────────────────────────────────────────────────────────────


def bank(*ratios: tuple[int, int]) -> CardBank:
    """Its prices: count, and total in kuruş."""
    return CardBank(ratios=tuple(Ratio(n, f"0.0{n}", minor) for n, minor in ratios))


def totals(escrow: Escrow, *ratios: tuple[int, int]) -> list[tuple[int, int]]:
    found = instalments.offers(escrow, bank(*ratios))
    return [(offer.count, offer.total_minor) for offer in found]


SINGLE = (1, AMOUNT_MINOR)


@pytest.mark.parametrize("minor", [1, AMOUNT_MINOR - 1, AMOUNT_MINOR + 1, 10**12])
def test_the_single_payment_is_first_and_exactly_the_amount(minor: int) -> None:
    """Whatever PAYNET says it costs."""
    assert totals(ESCROW, (3, 136_500), (1, minor)) == [SINGLE, (3, 136_500)]
    assert instalments.offers(ESCROW, CardBank()) == (Offer(1, AMOUNT_MINOR, "0"),)


def test_offers_keep_paynet_s_rate_and_come_in_order() -> None:
    told = bank((12, 160_000), (2, 133_000), (6, 145_000))
    assert instalments.offers(ESCROW, told)[1:] == (
        Offer(2, 133_000, "0.02"),
        Offer(6, 145_000, "0.06"),
        Offer(12, 160_000, "0.012"),
    )


@pytest.mark.parametrize(
    ("most", "counts"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (12, [1, 2, 3, 12])]
)
def test_no_more_instalments_than_the_policy_allows(
    most: int, counts: list[int]
) -> None:
    escrow = scenes.agreed(instalments_max=most)
    told = ((2, 133_000), (3, 136_500), (12, 160_000), (13, 170_000), (0, 1), (-3, 1))
    assert [count for count, _ in totals(escrow, *told)] == counts


def test_where_the_platform_bears_it_the_payer_pays_the_amount() -> None:
    escrow = scenes.agreed(instalment_cost=Bearer.PLATFORM)
    assert totals(escrow, (3, 136_500)) == [SINGLE, (3, AMOUNT_MINOR)]


@pytest.mark.parametrize("bearer", Bearer)
@pytest.mark.parametrize("rate", ["-0.01", "0", "0.00"])
def test_a_campaign_makes_nothing_cheaper_than_the_amount(
    bearer: Bearer, rate: str
) -> None:
    """All of the amount must be held."""
    escrow = scenes.agreed(instalment_cost=bearer)
    campaign = CardBank(ratios=(Ratio(3, rate, AMOUNT_MINOR - 1300),))
    assert instalments.offers(escrow, campaign)[1:] == (Offer(3, AMOUNT_MINOR, rate),)


@pytest.mark.parametrize("minor", [1, 137, AMOUNT_MINOR - 1, AMOUNT_MINOR])
def test_a_price_whose_total_denies_its_rate_is_not_offered(minor: int) -> None:
    """PAYNET was misunderstood; the platform would pay. Where it pays anyway, that is
    no reason."""
    assert totals(ESCROW, (3, minor), (6, 145_000)) == [SINGLE, (6, 145_000)]
    generous = scenes.agreed(instalment_cost=Bearer.PLATFORM)
    assert totals(generous, (3, minor)) == [SINGLE, (3, AMOUNT_MINOR)]


def test_an_escrow_from_before_there_were_any_offers_none() -> None:
    older = scenes.agreed(version=2)
    assert totals(older, (3, 136_500)) == [SINGLE]


def test_what_costs_more_than_twice_the_amount_was_misread() -> None:
    most = 2 * AMOUNT_MINOR
    assert totals(ESCROW, (3, most), (6, most + 1)) == [SINGLE, (3, most)]


# ── quotes ───────────────────────────────────────────────────────────────────


def refused(token: str, key: bytes = KEY) -> FieldProblem:
    with pytest.raises(QuoteRefused) as caught:
        instalments.read_quote(token, key)
    [problem] = caught.value.problems
    return problem


ALTERED = FieldProblem("quote", "altered")


def test_a_quote_is_read_as_it_was_told() -> None:
    told = Quote(ESCROW.id, AMOUNT_MINOR, THREE, BIN, later(minutes=15))
    assert instalments.read_quote(TOKEN, KEY) == told


@given(
    st.builds(
        Quote,
        escrow_id=st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26),
        amount_minor=st.integers(1, 10**12),
        offer=st.builds(
            Offer,
            count=st.integers(1, 12),
            total_minor=st.integers(1, 10**12),
            rate=st.text(),
        ),
        bin=st.from_regex("[0-9]{6}", fullmatch=True),
        expires_at=st.timedeltas(timedelta(), timedelta(days=999)).map(
            lambda after: START + after
        ),
    )
)
def test_every_quote_comes_back_as_it_went(told: Quote) -> None:
    token = instalments.signed(told, KEY)
    assert instalments.read_quote(token, KEY) == told


def payload(token: str) -> list[Any]:
    text, _, _ = token.partition(".")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    fields = json.loads(raw)
    assert isinstance(fields, list)
    return fields


def encoded(fields: list[Any]) -> str:
    text = base64.urlsafe_b64encode(json.dumps(fields).encode())
    return text.decode().rstrip("=")


def with_field(place: int, value: Any) -> str:
    """The quote with one field changed, under the signature of the old one."""
    fields = payload(TOKEN)
    assert fields[place] != value
    fields[place] = value
    return f"{encoded(fields)}.{TOKEN.partition('.')[2]}"


CHEAPER = {
    "escrow": (0, scenes.created(id="a" * 26).id),
    "amount": (1, 1),
    "count": (2, 12),
    "total": (3, AMOUNT_MINOR),
    "rate": (4, "0"),
    "bin": (5, "520019"),
    "until": (6, later(days=1).isoformat()),
}


def test_every_field_of_a_quote_is_tried_below() -> None:
    assert sorted(place for place, _ in CHEAPER.values()) == [*range(7)]
    assert len(payload(TOKEN)) == 7
    assert f"{encoded(payload(TOKEN))}.{TOKEN.partition('.')[2]}" == TOKEN


@pytest.mark.parametrize("field", CHEAPER)
def test_a_quote_with_one_field_altered_is_refused(field: str) -> None:
    assert refused(with_field(*CHEAPER[field])) == ALTERED


OTHER = instalments.signed(replace(TOLD, bin="520019"), KEY)
TEXT, _, SIGNATURE = TOKEN.partition(".")


@pytest.mark.parametrize(
    "token",
    [
        *(TOKEN[:end] for end in (0, 1, -43, -2, -1)),
        *(TOKEN + more for more in ("A", ".", "=", "\n", " ", "\x00")),
        *(more + TOKEN for more in ("A", ".", " ")),
        f"{TEXT}{SIGNATURE}",
        f"{TEXT}=.{SIGNATURE}",
        f"{TEXT}==.{SIGNATURE}",
        f"{TEXT}.{SIGNATURE}=",
        f"{TEXT}.",
        f".{SIGNATURE}",
        f"{SIGNATURE}.{TEXT}",
        f"{TEXT}.{OTHER.partition('.')[2]}",
        f"{OTHER.partition('.')[0]}.{SIGNATURE}",
        f"{TEXT}.{SIGNATURE.swapcase()}",
        f"{TEXT.swapcase()}.{SIGNATURE}",
        f"{TEXT}.{'ş' * 43}",
        f"ş.{SIGNATURE}",
    ],
)
def test_what_we_did_not_sign_exactly_so_is_refused(token: str) -> None:
    assert refused(token) == ALTERED


def test_the_last_letter_of_a_signature_has_one_spelling() -> None:
    """Base64 of 32 bytes leaves two bits over: other letters decode alike."""
    for letter in set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"):
        if letter != TOKEN[-1]:
            assert refused(TOKEN[:-1] + letter) == ALTERED


@pytest.mark.parametrize("key", [b"", b"key of quotes ", b"key of quote", b"\x00"])
def test_a_quote_of_another_key_is_refused(key: bytes) -> None:
    assert refused(instalments.signed(TOLD, key)) == ALTERED
    assert refused(TOKEN, key) == ALTERED


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{1,600}\.[A-Za-z0-9_-]{43}"))
def test_no_random_text_is_a_quote(token: str) -> None:
    assert refused(token) == ALTERED


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="utf-8"))
def test_no_letter_of_a_quote_can_be_changed(place: int, letter: str) -> None:
    changed = TOKEN[:place] + letter + TOKEN[place + 1 :]
    if changed != TOKEN:
        assert refused(changed) == ALTERED


# ── whether it holds here and now ────────────────────────────────────────────


def test_a_quote_holds_to_the_last_moment_for_its_escrow_and_card() -> None:
    last = later(minutes=14, seconds=59)
    instalments.must_hold(TOLD, ESCROW, last)
    instalments.must_hold(TOLD, scenes.declined(), last)
    instalments.must_be_for_card(TOLD, BIN)


@pytest.mark.parametrize(
    ("escrow", "at", "problem"),
    [
        (replace(ESCROW, id="a" * 26), START, "another_escrow"),
        (ESCROW, later(minutes=15), "quote_expired"),
        (ESCROW, later(days=99), "quote_expired"),
        (replace(ESCROW, amount_minor=129_999), START, "amount_changed"),
        (replace(ESCROW, amount_minor=130_001), START, "amount_changed"),
    ],
)
def test_elsewhere_or_later_it_does_not_hold(
    escrow: Escrow, at: Any, problem: str
) -> None:
    with pytest.raises(QuoteRefused) as caught:
        instalments.must_hold(TOLD, escrow, at)
    assert caught.value.problems == (FieldProblem("quote", problem),)


@pytest.mark.parametrize("bin_", ["435509", "", "43550800"])
def test_for_another_card_it_does_not_hold(bin_: str) -> None:
    with pytest.raises(QuoteRefused) as caught:
        instalments.must_be_for_card(TOLD, bin_)
    problem = "another_card"
    assert caught.value.problems == (FieldProblem("quote", problem),)
