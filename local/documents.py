"""Writes the parts of docs/ that are made from the code, between their markers: the
machine's diagrams and table, and the errors. It leaves every other word alone; a test
fails while a document and the code differ."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from emanet.escrow import CLOSED, Status
from emanet.machine import TRANSITIONS, Transition, always
from emanet.problems import FIELD_TEXTS, PROBLEMS

DOCS = Path(__file__).resolve().parents[1] / "docs"
MARKED = re.compile(r"<!-- generated: (?P<part>[\w-]+) -->\n.*?<!-- end -->", re.DOTALL)

REACHED = {Status.CREATED} | {
    row.target for row in TRANSITIONS if row.wired and row.source is not row.target
}


def rendered(document: str) -> str:
    """The document with every marked part made anew."""
    return MARKED.sub(_marked, document)


def _marked(found: re.Match[str]) -> str:
    part = found["part"]
    return f"<!-- generated: {part} -->\n\n{PARTS[part]()}\n\n<!-- end -->"


# ── the machine ──────────────────────────────────────────────────────────────


def states_now() -> str:
    """What can happen today."""
    closed = (f"{status} --> [*]" for status in sorted(CLOSED & REACHED))
    return _diagram(
        ["[*] --> created: create", *_arrows(filter(_is_now, TRANSITIONS)), *closed]
    )


def states_to_come() -> str:
    """The rest: refused, or in a status that nothing leads to yet."""
    return _diagram(_arrows(itertools.filterfalse(_is_now, TRANSITIONS)))


def _is_now(row: Transition) -> bool:
    return row.wired and row.source in REACHED


def _arrows(rows: Iterable[Transition]) -> Iterator[str]:
    """One arrow from status to status, with the names of all its transitions."""
    names: dict[tuple[Status, Status], list[str]] = {}
    for row in rows:
        names.setdefault((row.source, row.target), []).append(row.name)
    for (source, target), words in names.items():
        yield f"{source} --> {target}: {', '.join(words)}"


def _diagram(lines: Iterable[str]) -> str:
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def transitions() -> str:
    """The whole table, one line for the rows of one name."""
    groups: dict[tuple[str, bool], list[Transition]] = {}
    for row in TRANSITIONS:
        groups.setdefault((row.name, row.wired), []).append(row)
    head = ("transition", "from", "to", "by", "only if", "asked for as", "built")
    return _table(head, map(_transition, groups.values()))


def _transition(rows: list[Transition]) -> tuple[str, ...]:
    row = rows[0]
    stays = all(each.source is each.target for each in rows)
    return (
        f"`{row.name}`",
        _listed(each.source for each in rows),
        "stays" if stays else _listed(each.target for each in rows),
        _listed(sorted(row.by)),
        "" if row.guard is always else row.guard.__name__.replace("_", " "),
        f"`{row.action}`" if row.action else "",
        "yes" if row.wired else "**not yet**",
    )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(map(str, words)))


# ── the errors ───────────────────────────────────────────────────────────────


def problems() -> str:
    """Every code that an answer can carry."""
    head = ("code", "HTTP", "again?", "what it says, and what to do", "Türkçe")
    return _table(head, map(_problem, PROBLEMS))


def _problem(code: str) -> tuple[str, ...]:
    problem = PROBLEMS[code]
    told = (f"{problem.title[x]}. {problem.detail[x]}" for x in ("en", "tr"))
    again = "yes" if problem.retryable else "no"
    return (f"`{code}`", str(problem.status), again, *told)


def fields() -> str:
    """What `errors[].problem` can say of a field."""
    rows = ((f"`{word}`", text["en"], text["tr"]) for word, text in FIELD_TEXTS.items())
    return _table(("problem", "the field …", "alan …"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


PARTS: Mapping[str, Callable[[], str]] = {
    "states-now": states_now,
    "states-to-come": states_to_come,
    "transitions": transitions,
    "problems": problems,
    "fields": fields,
}


def main() -> None:
    for path in sorted(DOCS.glob("*.md")):
        document = path.read_text("utf-8")
        if rendered(document) != document:
            path.write_text(rendered(document), "utf-8")
            print(f"{path.relative_to(DOCS.parent)}: written anew")


if __name__ == "__main__":
    main()
