"""Children that judge mutants, two at a time: each is a fork of this process, says in a
word what it found, and is ended. It writes nothing that outlives it."""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.places import Mutant

SAID_MAX = 4096  # bytes that a child may say; a pipe takes them at once
MEMORY_MAX = 4 << 30  # a mutant that never stops growing
WALL_S = 10.0  # to one second of the processor's: others may be at work, too
LIVED, TIMED_OUT, BROKEN = "lived", "timed out", "broken: "


class ToolFailed(Exception):
    """No verdict about a mutant: something is wrong with this tool or its tests."""


@dataclass(frozen=True)
class Job:
    """What is done in the child; it says who killed the mutant, LIVED or BROKEN."""

    mutant: Mutant
    run: Callable[[], str]


@dataclass(frozen=True)
class Verdict:
    """`by`: the test that failed, or LIVED, or TIMED_OUT."""

    mutant: Mutant
    by: str

    @property
    def is_killed(self) -> bool:
        return self.by != LIVED

    @property
    def is_by_a_test(self) -> bool:
        return self.by not in {LIVED, TIMED_OUT}


@dataclass
class _Child:
    """One forked child and what it is to say, within its seconds of the processor. One
    that is ended by that limit says nothing."""

    job: Job
    limit_s: int
    until: float = 0.0
    pid: int = 0
    pipe: int = 0

    def start(self) -> None:
        self.pipe, theirs = os.pipe()
        self.until = time.monotonic() + WALL_S * self.limit_s
        self.pid = os.fork()
        if self.pid == 0:
            self._be_the_child(theirs)
        os.close(theirs)

    def _be_the_child(self, pipe: int) -> None:
        said = f"{BROKEN}the child ended"
        resource.setrlimit(resource.RLIMIT_CPU, (self.limit_s, self.limit_s))
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
            with (
                Path(os.devnull).open("w", encoding="utf-8") as nowhere,
                redirect_stdout(nowhere),
                redirect_stderr(nowhere),
            ):
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
                said = self.job.run()
        finally:
            os.write(pipe, said.encode()[:SAID_MAX])
            os._exit(0)

    def verdict(self) -> Verdict:
        """Of one that ended, or whose time is over."""
        can_say = select.select([self.pipe], [], [], 0)[0]
        said = os.read(self.pipe, SAID_MAX).decode() if can_say else ""
        self.end()
        if said.startswith(BROKEN):
            raise ToolFailed(f"{self.job.mutant.name}: {said}")
        return Verdict(self.job.mutant, said or TIMED_OUT)

    def end(self) -> None:
        """Whatever it does."""
        os.close(self.pipe)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@dataclass
class Workers:
    """So many children at a time, each with so much time."""

    limit_s: int
    count: int = 2
    running: list[_Child] = field(default_factory=list)

    def judge(self, jobs: Sequence[Job]) -> Iterator[Verdict]:
        """In the order in which they end."""
        waiting = list(reversed(jobs))
        try:
            while waiting or self.running:
                while waiting and len(self.running) < self.count:
                    child = _Child(waiting.pop(), self.limit_s)
                    child.start()
                    self.running.append(child)
                yield from self._ended()
        finally:
            for child in self.running:
                child.end()

    def _ended(self) -> Iterator[Verdict]:
        said, _, _ = select.select([c.pipe for c in self.running], [], [], 0.5)
        for child in list(self.running):
            if child.pipe in said or time.monotonic() > child.until:
                self.running.remove(child)
                yield child.verdict()
