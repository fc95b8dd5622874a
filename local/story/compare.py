"""Chapter `compare`: PAYNET's lists and our books drift apart in three ways. A plan
names them; applied, it repairs what PAYNET proves and shows the rest to people; a
second plan finds only that rest."""

from __future__ import annotations

from datetime import timedelta

from local import clock
from local.story.decisions import dispute_at_bank, waiting
from local.story.scenes import PAID_MINOR, act, agree, decide, paid
from local.story.telling import Json, expect, expect_escrow, must_be, scene
from local.story.world import World

OTHER_FEE_MINOR = 4_321
SETTLED_AFTER = timedelta(hours=1)  # younger rows may still be under way
PLANTED = [
    ("fee", "note_fee", "repaired"),
    ("chargeback", "open_chargeback", "repaired"),
    ("missing_there", "queue", "queued"),
]


def play(world: World) -> None:
    world.leave_midnight(SETTLED_AFTER + timedelta(minutes=5))
    escrow_ids = [paid(world) for _ in PLANTED]
    scene("PAYNET's books change without a word: a fee, a chargeback, a lost row")
    plant(world, escrow_ids)
    world.move_to(clock.now() + SETTLED_AFTER)
    scene("The plan names each, with its cause and what may be done")
    plan = made(world)
    drifts = [(drift, repair) for drift, repair, _ in PLANTED]
    must_be("findings", drifts, told(plan["findings"], escrow_ids, "drift", "repair"))
    scene("Applied: what PAYNET proves is repaired, the rest is shown to people")
    applied = world.ask(
        "operations",
        "POST /api/operations/compare/apply",
        {"plan_id": plan["plan_id"]},
        200,
    )
    results = [(drift, result) for drift, _, result in PLANTED]
    handled = told(applied["handled"], escrow_ids, "drift", "result")
    for each in applied["handled"]:
        show_line(each, "drift", "result", "why", "escrow_id")
    must_be("handled", results, handled)
    expect_repaired(world, escrow_ids)
    scene("A second plan finds only what waits for people")
    again = told(made(world)["findings"], escrow_ids, "drift", "repair")
    must_be("findings", drifts[2:], again)
    end(world, escrow_ids)


def plant(world: World, escrow_ids: list[str]) -> None:
    fee, bank, lost = (xact_id(world, one) for one in escrow_ids)
    other = {"xact_id": fee, "commission_minor": OTHER_FEE_MINOR}
    world.paynet("POST alterations", other)
    dispute_at_bank(world, bank, on=True)
    world.paynet("POST forgotten", {"xact_id": lost})


def xact_id(world: World, escrow_id: str) -> str:
    [capture] = world.read(escrow_id, "operations")["captures"]
    return str(capture["xact_id"])


def made(world: World) -> Json:
    """Of today, for rows of today are planted."""
    today = clock.now().astimezone(clock.ISTANBUL).date().isoformat()
    window = {"first": today, "last": today}
    plan = world.ask("operations", "POST /api/operations/compare/plan", window, 200)
    for finding in plan["findings"]:
        show_line(finding, "drift", "cause", "repair", "escrow_id")
    return plan


def show_line(line: Json, *names: str) -> None:
    shown = (str(line[name]) for name in names if line[name])
    print(f"             {' · '.join(shown)}")


def told(
    lines: list[Json], escrow_ids: list[str], *names: str
) -> list[tuple[str, ...]]:
    """Of these escrows alone: others of this system may have drifted, too."""
    mine = [line for line in lines if line["escrow_id"] in escrow_ids]
    mine.sort(key=lambda line: escrow_ids.index(line["escrow_id"]))
    return [tuple(line[name] for name in names) for line in mine]


def expect_repaired(world: World, escrow_ids: list[str]) -> None:
    fee, bank, lost = (world.read(one, "operations") for one in escrow_ids)
    expect({"transition": "note_fee"}, fee["history"][-1])
    expect_escrow(bank, "review", held=PAID_MINOR, queue_reason="chargeback")
    [line] = waiting(world, lost["escrow_id"], "drift")
    expect({"status": "held"}, line)


def end(world: World, escrow_ids: list[str]) -> None:
    """Nothing is left waiting."""
    fee, bank, lost = escrow_ids
    decide(world, lost, "acknowledge", "PAYNET was asked by telephone")
    for escrow_id in (fee, lost):
        act(world, "buyer", escrow_id, "release", {})
    decide(world, bank, "lose_chargeback", "the bank decided")
    agree(world, bank, "refunded", charged_back=PAID_MINOR)
