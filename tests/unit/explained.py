"""What every escrow answer explains, for every status and role: allowed, blocked and
why, and what comes next. `golden/explain.json` keeps it, so that a change of the
machine shows in review as what it means to people. Written anew by

    PYTHONPATH=layers/emanet/python .venv/bin/python -m tests.unit.explained
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emanet import views
from emanet.escrow import Escrow, Role, Status
from tests.unit import every_scene, scenes
from tests.unit.every_scene import Scene
from tests.unit.scenes import later

GOLDEN = Path(__file__).with_name("golden") / "explain.json"
PEOPLE = (Role.PAYER, Role.PAYEE, Role.OPERATIONS, Role.BACKEND, Role.CARRIER)

# Beside the plainest escrow of each status: where what may be done differs most.
MORE: dict[str, Scene] = {
    "created, too late to pay": (scenes.created(), later(hours=72)),
    "created, a session is being opened": (scenes.starting(), later(seconds=29)),
    "held, shipped": (scenes.shipped(), later(hours=1)),
    "held, delivered": (scenes.delivered(), later(hours=1)),
    "held, inspected": (scenes.delivered(), later(days=3)),
    "held, a part is released": (scenes.part_released(), later(hours=1)),
    "held, a part is going back": (scenes.reserved(30_000), later(hours=1)),
    "held, all of it is going back": (scenes.reserved(), later(hours=1)),
    "held, a dispute is resolved": (scenes.resolved(), later(hours=2)),
    "held, by PAYNET's own escrow": (scenes.held_by_paynet(), later(hours=1)),
    "held, and paid twice": (scenes.with_surplus(scenes.held()), later(hours=1)),
    "held, something odd was taken": (
        scenes.with_mismatch(scenes.held()),
        later(hours=1),
    ),
    "disputed, overdue": (every_scene.overdue(), later(days=4)),
    "review, held for too long": (scenes.escalated(), later(days=61)),
    "review, a capture waits": (every_scene.waited(), later(hours=1)),
    "review, a charge is undecided": (
        scenes.failing(scenes.charging()),
        later(hours=1),
    ),
    "review, a refund is unknown": (scenes.unknown(), later(days=2)),
    "review, of a dispute": (scenes.failing(scenes.disputed()), later(hours=1)),
    "review, charged back": (
        every_scene.charged_back(scenes.held()),
        later(days=2),
    ),
    "released, charged back": (
        every_scene.charged_back(scenes.released()),
        later(days=2),
    ),
}


def every() -> Iterator[tuple[str, Escrow, Role, dict[str, Any]]]:
    """Each scene as each role gets it told, in English."""
    plain = {str(s): (scenes.in_status(s), later(hours=1)) for s in Status}
    for name, (escrow, at) in sorted((plain | MORE).items()):
        for role in PEOPLE:
            told = views.explain(escrow, [scenes.actor(role)], at, "en")
            yield name, escrow, role, told


def explained() -> dict[str, dict[str, Any]]:
    """Scene → role → what he may do, and what not, by the reason; and what comes next,
    which is the same for all."""
    found: dict[str, dict[str, Any]] = {}
    for name, _, role, told in every():
        scene = found.setdefault(name, {"next": told["next"]})
        scene[role] = {"may": told["allowed_actions"], **_by_reason(told)}
    return found


def _by_reason(told: dict[str, Any]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for each in told["blocked_actions"]:
        reasons.setdefault(each["reason"], []).append(each["action"])
    return {f"not: {reason}": reasons[reason] for reason in sorted(reasons)}


def text() -> str:
    """JSON, one line a role."""
    scenes_ = (
        f"{json.dumps(name, ensure_ascii=False)}: {{\n"
        + ",\n".join(f'  "{key}": {json.dumps(told)}' for key, told in scene.items())
        + "\n}"
        for name, scene in explained().items()
    )
    return "{\n" + ",\n".join(scenes_) + "\n}\n"


def main() -> None:
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(text(), "utf-8")


if __name__ == "__main__":
    main()
