"""What a function does outside itself, one effect after another, and what can go wrong
with each. Nothing is listed by hand: whoever wants the effects of a flow plays it and
reads the trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Kind(StrEnum):
    DYNAMODB = "dynamodb"
    PAYNET = "paynet"
    SECRET = "secret"
    ANSWER = "answer"  # the function's own, to whoever called it


class Fault(StrEnum):
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    ERROR_BEFORE = "error before"  # it did not happen, and the caller hears an error
    ERROR_AFTER = "error after"  # it happened, and the caller hears an error
    LATE = "answer late"  # it happened, and the caller had stopped waiting
    REQUEST_LATE = "request late"  # PAYNET alone: it happens when nobody waits any more
    KILLED_SENDING = "killed sending"  # and so here, when nobody is left who could
    THROTTLED = "throttled"  # DynamoDB alone; the SDK tries again
    CONFLICT = "transaction conflict"  # DynamoDB alone; the SDK does not


CRASHES = tuple(Fault)[:5]  # what can go wrong with any effect
OVERTAKEN = (Fault.REQUEST_LATE, Fault.KILLED_SENDING)
DEATHS = frozenset({Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.KILLED_SENDING})


class Killed(BaseException):
    """The process is gone: no `except Exception` sees it."""


@dataclass(frozen=True, slots=True)
class Effect:
    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(slots=True)
class Outside:
    """The only way out of a function. `choose` says what goes wrong with an effect,
    `pause` lets others go first, and `trace` is what was tried, in order."""

    choose: Callable[[Effect], Fault | None] = lambda _: None
    pause: Callable[[Effect], None] = lambda _: None
    trace: list[Effect] = field(default_factory=list)

    def begin(self, kind: Kind, name: str) -> Fault | None:
        """Before an effect: what will go wrong with it, and nothing if it is the
        death of the process."""
        effect = Effect(kind, name)
        self.pause(effect)
        self.trace.append(effect)
        fault = self.choose(effect)
        if fault is Fault.KILLED_BEFORE:
            raise Killed(str(effect))
        return fault

    def through(
        self, kind: Kind, name: str, perform: Callable[[], T], error: Exception
    ) -> T:
        """The effect, or `error` in its place or after it."""
        fault = self.begin(kind, name)
        if fault is Fault.ERROR_BEFORE:
            raise error
        done = perform()
        if fault is Fault.KILLED_AFTER:
            raise Killed(name)
        if fault in {Fault.ERROR_AFTER, Fault.LATE}:
            raise error
        return done


def at(number: int, fault: Fault) -> Callable[[Effect], Fault | None]:
    """This fault at the effect of this number, counted from now, and no other."""
    left = number

    def choose(_: Effect) -> Fault | None:
        nonlocal left
        left -= 1
        return fault if left < 0 <= left + 1 else None

    return choose
