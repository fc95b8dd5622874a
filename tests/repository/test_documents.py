"""Keeps the documents true: what is made from the code is what the code says, both
READMEs give the same commands, and every link and verb exists. It runs no command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emanet.escrow import QueueReason
from emanet.machine import TRANSITIONS
from emanet.problems import PROBLEMS
from emanet.reasons import REASONS
from emanet.usecases import differences
from local.documents import PARTS, rendered

ROOT = Path(__file__).resolve().parents[2]
READMES = [ROOT / "README.md", ROOT / "README.tr.md"]
DOCS = sorted((ROOT / "docs").glob("*.md"))
ARROW = re.compile(r"(?m)^(\w+) --> (\w+): (.+)$")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def text(path: Path) -> str:
    return path.read_text("utf-8")


def fenced(path: Path, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", text(path))


def arrows(diagram: str) -> set[tuple[str, str, str]]:
    """Every transition that a diagram draws: name, from, to."""
    found = ARROW.findall(diagram)
    return {
        (name, source, target)
        for source, target, names in found
        for name in names.split(", ")
    }


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_what_is_generated_is_up_to_date(document: Path) -> None:
    assert text(document) == rendered(text(document)), "run: make docs"


def test_every_generated_part_is_shown_somewhere() -> None:
    shown = re.findall(r"<!-- generated: ([\w-]+) -->", "".join(map(text, DOCS)))
    assert sorted(shown) == sorted(PARTS)


def test_the_state_diagram_is_the_table_of_transitions() -> None:
    [diagram] = fenced(ROOT / "docs" / "architecture.md", "mermaid")
    moving = {
        (row.name, str(row.source), str(row.target))
        for row in TRANSITIONS
        if row.source is not row.target
    }
    assert arrows(diagram) == moving


def test_every_transition_is_listed_with_who_may_and_by_which_word() -> None:
    lines = text(ROOT / "docs" / "architecture.md").splitlines()
    cells = [re.split(r"\s*\|\s*", line)[1:-1] for line in lines if line[:3] == "| `"]
    listed = {(row[0], row[3], row[5]) for row in cells if len(row) == 6}
    assert listed == {
        (
            f"`{row.name}`",
            ", ".join(sorted(row.by)),
            f"`{row.action}`" if row.action else "",
        )
        for row in TRANSITIONS
    }


def test_every_error_code_is_listed() -> None:
    listed = re.findall(r"(?m)^\| `(\w+)` \| \d{3} \|", text(ROOT / "docs/errors.md"))
    assert listed == list(PROBLEMS)


def test_every_reason_is_listed_in_both_languages() -> None:
    lines = text(ROOT / "docs" / "errors.md").splitlines()
    for word, (english, turkish) in REASONS.items():
        assert f"| `{word}` | {english} | {turkish} |" in lines


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_a_readme_is_short(readme: Path) -> None:
    assert len(text(readme).splitlines()) <= 120


def test_both_readmes_give_the_same_commands() -> None:
    english, turkish = (fenced(readme, "sh") for readme in READMES)
    assert english
    assert english == turkish


def test_the_first_screen_gives_the_two_commands_and_the_picture() -> None:
    first_screen = text(READMES[0]).splitlines()[:32]
    assert any(line.startswith("make run") for line in first_screen)
    assert any(line.startswith("make test") for line in first_screen)
    assert any("charging ──" in line for line in first_screen)


@pytest.mark.parametrize("document", [*READMES, *DOCS], ids=lambda path: path.name)
def test_every_verb_that_is_named_exists(document: Path) -> None:
    verbs = set(re.findall(r"(?m)^([a-z-]+):", text(ROOT / "Makefile")))
    named = re.findall(r"(?m)(?:^|`|\$\()make (?:-s )?([a-z][a-z-]+)", text(document))
    assert set(named) <= verbs


@pytest.mark.parametrize(
    "document",
    [*READMES, *DOCS, ROOT / "CHANGELOG.md", *(ROOT / "local").rglob("*.md")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_link_inside_the_repository_leads_somewhere(document: Path) -> None:
    links = LINK.findall(text(document))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("reason", QueueReason)
def test_every_human_queue_is_told_to_operations(reason: QueueReason) -> None:
    assert f"| `{reason}`" in text(ROOT / "docs" / "operations.md").replace(
        ", `", " | `"
    )


def test_operations_are_told_of_decisions_that_exist() -> None:
    told = re.findall(r"`([a-z]+_[a-z_]+)`", text(ROOT / "docs" / "operations.md"))
    known = {row.action for row in TRANSITIONS} | set(QueueReason)
    logged = {"another_card_owner", "card_not_kept"}  # what came of a return
    others = {"dispute_days", "plan_id", differences.TWO_ESCROWS} | logged
    assert {word for word in told if word not in known} <= others
