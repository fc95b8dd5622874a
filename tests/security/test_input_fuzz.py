"""Whatever a caller sends into any handler of the template, it answers: in API
Gateway's shape, never 5xx, in few steps, in the words that are documented, and what it
refuses changes nothing. A new route or function fails here until it is fuzzed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from emanet import entrypoint, problems, schemas, views
from emanet.dynamodb.table import DynamoEscrowStore
from tests.rules import rules_hold
from tests.security.fuzz_events import (
    FUNCTIONS_OF_THE_CLOCK,
    TEXTS,
    Event,
    Genuine,
    Town,
    hosted_town,
    spoil,
    town,
)
from tests.security.fuzz_judge import (
    ROUNDS,
    Judge,
    counts,
    one_round,
)
from tests.simulation import tally
from tests.simulation.world import World, in_process
from tests.stage import CONSENT_VERSION, GOOD_CARD, OTHER_PAGE, RETURN_PAGE

EXAMPLES = 6

pytestmark = pytest.mark.usefixtures("silence")


# ── running ──────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def built() -> Iterator[Town]:
    """One town for all: whatever an event changes is put back."""
    with in_process() as world:
        yield town(world)
        rules_hold(world)


@pytest.fixture
def hosted() -> Iterator[Town]:
    """The same where PAYNET's own form takes the card."""
    with in_process() as world:
        yield hosted_town(world)
        rules_hold(world)


def nothing_is_wrong(judge: Judge) -> None:
    tally.record("input fuzz", **counts(judge))
    assert judge.findings == []


# ── nothing is left out ──────────────────────────────────────────────────────


def test_every_route_and_function_of_the_template_is_fuzzed(built: Town) -> None:
    template = built.world.template
    fuzzed = {each.route for each in built.genuine}
    assert fuzzed == {route.key for route in template.routes}
    assert fuzzed == set(built.fields), "a route's genuine events are all refused"
    functions = {each.function for each in built.genuine} | set(FUNCTIONS_OF_THE_CLOCK)
    assert functions == set(template.functions)
    of_the_clock = {name for name, each in template.functions.items() if each.schedules}
    assert set(FUNCTIONS_OF_THE_CLOCK) == of_the_clock


def test_every_body_that_a_handler_reads_is_generated(
    built: Town, hosted: Town
) -> None:
    read = {each.model for each in (*built.genuine, *hosted.genuine)}
    bodies = {
        each
        for each in vars(schemas).values()
        if isinstance(each, type) and each.__name__.endswith("Body")
    }
    assert read - {None} == bodies


# ── events ───────────────────────────────────────────────────────────────────


def test_every_mutation_of_a_genuine_event_is_answered_and_moves_nothing(
    built: Town,
) -> None:
    judge = Judge(built)
    for number in range(ROUNDS):
        one_round(judge, f"mutations/{number}")
    nothing_is_wrong(judge)
    assert judge.seen["language tr"]
    assert judge.seen["language en"]


def test_random_text_everywhere_is_answered(built: Town) -> None:
    chance = random.Random(2)  # noqa: S311 - to be played again
    judge = Judge(built)
    for genuine in judge.town.genuine:
        for _ in range(3):
            judge.play(genuine, _noise(genuine.event, chance))
    nothing_is_wrong(judge)


def _noise(genuine: Event, chance: random.Random) -> Event:
    """Every field of the caller's is random at once."""

    def text() -> str:
        size, top = chance.choice([0, 1, 9, 80]), chance.choice([128, 256, 0xD7FF])
        return "".join(chr(chance.randrange(top)) for _ in range(size))

    event = copy.deepcopy(genuine)
    event["rawPath"] = event["rawPath"].rpartition("/")[0] + "/" + text()
    event["rawQueryString"] = text()
    event["queryStringParameters"] = {text(): text() for _ in range(3)}
    event["headers"] |= {text().lower(): text() for _ in range(3)}
    event["pathParameters"] = dict.fromkeys(event.get("pathParameters") or {}, text())
    event["body"], event["isBase64Encoded"] = text(), False
    return event


def test_paynet_s_own_form_is_fuzzed_too(hosted: Town) -> None:
    judge = Judge(hosted)
    for number in range(ROUNDS):
        one_round(judge, f"hosted/{number}")
    nothing_is_wrong(judge)


