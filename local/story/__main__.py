"""`make story CHAPTER=…`: one chapter, or `all` of them, against the running system."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests

from local.clock import ClockError
from local.issuer import Issuer
from local.running import ISSUER_KEY, NotRunningError, Running
from local.story import cards, compare, deadlines, decisions, lost_refund, payment
from local.story.telling import DifferenceError, paint
from local.story.world import World


@dataclass(frozen=True, slots=True)
class Chapter:
    """What is played, in which payment mode of the system, and its moral."""

    play: Callable[[World], None]
    moral: str
    mode: str = "api"


CHAPTERS: Mapping[str, Chapter] = {
    "payment": Chapter(payment.play, "one charge, one release"),
    "instalments": Chapter(cards.instalments, "the price that was signed, to and fro"),
    "stored-card": Chapter(cards.stored_card, "stored with consent, gone when deleted"),
    "hosted": Chapter(cards.hosted, "paid, and no card number came here", "hosted"),
    "auto-release": Chapter(deadlines.auto_release, "the clock released"),
    "missed-ship-by": Chapter(deadlines.missed_ship_by, "all of it went back"),
    "scheduled-refund": Chapter(
        deadlines.scheduled_refund, "a part went back a day later"
    ),
    "cancel": Chapter(decisions.cancel, "all of it went back on the same day"),
    "dispute": Chapter(decisions.dispute, "split to the last kuruş"),
    "chargeback": Chapter(decisions.chargeback, "one won, one lost"),
    "lost-refund": Chapter(lost_refund.play, "one refund, asked for once"),
    "compare": Chapter(compare.play, "two repaired, one shown to people"),
}
ALL = "all"


def main() -> None:
    os.environ["NO_PROXY"] = "*"  # all of it is on this machine
    name = "".join(sys.argv[1:])
    if name not in {*CHAPTERS, ALL, ""}:
        sys.exit(
            f"CHAPTER is one of {', '.join(CHAPTERS)}; or {ALL}. It is not {name!r}."
        )
    try:
        running = Running.find()
        if running.simulator_url is None:
            sys.exit(
                "This run talks to PAYNET's test host, and the story needs the"
                " simulator: end it and start it without PAYNET=test."
            )
        world = World(running, Issuer.load(running.issuer_url, ISSUER_KEY))
        for chapter in _wanted(name, running.payment_mode):
            _play(world, chapter, is_named=bool(name))
    except (NotRunningError, ClockError) as error:
        sys.exit(str(error))
    except DifferenceError as difference:
        sys.exit(f"The story stops: {difference}")
    except requests.RequestException as error:  # its text may carry a token
        sys.exit(f"The story stops: {type(error).__name__}")


def _wanted(name: str, mode: str) -> list[str]:
    """Nothing: the first that the system's mode can play."""
    playable = [one for one, chapter in CHAPTERS.items() if chapter.mode == mode]
    if name not in {ALL, "", *playable}:
        needed = CHAPTERS[name].mode
        sys.exit(
            f"Chapter {name} needs a system that was started with"
            f" `make run PAYMENT_MODE={needed}`; this one is {mode}."
        )
    return playable if name == ALL else [name or playable[0]]


def _play(world: World, name: str, *, is_named: bool) -> None:
    chapter = CHAPTERS[name]
    if is_named:
        print(f"\n{paint(1, f'── {name} ──')}")
    chapter.play(world)
    moral = f"The story went as it should: {chapter.moral}."
    print(f"\n{paint(32, moral)}", flush=True)


if __name__ == "__main__":
    main()
