"""Plays whatever a caller may send into a handler, and says what is wrong with what
came of it."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from werkzeug.wrappers import Response

from emanet import problems
from local.api_gateway import payload
from tests.rules import rules_hold
from tests.security.fuzz_events import RETURN, Event, Genuine, Town, hostile, town
from tests.simulation.checker import Checker
from tests.simulation.effects import Effect, Kind
from tests.simulation.world import World, in_process
from tests.stage import OTHER_PAGE, RETURN_PAGE

ROUNDS = 30

# ── the judge ────────────────────────────────────────────────────────────────

MONEY_PATHS = ("_charge", "/charge", "/reversed_request", "/escrow_status_update")
EFFECTS_MAX = 120  # a comparison looks at each of its days, 92 at most
ANSWERED_WITHIN = timedelta(seconds=29)  # API Gateway gives up at 30
STATUSES = frozenset({200, 201, 204, 303, 400, 401, 403, 404, 409, 413, 422, 429})
CHANGES_THOUGH_REFUSED = frozenset({"payment_refused"})  # the attempt is on record
PROBLEM_FIELDS = frozenset(
    {"type", "title", "status", "detail", "code", "retryable", "request_id"}
)


class Endless(BaseException):
    """No `except Exception` of a handler may hide it."""


@contextmanager
def _patience(world: World) -> Iterator[None]:
    """Whoever goes on and on is stopped; the judge counts what he had done."""
    stop = len(world.outside.trace) + 2 * EFFECTS_MAX

    def choose(_: Effect) -> None:
        if len(world.outside.trace) > stop:
            raise Endless

    world.outside.choose = choose
    try:
        yield
    finally:
        world.outside.choose = lambda _: None


@dataclass
class Judge:
    """Plays events in one town, each from the same moment."""

    town: Town
    seen: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def play(self, genuine: Genuine, event: Event) -> None:
        """One event; whatever is wrong with what came of it is a finding."""
        world = self.town.world
        before, effects = world.books.snapshot(), len(world.outside.trace)
        began, sent = world.clock(), copy.deepcopy(event)
        self.seen["events"] += 1
        try:
            with _patience(world):
                answer = world.invoke(genuine.function, event)
            wrong = self._wrong(genuine, answer, before)
        except Endless:
            wrong = ["did not end"]
        except Exception as error:  # noqa: BLE001 - whatever a handler lets out is a finding
            wrong = [f"raised {type(error).__name__}: {error}"]
        made = world.outside.trace[effects:]
        wrong += self._too_much(genuine, [e.name for e in made], world.clock() - began)
        said = json.dumps(sent)[:3_000]
        self.findings += [f"{genuine.route}: {what}: {said}" for what in wrong]
        if world.books.snapshot() != before or any(e.kind is Kind.PAYNET for e in made):
            world.go_back(self.town.moment)

    def _too_much(
        self, genuine: Genuine, names: list[str], took: timedelta
    ) -> list[str]:
        wrong = []
        if len(names) > EFFECTS_MAX or took > ANSWERED_WITHIN:
            wrong.append(f"{len(names)} effects in {took}")
        moved = sum(name.endswith(MONEY_PATHS) for name in names)
        if moved > (genuine.route == RETURN):
            wrong.append(f"{moved} orders to PAYNET that move money")
        return wrong

    def _wrong(self, genuine: Genuine, answer: Any, before: Any) -> list[str]:
        passed = payload.response(answer)
        status, wrong = passed.status_code, []
        self.seen[str(status)] += 1
        if status not in STATUSES:
            wrong.append(f"answered {status} {passed.get_data(as_text=True)[:200]}")
        if any(ord(c) < 32 or ord(c) > 255 for v in passed.headers.values() for c in v):
            wrong.append("a header that is no header")
        told = self._problem if status >= 400 else self._success
        wrong += told(genuine, passed)
        world = self.town.world
        changed = world.books.snapshot() != before
        if changed:
            rules_hold(world)
            wrong += [str(finding) for finding in Checker(world).look()]
        if status >= 400 and changed and not self._may_change(passed):
            wrong.append(f"answered {status} and changed the books")
        return wrong

    def _may_change(self, passed: Response) -> bool:
        return json.loads(passed.get_data())["code"] in CHANGES_THOUGH_REFUSED

    def _problem(self, _: Genuine, passed: Response) -> list[str]:
        """RFC 9457, whole, and in the language that its header names."""
        try:
            body = json.loads(passed.get_data())
            known = problems.PROBLEMS[body["code"]]
            language = passed.headers["Content-Language"]
        except (ValueError, KeyError, TypeError) as error:
            return [f"no problem that we know: {error!r}"]
        self.seen[f"language {language}"] += 1
        right = (
            passed.headers["Content-Type"] == "application/problem+json"
            and set(body) >= PROBLEM_FIELDS
            and (known.title[language], known.detail[language], known.status)
            == (body["title"], body["detail"], passed.status_code)
            and all(
                set(e) == {"field", "problem", "text"} for e in body.get("errors", [])
            )
        )
        return [] if right else [f"a broken problem: {body}"]

    def _success(self, genuine: Genuine, passed: Response) -> list[str]:
        """The documented fields."""
        kind = passed.headers["Content-Type"]
        if passed.status_code == 303:
            page = passed.headers["Location"].partition("?escrow=")[0]
            return [] if page in {RETURN_PAGE, OTHER_PAGE} else [f"sent to {page}"]
        if genuine.route == RETURN:
            return ["a return that is no redirect"]
        if passed.status_code == 204:
            return [] if not passed.get_data() else ["204 with a body"]
        if kind.startswith("text/csv") and genuine.route.endswith("statement"):
            return []
        missing = self.town.fields[genuine.route] - set(json.loads(passed.get_data()))
        return [f"without {sorted(missing)}"] if missing else []


# ── many of them ─────────────────────────────────────────────────────────────


def run(
    part: int = 0, parts: int = 1, rounds: int = ROUNDS, seed_of: int = 0
) -> tuple[dict[str, int], list[str]]:
    """The deep variant: so many rounds, each with one hostile event for each genuine
    one; this worker plays every `parts`-th round."""
    with in_process(seed_of) as world:
        judge = Judge(town(world))
        for number in range(part, rounds, parts):
            one_round(judge, f"{seed_of}/{number}")
    return counts(judge), judge.findings


def one_round(judge: Judge, seed_of: str) -> None:
    chance = random.Random(seed_of)  # noqa: S311 - to be played again
    for genuine in judge.town.genuine:
        judge.play(genuine, hostile(genuine, chance))


def counts(judge: Judge) -> dict[str, int]:
    return {"events": judge.seen["events"], "wrong": len(judge.findings)}
