"""How errors are told: every code has its words, in both languages, and none of them
ever says what was sent."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import emanet
from emanet import errors, problems
from emanet.entrypoint import InternalError
from emanet.errors import (
    EmanetError,
    FieldProblem,
    IllegalTransition,
    InvalidRequest,
    Refused,
)
from emanet.machine import TRANSITIONS
from emanet.reasons import REASONS
from tests.unit import every_scene, scenes


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


# ── reasons ──────────────────────────────────────────────────────────────────

WORD = re.compile("[a-z]+(?:_[a-z]+)*")
LAYER = Path(emanet.__file__ or "").parent


def refusals(kind: type[Refused] = Refused) -> Iterator[str]:
    for child in kind.__subclasses__():
        yield child.__name__
        yield from refusals(child)


KINDS_OF_REFUSAL = {*refusals()}


def words(node: ast.AST) -> set[str]:
    """Every text in it that could be a reason."""
    texts = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    return {text for text in texts if isinstance(text, str) and WORD.fullmatch(text)}


def given(module: Path) -> Iterator[ast.expr]:
    """What refusals are given for a reason."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from node.args[1:] if node.func.id in KINDS_OF_REFUSAL else []


GUARDS = LAYER / "guards.py"
RAISED = {
    word
    for module in LAYER.rglob("*.py")
    for argument in given(module)
    for word in words(argument)
}
GUARDED = words(ast.parse(GUARDS.read_text("utf-8"))) & REASONS.keys()


def test_every_word_that_the_machine_refuses_with_has_its_text() -> None:
    """Seen: every guard asked about every scene."""
    told = {
        row.guard(escrow, at)
        for escrow, at in every_scene.every()
        for row in TRANSITIONS
    }
    assert len(told) > 30
    assert told - {""} <= REASONS.keys()


def test_every_word_that_is_raised_has_its_text() -> None:
    """Read in the sources: also where no scene leads."""
    assert len(RAISED) > 10
    assert REASONS.keys() >= RAISED


def test_every_guard_s_answer_has_its_text() -> None:
    """What a guard returns, or hands to `_unless`."""
    tree = ast.parse(GUARDS.read_text("utf-8"))
    answers = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            answers += node.args[1:] if node.func.id == "_unless" else []
    told = {
        answer.value
        for answer in answers
        if isinstance(answer, ast.Constant) and isinstance(answer.value, str)
    }
    assert len(told) > 30
    assert told - {""} <= REASONS.keys()


OFFERED = words(ast.parse((LAYER / "usecases/offer_instalments.py").read_text("utf-8")))
ONLY_SINGLE = {"hosted_form", "policy", "paynet_unreachable"}


def test_why_there_is_only_a_single_payment_has_its_text() -> None:
    assert OFFERED & REASONS.keys() == ONLY_SINGLE | {"wrong_status"}


def test_no_text_is_kept_for_a_word_that_nobody_says() -> None:
    assert REASONS.keys() - RAISED - GUARDED - ONLY_SINGLE == set()


def fields_of(module: Path) -> Iterator[str]:
    """What a module says is wrong with a field."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            told = {"FieldProblem": node.args[1:], "_wrong": node.args}
            for argument in told.get(node.func.id, []):
                if isinstance(argument, ast.Constant):
                    yield from words(argument)


def test_what_our_own_code_says_of_a_field_has_its_text() -> None:
    told = {word for module in LAYER.rglob("*.py") for word in fields_of(module)}
    assert len(told) > 15
    general = {"pattern"}  # "has a wrong form" says it
    assert told - general <= problems.FIELD_TEXTS.keys()


def test_what_is_wrong_with_a_quote_has_its_text() -> None:
    """Their words stand in a table there."""
    said = words(ast.parse((LAYER / "instalments.py").read_text("utf-8")))
    quote = {"another_escrow", "another_card", "quote_expired", "amount_changed"}
    assert said >= quote
    assert problems.FIELD_TEXTS.keys() >= quote


@pytest.mark.parametrize("word", sorted(REASONS))
def test_each_reason_is_told_in_both_languages(word: str) -> None:
    assert WORD.fullmatch(word)
    english, turkish = REASONS[word]
    assert english != turkish
    for text, language in ((english, "en"), (turkish, "tr")):
        assert text.endswith(".")
        assert "|" not in text
        assert problems.reason_text(word, language) == text


def test_a_word_that_nobody_knows_says_nothing() -> None:
    assert problems.reason_text("never_heard_of", "en") == ""


# ── refusals ─────────────────────────────────────────────────────────────────


def test_a_refusal_shows_the_present_state_and_nothing_more_of_the_escrow() -> None:
    escrow = scenes.charging()
    told = problems.body(IllegalTransition(escrow, "charge_under_way"), "en", "r")
    assert (told["status"], told["code"]) == (409, "not_allowed_now")
    assert told["reason"] == "charge_under_way"
    assert told["reason_text"] == REASONS["charge_under_way"][0]
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
