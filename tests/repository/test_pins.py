"""Keeps every pin: exact, hashed, the same for tests and layer, and without the address
of an index. It asks no index."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
LAYER_LOCK = ROOT / "layers" / "emanet" / "python" / "requirements.txt"
DEV_LOCK = REQUIREMENTS / "dev.txt"
LOCKS = [LAYER_LOCK, *sorted(REQUIREMENTS.glob("*.txt"))]
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; .+)?((?: +--hash=sha256:[0-9a-f]{64})+)$")


def requirements(lock: Path) -> list[str]:
    """One text for each requirement, its hashes on the same line."""
    text = lock.read_text("utf-8").replace("\\\n", "")
    return [line for line in text.splitlines() if not line.startswith("#")]


def pins(lock: Path) -> dict[str, str]:
    found = (PIN.match(line) for line in requirements(lock))
    return {match[1]: match[2] for match in found if match}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_exact_hashed_pins_and_nothing_else(lock: Path) -> None:
    assert [line for line in requirements(lock) if not PIN.match(line)] == []


def test_the_layer_runs_what_the_tests_tested() -> None:
    tested = pins(DEV_LOCK)
    layer = pins(LAYER_LOCK)
    assert layer
    assert layer == {name: tested.get(name) for name in layer}


@pytest.mark.parametrize(
    ("wanted", "lock"),
    [("layer", LAYER_LOCK), *((lock.stem, lock) for lock in LOCKS[1:])],
)
def test_what_is_wanted_is_pinned(wanted: str, lock: Path) -> None:
    lines = (REQUIREMENTS / f"{wanted}.in").read_text("utf-8").splitlines()
    names = {re.split(r"\W*[\[#]", line)[0] for line in lines if line[:1].isalpha()}
    assert names
    assert names <= pins(lock).keys()


def test_the_second_engine_is_one_line_with_version_and_digest() -> None:
    line = (REQUIREMENTS / "dynoxide.lock").read_text("utf-8")
    assert re.fullmatch(r"@dynoxide/linux-x64 \d+\.\d+\.\d+ [0-9a-f]{64}\n", line)
