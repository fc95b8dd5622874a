"""Every crash point: the effects of each flow are recorded, then each of them goes
wrong in each way, alone or with a second one during the recovery; and whoever comes
next, client, PAYNET or reconciler, in every order, has to bring it to its right end.

What goes wrong at one effect in two ways that nobody outside can tell apart is played
once, and so is what leaves the same world behind; both are counted."""

from __future__ import annotations

import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.simulation.checker import Finding, Harm
from tests.simulation.crash_plays import WAYS, Point, Rehearsal, Second, Take, Way
from tests.simulation.effects import CRASHES, Fault
from tests.simulation.flows import FLOWS
from tests.simulation.flows_steps import Flow
from tests.simulation.world import in_process, unheard

Result = tuple[dict[str, int], list[str]]
SEED = 0
BATCH = 1000  # pairs for which the flows are opened once
USUAL_LENGTH = 40  # effects of a recovery, before enough were played
ENOUGH = 20


@contextmanager
def rehearsed(flow: Flow) -> Iterator[Rehearsal]:
    """The flow in a world of its own, played once without faults."""
    with unheard(), in_process(SEED) as world:
        rehearsal = Rehearsal(flow, world)
        rehearsal.play()
        yield rehearsal


def share(part: int, parts: int) -> list[Flow]:
    """This worker's flows: the longest first, dealt out in turn."""
    flows = sorted(FLOWS, key=lambda flow: -len(flow.steps))
    return flows[part::parts]


def run(part: int, parts: int, ways: int) -> Result:
    """Every point; each different state behind it is recovered in so many of the nine
    ways, those that were taken least so far."""
    tally = Tally()
    for flow in share(part, parts):
        with rehearsed(flow) as rehearsal:
            _run_all(rehearsal, ways, tally)
    return tally.result()


@dataclass
class Tally:
    """What was counted, and what was found."""

    counts: Counter[str] = field(default_factory=Counter)
    ways: Counter[Way] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)

    def found(
        self,
        point: Point,
        way: Way,
        findings: list[Finding],
        second: Second | None = None,
    ) -> None:
        for finding in findings:
            self.counts[finding.harm] += 1
            self.texts.append(
                f"{finding.harm}: {finding.what} <- {_call(point, way, second)}"
            )

    def result(self) -> Result:
        zeros = {str(harm): 0 for harm in Harm}
        by_way = {f"by {' '.join(way)}": count for way, count in self.ways.items()}
        return zeros | dict(self.counts) | by_way, self.texts


def _call(point: Point, way: Way, second: Second | None) -> str:
    """How to see it once more."""
    told = f"replay({point.flow!r}, {point.step}, {point.effect}, '{point.fault}'"
    also = f", second=({second.effect}, {str(second.fault)!r})" if second else ""
    return f"{told}, {way!r}{also}) at {point.name}"


def _run_all(rehearsal: Rehearsal, ways: int, tally: Tally) -> None:
    standing: dict[Point, list[Point]] = defaultdict(list)
    for point in rehearsal.points():
        standing[rehearsal.stands_for(point)].append(point)
    taken: dict[bytes, list[Way]] = {}
    for played, points in standing.items():
        tally.counts["of"] += len(points)
        tally.counts["run"] += len(points)
        tally.counts["merged"] += len(points) - 1
        take = Take(rehearsal, played)
        take.fail()
        tally.found(played, (), take.findings)
        key = bytes([played.step]) + take.state(thorough=ways > 1)
        if key not in taken:
            tally.counts["states"] += 1
            taken[key] = _fairest(tally.ways, ways)
            for way in taken[key]:
                take.recover(way)
                tally.found(played, way, take.findings)
                take = take.anew()
        for way in taken[key]:
            tally.ways[way] += len(points)


def _fairest(taken: Counter[Way], ways: int) -> list[Way]:
    """Those by which the fewest points were recovered yet."""
    return sorted(WAYS, key=lambda way: (taken[way], WAYS.index(way)))[:ways]


def pairs(
    part: int, parts: int, seed: int, count: int, until: float = math.inf
) -> Result:
    """This worker's part of so many pairs, drawn by the seed: a point, a way to
    recover, and an effect of that recovery that goes wrong as well; or as many as can
    be played before this moment of `time.monotonic`. `of` is how many there are in all
    flows opened, by the usual length of the recoveries that were played."""
    drawn = Drawn(random.Random(f"{seed} {part}/{parts}"))  # noqa: S311 - played again by its seed
    flows, left = share(part, parts), count // parts + (part < count % parts)
    while left and time.monotonic() < until:
        batch = drawn.flows(flows, min(left, BATCH))
        left -= min(left, BATCH)
        for flow in flows:
            if batch[flow.name] and time.monotonic() < until:
                with rehearsed(flow) as rehearsal:
                    drawn.play(rehearsal, batch[flow.name], until)
    return drawn.result()


@dataclass
class Drawn:
    """Pairs by chance."""

    chance: random.Random
    tally: Tally = field(default_factory=Tally)
    points: dict[str, int] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)

    def flows(self, flows: list[Flow], count: int) -> Counter[str]:
        """How many of each, the longer the more."""
        weights = [len(flow.steps) for flow in flows]
        drawn = self.chance.choices(flows, weights, k=count)
        return Counter(flow.name for flow in drawn)

    def play(self, rehearsal: Rehearsal, count: int, until: float) -> None:
        points = list(rehearsal.points())
        self.points[rehearsal.flow.name] = len(points)
        for _ in range(count):
            if time.monotonic() >= until:
                return
            self._one(Take(rehearsal, self.chance.choice(points)))

    def _one(self, take: Take) -> None:
        """Where the recovery ends before the second one, it is drawn anew within it."""
        way, fault = self.chance.choice(WAYS), self.chance.choice(CRASHES)
        second = Second(self.chance.randrange(self._usual), fault)
        length = take.recover(way, second)
        if 0 < length <= second.effect:
            take, second = take.anew(), Second(self.chance.randrange(length), fault)
            length = take.recover(way, second)
        self.lengths.append(length)
        self.tally.counts["run"] += 1
        self.tally.found(take.point, way, take.findings, second)

    @property
    def _usual(self) -> int:
        """Effects of a recovery, by those that were played."""
        known = len(self.lengths)
        return sum(self.lengths) // known if known >= ENOUGH else USUAL_LENGTH

    def result(self) -> Result:
        counts, texts = self.tally.result()
        ways = len(WAYS) * len(CRASHES) * self._usual
        return counts | {"of": sum(self.points.values()) * ways}, texts


def replay(
    flow: str,
    step: int,
    effect: int,
    fault: str,
    way: Way,
    *,
    second: tuple[int, str] | None = None,
) -> list[Finding]:
    """One point again, as a text of `run` or `pairs` names it."""
    point = Point(flow, step, effect, Fault(fault))
    with rehearsed(next(it for it in FLOWS if it.name == flow)) as rehearsal:
        take = Take(rehearsal, point)
        take.fail()
        take.recover(way, Second(second[0], Fault(second[1])) if second else None)
        return take.findings