ODD_MOMENTS: tuple[Event, ...] = (
    {"source": "aws.scheduler"},
    {"detail": None, "detail-type": ["\ud800"], "resources": {}},
    {"body": "x", "requestContext": None, "version": "2.0"},
    {name: name for name in TEXTS},
    {"deadline": -1, "days": 10**9, "first": "2026-13-45", "plan_id": "plan-a"},
)


@pytest.mark.parametrize("function", FUNCTIONS_OF_THE_CLOCK)
def test_what_the_clock_says_changes_nothing(built: Town, function: str) -> None:
    """Only the deployment's own schedule and staff may invoke these; what stands in
    the event is not even read."""
    usual = _what_comes_of(built, function, {})
    for event in ODD_MOMENTS:
        assert _what_comes_of(built, function, event) == usual
    tally.record("input fuzz", events=len(ODD_MOMENTS), wrong=0)


def _what_comes_of(built: Town, function: str, event: Event) -> tuple[str, str]:
    world = built.world
    report = json.dumps(world.invoke(function, copy.deepcopy(event)), default=str)
    items = json.dumps(world.items(), default=repr)
    world.go_back(built.moment)
    return report, items


# ── bodies that are right but for one thing ──────────────────────────────────

NUMBERS = (GOOD_CARD, "4000000000000010", "4355 0843 5508 4358", "4355084355084359")
KNOWN: dict[str, SearchStrategy[Any]] = {
    "currency": st.sampled_from(["TRY", "TRY", "TRY", "USD"]),
    "number": st.sampled_from(NUMBERS),
    "cvc": st.sampled_from(["000", "9137", "12", "٣٣٣"]),
    "expiry_year": st.integers(2025, 2101),
    "return_to": st.sampled_from([RETURN_PAGE, OTHER_PAGE, f"{RETURN_PAGE}/"]),
    "consent_version": st.sampled_from([CONSENT_VERSION, "kvkk-2025"]),
    "version": st.integers(1, 9),
    "quote": st.sampled_from(["a" * 90 + "." + "b" * 43, "a.b"]),
    "settlement": st.sampled_from(["auto-release/1", "x" * 256, "ş"]),
}
"""What a schema alone does not tell."""

_PLAIN: dict[str, SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "null": st.none(),
    "string": st.text(max_size=60),
}


def body_of(model: type[schemas.Border]) -> SearchStrategy[dict[str, Any]]:
    """Bodies that this border reads, or nearly."""
    whole = model.model_json_schema()
    return _made(whole, whole.get("$defs", {}))


def _made(schema: Any, known: Any) -> SearchStrategy[Any]:
    if "$ref" in schema:
        return _made(known[schema["$ref"].rpartition("/")[2]], known)
    if "anyOf" in schema:
        return st.one_of([_made(each, known) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _of_type(schema, known)


def _of_type(schema: Any, known: Any) -> SearchStrategy[Any]:
    match schema["type"]:
        case "object":
            return _object(schema, known)
        case "array":
            return st.lists(_made(schema["items"], known), max_size=12)
        case "integer":
            least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            return st.integers(least, schema.get("maximum", 10**12))
        case "string" if "pattern" in schema:
            return st.from_regex(schema["pattern"], fullmatch=True)
        case "string" if schema.get("format") == "date":
            return st.dates().map(str)
        case plain:
            return _PLAIN[plain]


def _object(schema: Any, known: Any) -> SearchStrategy[Any]:
    parts = {
        name: KNOWN[name] if name in KNOWN else _made(each, known)
        for name, each in schema.get("properties", {}).items()
    }
    needed = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: each for name, each in parts.items() if name in needed},
        optional={name: each for name, each in parts.items() if name not in needed},
    )


@st.composite
def nearly_right(draw: DrawFn, model: type[schemas.Border]) -> Any:
    """As it should be, or with one thing wrong."""
    body = draw(body_of(model))
    chance = draw(st.randoms(use_true_random=False))
    return body if draw(st.booleans()) else spoil(body, chance)


def generated(judge: Judge, examples: int, seed_of: int) -> None:
    """So many bodies for each genuine event that has one."""
    for genuine in judge.town.genuine:
        if genuine.model:
            _generated_for(judge, genuine, genuine.model, examples, seed_of)


