"""Keeps the documents true: what is made from the code is what the code says, both
READMEs give the same commands, and every link and verb exists. It runs no command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emanet.machine import TRANSITIONS
from emanet.problems import PROBLEMS
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


def test_the_state_diagrams_are_the_table_of_transitions() -> None:
    now, to_come = map(arrows, fenced(ROOT / "docs" / "architecture.md", "mermaid"))
    drawn = {(row.name, str(row.source), str(row.target)): row for row in TRANSITIONS}
    assert now | to_come == drawn.keys()
    assert not now & to_come
    assert all(drawn[arrow].wired for arrow in now)
    leads_to = {"created"} | {target for _, _, target in now}
    assert not any(drawn[arrow].wired and arrow[1] in leads_to for arrow in to_come)


def test_a_transition_not_built_yet_is_marked_so() -> None:
    lines = text(ROOT / "docs" / "architecture.md").splitlines()
    marked = {line.split("`")[1] for line in lines if "**not yet** |" in line}
    assert marked == {row.name for row in TRANSITIONS if not row.wired}


def test_every_error_code_is_listed() -> None:
    listed = re.findall(r"(?m)^\| `(\w+)` \| \d{3} \|", text(ROOT / "docs/errors.md"))
    assert listed == list(PROBLEMS)


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
