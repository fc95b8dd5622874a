"""`make story CHAPTER=…`: one chapter, or `all` of them, against the running system."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

import requests

from local.clock import ClockError
from local.issuer import Issuer
from local.running import ISSUER_KEY, NotRunningError, Running
from local.story import compare, deadlines, decisions, lost_refund, payment
from local.story.telling import DifferenceError, paint
from local.story.world import World

CHAPTERS: Mapping[str, tuple[Callable[[World], None], str]] = {
    "payment": (payment.play, "one charge, one release"),
    "auto-release": (deadlines.auto_release, "the clock released"),
    "missed-ship-by": (deadlines.missed_ship_by, "all of it went back"),
    "scheduled-refund": (deadlines.scheduled_refund, "a part went back a day later"),
    "cancel": (decisions.cancel, "all of it went back on the same day"),
    "dispute": (decisions.dispute, "split to the last kuruş"),
    "chargeback": (decisions.chargeback, "one won, one lost"),
    "lost-refund": (lost_refund.play, "one refund, asked for once"),
    "compare": (compare.play, "two repaired, one shown to people"),
}
ALL = "all"


def main() -> None:
    os.environ["NO_PROXY"] = "*"  # all of it is on this machine
    name = "".join(sys.argv[1:]) or "payment"
    if name not in {*CHAPTERS, ALL}:
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
        for chapter in CHAPTERS if name == ALL else (name,):
            _play(world, chapter, is_named=name != "payment")
    except (NotRunningError, ClockError) as error:
        sys.exit(str(error))
    except DifferenceError as difference:
        sys.exit(f"The story stops: {difference}")
    except requests.RequestException as error:  # its text may carry a token
        sys.exit(f"The story stops: {type(error).__name__}")


def _play(world: World, name: str, *, is_named: bool) -> None:
    play, moral = CHAPTERS[name]
    if is_named:
        print(f"\n{paint(1, f'── {name} ──')}")
    play(world)
    print(f"\n{paint(32, f'The story went as it should: {moral}.')}", flush=True)


if __name__ == "__main__":
    main()
