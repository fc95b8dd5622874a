"""How errors are told: every code has its words, in both languages, and none of them
ever says what was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from emanet import errors, problems
from emanet.entrypoint import InternalError
from emanet.errors import EmanetError, FieldProblem, IllegalTransition, InvalidRequest
from tests.unit import scenes


def every(kind: type[EmanetError]) -> Iterator[type[EmanetError]]:
    """The kinds that are told: those with a code of their own."""
    for child in kind.__subclasses__():
        if "code" in vars(child):
            yield child
        yield from every(child)


KINDS = sorted(set(every(EmanetError)), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_its_words(kind: type[EmanetError]) -> None:
    assert kind.code in problems.PROBLEMS


def test_every_code_belongs_to_one_error_and_every_entry_to_a_code() -> None:
    codes = [kind.code for kind in KINDS]
    assert sorted(codes) == sorted(problems.PROBLEMS)
    assert InternalError in KINDS
    assert len(KINDS) > len(vars(errors)) / 3


@pytest.mark.parametrize("code", sorted(problems.PROBLEMS))
def test_each_is_told_in_both_languages(code: str) -> None:
    problem = problems.PROBLEMS[code]
    for words in (problem.title, problem.detail):
        assert set(words) == {"en", "tr"}
        assert all(words.values())
        assert words["en"] != words["tr"]


@pytest.mark.parametrize("code", sorted(problems.PROBLEMS))
def test_trying_again_is_advised_only_where_it_can_help(code: str) -> None:
    problem = problems.PROBLEMS[code]
    assert problem.status in range(400, 600)
    hopeless = problem.status in (400, 401, 403, 404, 413, 422, 500)
    assert not (problem.retryable and hopeless)
    assert problem.retryable or problem.status not in (429, 503)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_who_may_try_again_is_not_told_to_wait_for_what_never_changes(
    kind: type[EmanetError],
) -> None:
    if kind.retry_after_s:
        assert problems.PROBLEMS[kind.code].retryable


def test_what_is_wrong_with_a_field_has_words_in_both_languages() -> None:
    for words in problems.FIELD_TEXTS.values():
        assert set(words) == {"en", "tr"}
        assert words["en"] != words["tr"]


def test_a_body_is_rfc_9457_with_code_and_request_id() -> None:
    error = InvalidRequest(FieldProblem("amount.amount", "int_type"))
    assert problems.body(error, "tr", "request-1") == {
        "type": "urn:emanet:problem:invalid_request",
        "title": "Bir alan hatalı",
        "status": 422,
        "detail": problems.PROBLEMS["invalid_request"].detail["tr"],
        "code": "invalid_request",
        "retryable": False,
        "request_id": "request-1",
        "errors": [
            {
                "field": "amount.amount",
                "problem": "int_type",
                "text": "tam sayı olmalı",
            }
        ],
    }


def test_an_unforeseen_kind_of_wrong_still_has_words() -> None:
    error = InvalidRequest(FieldProblem("x", "never_heard_of"))
    assert problems.body(error, "en", "")["errors"][0]["text"] == "has a wrong form"


def test_a_refusal_shows_the_present_state_and_nothing_more_of_the_escrow() -> None:
    escrow = scenes.charging()
    told = problems.body(IllegalTransition(escrow, "charge_under_way"), "en", "r")
    assert (told["status"], told["code"]) == (409, "not_allowed_now")
    assert told["reason"] == "charge_under_way"
    assert told["escrow"] == {
        "escrow_id": escrow.id,
        "status": "charging",
        "version": escrow.version,
    }
    assert "buyer-1" not in json.dumps(told)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("tr", "tr"),
        ("tr-TR,tr;q=0.9,en;q=0.8", "tr"),
        ("en-GB,tr;q=0.5", "en"),
        ("de-DE, tr;q=0.8", "tr"),
        ("TR", "tr"),
        ("de", "en"),
        (";;,,", "en"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_first_of_ours_that_is_named(
    header: str | None, language: str
) -> None:
    assert problems.language_of(header) == language