def _generated_for(
    judge: Judge,
    genuine: Genuine,
    model: type[schemas.Border],
    examples: int,
    seed_of: int,
) -> None:
    @seed(seed_of)
    @settings(
        max_examples=examples,
        deadline=None,  # time is not what is tested
        database=None,
        # a whole handler is slow for Hypothesis
        suppress_health_check=list(HealthCheck),
    )
    @given(nearly_right(model))
    def play(body: Any) -> None:
        event = copy.deepcopy(genuine.event)
        event["body"], event["isBase64Encoded"] = json.dumps(body), False
        before = len(judge.findings)
        judge.play(genuine, event)
        assert judge.findings[before:] == []

    play()


def test_generated_bodies_are_answered_and_a_refused_one_moves_nothing(
    built: Town,
) -> None:
    judge = Judge(built)
    generated(judge, EXAMPLES, seed_of=0)
    nothing_is_wrong(judge)


def test_generated_bodies_for_paynet_s_own_form(hosted: Town) -> None:
    judge = Judge(hosted)
    generated(judge, EXAMPLES, seed_of=0)
    nothing_is_wrong(judge)


# ── what was found so ────────────────────────────────────────────────────────


def played(built: Town, route: str, **changes: Any) -> list[str]:
    """What is wrong with the first genuine event of this route, so changed."""
    genuine = next(each for each in built.genuine if each.route == route)
    judge = Judge(built)
    judge.play(genuine, copy.deepcopy(genuine.event) | changes)
    return judge.findings


@pytest.mark.parametrize("body", ["\ud800", '{"reason": "\udfff"}'])
def test_text_that_no_encoding_knows_is_not_json(built: Town, body: str) -> None:
    for route in ("POST /api/escrows", "POST /api/escrows/{escrow_id}/dispute"):
        assert played(built, route, body=body) == []


@pytest.mark.parametrize("day", ["1990-01-01", "0001-01-02"])
def test_a_comparison_of_long_ago_ends(built: Town, day: str) -> None:
    """All days from the first until today are looked at, whatever the last is."""
    route, body = "POST /api/operations/compare/plan", json.dumps({"last": day})
    assert played(built, route, body=body) == []


def test_a_callback_that_fits_no_route_warns_nobody(built: Town) -> None:
    """Metrics that counted nothing complain, beside our own log and not in its form."""
    route = "POST /api/webhooks/paynet-callback/{escrow_id}/{subject}/{secret}"
    path = "/api/webhooks/paynet-callback/a/b/{}"
    assert played(built, route, rawPath=path.format("\N{SNOWMAN}")) == []


# ── the judge itself ─────────────────────────────────────────────────────────


def _fails(*_: Any, **__: Any) -> Any:
    raise RuntimeError("planted")


def _untitled(*_: Any) -> dict[str, Any]:
    return {"status": 422, "code": "invalid_request", "title": "?"}


def _waits(world: World) -> Callable[..., Any]:
    plain = DynamoEscrowStore.get

    def get(self: DynamoEscrowStore, id_: str) -> Any:
        world.pass_time(60)
        return plain(self, id_)

    return get


def _writes(world: World) -> Callable[..., Any]:
    """Something is written although the body is refused."""
    plain = schemas.parse

    def parse(*args: Any) -> Any:
        item = {"id": {"S": "payer-planted"}}
        world.books.client.put_item(
            TableName=world.environment["TABLE_NAME"], Item=item
        )
        return plain(*args)

    return parse


PLANTED: dict[str, tuple[Any, str, Callable[[World], Any]]] = {
    "answered 500": (schemas, "parse", lambda _: _fails),
    "a broken problem": (problems, "body", lambda _: _untitled),
    "effects in 0:01:0": (DynamoEscrowStore, "get", _waits),
    "changed the books": (schemas, "parse", _writes),
    "without": (views, "escrow_view", lambda _: lambda *_: {}),
    "raised RuntimeError": (entrypoint, "problem", lambda _: _fails),
}


@pytest.mark.parametrize("found", PLANTED)
def test_what_is_planted_in_a_handler_is_found(
    built: Town, monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    judge = Judge(built)
    room, name, spoiled = PLANTED[found]
    monkeypatch.setattr(room, name, spoiled(built.world))
    one_round(judge, "planted")
    assert any(found in each for each in judge.findings)
