"""How lists are shown: the human queue, statements, and what a comparison found. Facts
in, JSON out; who may see them was decided before."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from emanet.escrow import Escrow
from emanet.machine import actions
from emanet.ports import Finding, Plan
from emanet.usecases.access import Caller, actors
from emanet.usecases.applied import Applied
from emanet.usecases.operate import Waiting
from emanet.usecases.statements import COLUMNS, Statement
from emanet.views import money, shown_at


def statement_view(statement: Statement) -> dict[str, Any]:
    """Whole kuruş. `sums`: by account, what is owed on it."""
    return {
        "lines": [
            {name: getattr(line, name) for name in COLUMNS} | {"at": shown_at(line.at)}
            for line in statement.lines
        ],
        "sums": {name: money(minor) for name, minor in statement.sums.items()},
        "complete": statement.is_complete,
    }


def plan_view(plan: Plan) -> dict[str, Any]:
    """A comparison: how many matched, and every difference with its cause."""
    return {
        "plan_id": plan.id,
        "made_at": shown_at(plan.made_at),
        "first": plan.first.isoformat(),
        "last": plan.last.isoformat(),
        "matched": plan.matched,
        "foreign": plan.foreign,
        "findings": [_finding(finding) for finding in plan.findings],
        "left_out": plan.left_out,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    ours, theirs = finding.ours_minor, finding.theirs_minor
    return {
        "drift": finding.drift,
        "reference_no": finding.reference_no,
        "escrow_id": finding.escrow_id,
        "xact_id": finding.xact_id,
        "cause": finding.cause,
        "ours": None if ours is None else money(ours),
        "theirs": None if theirs is None else money(theirs),
        "repair": finding.repair,
    }


def applied_view(applied: Applied) -> dict[str, Any]:
    """What became of each finding."""
    return {
        "plan_id": applied.plan_id,
        "handled": [
            {**_finding(each.finding), "result": each.result, "why": each.why}
            for each in applied.handled
        ],
        "left": applied.left,
        "stopped": applied.stopped,
    }


def compared(plan: Plan, applied: Applied) -> dict[str, Any]:
    """A night's comparison in numbers, for its log line."""
    return {
        "plan": plan.id,
        "first": plan.first.isoformat(),
        "last": plan.last.isoformat(),
        "matched": plan.matched,
        "foreign": plan.foreign,
        "found": Counter(str(finding.drift) for finding in plan.findings),
        "results": Counter(str(each.result) for each in applied.handled),
        "left": applied.left + plan.left_out,
        "stopped": applied.stopped,
    }


def waiting_view(waiting: Waiting, caller: Caller, at: datetime) -> dict[str, Any]:
    """One line of the human queue: age, amount, reason, what may be done."""
    line = waiting.line
    age_s = int((at - line.since).total_seconds())
    view: dict[str, Any] = {
        "id": line.id,
        "reason": line.reason,
        "since": shown_at(line.since),
        "age_s": age_s,
    }
    if waiting.escrow:
        return view | _waiting_escrow(waiting.escrow, caller, at)
    if waiting.callback:
        told = dict(waiting.callback.hint)
        doable = ["replay", "close"]
        return view | {"kind": "callback", "told": told, "allowed_actions": doable}
    return view | {"kind": "unreadable", "allowed_actions": []}


def _waiting_escrow(escrow: Escrow, caller: Caller, at: datetime) -> dict[str, Any]:
    allowed, _ = actions(escrow, actors(escrow, caller), at)
    return {
        "kind": "escrow",
        "status": escrow.status,
        "amount": money(escrow.balances.held or escrow.amount_minor),
        "why": escrow.history[-1].why,
        "allowed_actions": allowed,
    }
