"""Why a survivor may live, and which mutants are not made because they are provably the
same program: read from `reasons.toml`, one entry for one or more of the same reason."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.places import Mutant

FILE = Path(__file__).with_name("reasons.toml")


@dataclass(frozen=True)
class Reasons:
    """By the name of the mutant."""

    why: Mapping[str, str]
    same: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path = FILE) -> Reasons:
        tables = tomllib.loads(path.read_text("utf-8"))
        survivors, same = (
            {name: e["why"] for e in tables.get(table, []) for name in e["mutants"]}
            for table in ("survivors", "same")
        )
        return cls(survivors, same)

    def of(self, mutant: Mutant) -> str:
        """Empty: none is given."""
        return self.why.get(mutant.name, "")

    def idle(self, survivors: Iterable[Mutant]) -> list[str]:
        """Given for mutants that do not live, or are no more."""
        return sorted(self.why.keys() - {mutant.name for mutant in survivors})
