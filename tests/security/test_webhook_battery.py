"""The callback's function under attack: every case of the battery by name, messages
damaged by chance, and replays. What is refused leaves no trace and is never an error of
ours; what is accepted is kept before it is answered, and moves nothing by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from emanet import bootstrap
from emanet.webhook_gate import WebhookGate
from tests.security.webhook_cases import CASES, Case, Deployment, Scene
from tests.security.webhook_forgeries import (
    NOW_S,
    OLD_SECRET,
    Genuine,
    a_gate,
    mutated_through_the_gate,
    mutated_through_the_handler,
)
from tests.security.webhook_holes import HOLES, Hole, through
from tests.security.webhook_messages import (
    FUNCTION,
    LISTED,
    OrderPath,
    Post,
    refund_on_its_way,
)
from tests.simulation import tally
from tests.simulation.effects import Effect, Fault, Kind
from tests.simulation.world import Snapshot, World, in_process
from tests.stage import OPERATIONS, WEBHOOK_SECRET

ITEM = "webhook battery"
READS = {"GetItem", "BatchGetItem", "Query"}


@dataclass(frozen=True, slots=True)
class Battery:
    """One world for all cases, and the moment to which each goes back."""

    world: World
    scene: Scene
    start: Snapshot

    def go_back(self, deployment: Deployment) -> None:
        usual = {
            "WEBHOOK_SOURCE_CIDRS": f"{LISTED}/32",
            "WEBHOOK_SIGNATURE": "required",
        }
        self.world.go_back(self.start)
        self.world.secrets.pop("WebhookSecret", None)
        if deployment.secret is not None:
            self.world.secrets["WebhookSecret"] = deployment.secret
        self.world.deploy(**{**usual, **deployment.settings})

    def wrong_in(self, case: Case) -> str:
        """What is not as it should be; nothing: empty."""
        self.go_back(case.deployment)
        before, done = self.world.books.snapshot(), len(self.world.outside.trace)
        answer = self.world.handle(FUNCTION, case.make(self.scene))
        if answer.status != case.status:
            return f"answered {answer.status}, not {case.status}: {answer.text}"
        after, effects = self.world.books.snapshot(), self.world.outside.trace[done:]
        if case.status == 200:
            return _wrong_in_keeping(before, after, effects)
        return "" if after == before and not _writes(effects) else "it left a trace"


def _writes(effects: list[Effect]) -> list[Effect]:
    return [e for e in effects if e.kind is Kind.DYNAMODB and e.name not in READS]


def _wrong_in_keeping(
    before: dict[Any, Any], after: dict[Any, Any], effects: list[Effect]
) -> str:
    """One callback more, written before the answer; every other record is untouched."""
    new = [key.value for key in after.keys() - before.keys()]
    if len(new) != 1 or not new[0].startswith("inbox-"):
        return f"kept {new}"
    if any(after[key] is not record for key, record in before.items()):
        return "it touched something else"
    kinds = [effect.kind for effect in effects]
    return "" if kinds[-2:] == [Kind.DYNAMODB, Kind.ANSWER] else f"order: {effects}"


@pytest.fixture(scope="module")
def battery() -> Iterator[Battery]:
    with in_process() as world:
        started = world.initiate(world.create())
        orders = refund_on_its_way(world), refund_on_its_way(world)
        unsent = _ordered(world)
        world.pass_time(1 - world.clock().microsecond / 1_000_000)
        at_s = int(world.clock().timestamp())
        post = Post(world)
        scene = Scene(post, at_s, started.reference_no, *orders, unsent)
        yield Battery(world, scene, world.snapshot())


def _ordered(world: World) -> OrderPath:
    """A refund that waits for tomorrow: PAYNET was told of no address yet."""
    escrow_id = world.held()
    answer = world.call(
        "POST",
        f"/api/escrows/{escrow_id}/refund",
        {"amount": {"amount": 1, "currency": "TRY"}, "reason": "scratched"},
        who=OPERATIONS,
        headers={"Idempotency-Key": "k"},
    )
    assert answer.status == 200, answer.text
    [waiting] = world.escrow(escrow_id).settlements
    return OrderPath(escrow_id, waiting.subject, "a" * 32)


# ── the cases ──


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_has_its_one_right_answer(battery: Battery, case: Case) -> None:
    wrong = battery.wrong_in(case)
    tally.record(ITEM, cases=1, wrong=bool(wrong))
    assert wrong == ""


def test_there_are_enough_cases_and_no_name_twice() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 60
    assert {200, 400, 401, 404, 413, 503} == {case.status for case in CASES}
    assert sum(case.status == 200 for case in CASES) >= 20


def test_a_refusal_says_nothing_of_why(battery: Battery) -> None:
    """Whoever tries is not told which half he has right already."""
    refused = [c for c in CASES if c.status == 401]
    told = set()
    for case in refused:
        battery.go_back(case.deployment)
        answer = battery.world.handle(FUNCTION, case.make(battery.scene))
        body = {**answer.body, "request_id": ""}
        told.add((*answer.headers.items(), *body.items()))
    assert len(told) == 1


# ── what is accepted ──


def test_a_replay_is_the_same_callback_once(battery: Battery) -> None:
    battery.go_back(Deployment())
    world, event = battery.world, battery.scene.told()
    for _ in range(3):
        assert world.handle(FUNCTION, event).status == 200
    assert len(world.inbox()) == 1


def test_a_replay_of_an_old_one_is_refused(battery: Battery) -> None:
    battery.go_back(Deployment())
    world, event = battery.world, battery.scene.told()
    assert world.handle(FUNCTION, event).status == 200
    kept = world.books.snapshot()
    world.pass_time(301)
    assert world.handle(FUNCTION, event).status == 401
    assert world.books.snapshot() == kept


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.ERROR_AFTER])
@pytest.mark.parametrize("by_path", [False, True])
def test_what_could_not_be_kept_is_not_called_received(
    battery: Battery, monkeypatch: pytest.MonkeyPatch, fault: Fault, by_path: bool
) -> None:
    battery.go_back(Deployment())
    scene, world = battery.scene, battery.world
    event = scene.post.event(b"{}", {}, order=scene.order) if by_path else scene.told()
    monkeypatch.setattr(
        world.outside, "choose", lambda effect: fault if _writes([effect]) else None
    )
    answer = world.handle(FUNCTION, event)
    assert (answer.status, answer.body["code"]) == (503, "store_unavailable")


def test_whatever_was_accepted_moves_no_money(battery: Battery) -> None:
    """All of them claim that a payment was made; PAYNET, asked, knows of none."""
    battery.go_back(Deployment())
    world, claim = battery.world, battery.scene.raw
    before = [escrow.balances for escrow in world.escrows()]
    for number in range(-300, 301, 100):
        raw = claim + b" " * (number // 100 + 3)
        assert world.handle(FUNCTION, battery.scene.told(raw)).status == 200
    world.pass_time(1)
    world.run_reconciler()
    assert [escrow.balances for escrow in world.escrows()] == before


# ── messages damaged by chance ──


def test_no_damaged_message_passes_the_gate() -> None:
    told = mutated_through_the_gate(seed=1, count=20_000)
    tally.record(ITEM, mutated_messages=told["messages"], forgeries=told["forgeries"])
    assert told["messages"] == 20_000
    assert all(
        told[why] > 1_000 for why in ("signature", "timestamp", "source_address")
    )


def test_no_damaged_message_passes_the_handler(world: World) -> None:
    told = mutated_through_the_handler(world, seed=1, count=200)
    tally.record(ITEM, mutated_messages=told["messages"], forgeries=told["forgeries"])
    assert told["messages"] == 200
    assert all(told[status] for status in ("400", "401", "404"))


def test_what_was_damaged_would_have_passed_before() -> None:
    """Whole, fresh and from its address: else nothing would be proved by a refusal."""
    genuine = Genuine(Random(1), NOW_S, (WEBHOOK_SECRET, OLD_SECRET))  # noqa: S311 - a seed
    now, gate = datetime.fromtimestamp(NOW_S, UTC), a_gate()
    for message in genuine.messages:
        why = gate.refusal(message.source_ip, message.headers, message.raw, now)
        assert (why == "") is genuine.has(message)
    assert sum(map(genuine.has, genuine.messages)) > len(genuine.messages) / 2


def test_the_same_seed_makes_the_same_messages() -> None:
    first, again, other = (mutated_through_the_gate(s, 500) for s in (7, 7, 8))
    assert first == again != other


# ── the nets have no holes of their own ──


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.__name__)
def test_damaged_messages_find_every_hole(hole: Hole) -> None:
    with pytest.raises(AssertionError, match="forgery: seed 1"):
        mutated_through_the_gate(1, 20_000, through(hole, a_gate().refusal))


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.__name__)
def test_the_battery_finds_every_hole(
    battery: Battery, monkeypatch: pytest.MonkeyPatch, hole: Hole
) -> None:
    right = WebhookGate.refusal

    def refusal(gate: WebhookGate, *asked: Any) -> str:
        return through(hole, lambda *seen: right(gate, *seen))(*asked)

    monkeypatch.setattr(WebhookGate, "refusal", refusal)
    assert any(battery.wrong_in(case) for case in CASES)


@pytest.mark.parametrize(
    "open_", [{"is_ours": lambda *_: True}, {"raw_body": lambda _: b""}]
)
def test_a_handler_that_is_careless_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, open_: dict[str, Any]
) -> None:
    for name, careless in open_.items():
        monkeypatch.setattr(f"functions.paynet_webhook.app.{name}", careless)
    with pytest.raises(AssertionError, match="200 for a forgery: seed 1"):
        mutated_through_the_handler(world, 1, 200)


def test_a_handler_that_breaks_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "webhook_gate", lambda: 1 / 0)
    with pytest.raises(AssertionError, match="500 for a forgery: seed 1"):
        mutated_through_the_handler(world, 1, 200)
