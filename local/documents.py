"""Writes the parts of docs/ that are made from the code, between their markers: the
machine's diagram and table, the errors and the reasons. It leaves every other word
alone; a test fails while a document and the code differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from emanet.escrow import CLOSED, Status
from emanet.guards import always
from emanet.machine import TRANSITIONS, Transition
from emanet.problems import FIELD_TEXTS, PROBLEMS
from emanet.reasons import REASONS

DOCS = Path(__file__).resolve().parents[1] / "docs"
MARKED = re.compile(r"<!-- generated: (?P<part>[\w-]+) -->\n.*?<!-- end -->", re.DOTALL)


def rendered(document: str) -> str:
    """The document with every marked part made anew."""
    return MARKED.sub(_marked, document)


def _marked(found: re.Match[str]) -> str:
    part = found["part"]
    return f"<!-- generated: {part} -->\n\n{PARTS[part]()}\n\n<!-- end -->"


# ── the machine ──────────────────────────────────────────────────────────────


def states() -> str:
    """Every arrow that leads from one status to another."""
    moving = (row for row in TRANSITIONS if row.source is not row.target)
    closed = (f"{status} --> [*]" for status in sorted(CLOSED))
    return _diagram(["[*] --> created: create", *_arrows(moving), *closed])


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
    groups: dict[str, list[Transition]] = {}
    for row in TRANSITIONS:
        groups.setdefault(row.name, []).append(row)
    head = ("transition", "from", "to", "by", "only if", "asked for as")
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


def reasons() -> str:
    """What `reason` of a refusal and of `blocked_actions` can say."""
    rows = ((f"`{word}`", *texts) for word, texts in REASONS.items())
    return _table(("reason", "it means", "Türkçe"), rows)


def fields() -> str:
    """What `errors[].problem` can say of a field."""
    rows = ((f"`{word}`", text["en"], text["tr"]) for word, text in FIELD_TEXTS.items())
    return _table(("problem", "the field …", "alan …"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


PARTS: Mapping[str, Callable[[], str]] = {
    "states": states,
    "transitions": transitions,
    "problems": problems,
    "reasons": reasons,
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
