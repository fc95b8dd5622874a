"""The tool itself: what it breaks, that it sees what lives, and that a survivor, a
missing reason or a count of zero ends in exit code 1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from emanet import guards, machine
from tests.mutation import __main__ as command
from tests.mutation import in_place
from tests.mutation.conditions import ALWAYS, changed, condition_mutants
from tests.mutation.parts import TARGETS, Target
from tests.mutation.places import Mutant, Place, difference, numbered
from tests.mutation.reasons import Reasons
from tests.mutation.report import Judged, failures, summary, written
from tests.mutation.rows import row_mutants
from tests.mutation.runner import LIVED, TIMED_OUT, Job, ToolFailed, Verdict, Workers
from tests.mutation.walk import generic
from tests.unit import scenes

MONEY = Place("emanet.money", "LIMIT = 5\n")
PLANTED = Mutant("emanet.money", "LIMIT", "5 → 6", 1, "LIMIT = 6\n")
NO_REASONS = Reasons({})


def target(part: str) -> Target:
    return next(one for one in TARGETS if one.part == part)


def judged(by: str, part: str = "the rest") -> Judged:
    return Judged(target(part), MONEY, [Verdict(PLANTED, by)])


def wrong_forms(code: str) -> set[str]:
    """What becomes of the last line of it."""
    place = Place("emanet.x", code)
    return {m.source.splitlines()[-1].strip() for m in generic(place, place.tree.body)}


# ── what it breaks ───────────────────────────────────────────────────────────


def test_a_comparison_is_relaxed_and_inverted() -> None:
    assert wrong_forms("x = a < b") == {"x = (a <= b)", "x = (a >= b)"}


def test_a_clause_is_lost_and_and_becomes_or() -> None:
    assert wrong_forms("x = a and not b") == {
        "x = (a or not b)",
        "x = (a)",
        "x = (not b)",
        "x = a and (b)",
    }


def test_a_branch_is_always_or_never_taken() -> None:
    assert wrong_forms("if a: b()") == {"if True: b()", "if False: b()"}


def test_an_effect_a_filter_and_an_argument_are_left_out() -> None:
    assert wrong_forms("save()") == {"pass"}
    assert "x = ([a for a in b])" in wrong_forms("x = [a for a in b if a.ok]")
    assert "x = (f())" in wrong_forms("x = f(amount=b)")


def test_a_guard_that_never_refuses_is_one() -> None:
    forms = wrong_forms("def g() -> str:\n    return _unless(held, 'no')")
    assert "return _unless(True, 'no')" in forms
    assert "return ''" in forms


def test_what_changes_no_result_is_left_alone() -> None:
    code = '"""About."""\nName = A | B\n\ndef f(a: "int" = b) -> A | B:\n    "Says."'
    assert wrong_forms(code) == set()


def test_every_condition_is_broken_in_every_way() -> None:
    assert set(changed("version = :v AND #s = :s")) == {
        "#s = :s",
        "version <> :v AND #s = :s",
        "version <= :v AND #s = :s",
        "version >= :v AND #s = :s",
        "version = :v",
        "version = :v AND #s <> :s",
        "version = :v AND #s <= :s",
        "version = :v AND #s >= :s",
        "version = :v OR #s = :s",
        ALWAYS,
    }


def test_a_request_loses_the_values_that_nothing_uses_any_more() -> None:
    """DynamoDB would refuse it, and that is no test's merit."""
    code = 'put(item, "a = :a AND b = :b", {":a": 1, ":b": 2}, {})'
    sources = [m.source for m in condition_mutants(Place("emanet.x", code))]
    assert "put(item, 'b = :b', {':b': 2}, {})" in sources
    assert f"put(item, '{ALWAYS}', {{}}, {{}})" in sources


def test_every_row_loses_its_guard_and_its_roles_and_gets_others() -> None:
    told = {mutant.what for mutant in row_mutants(Place.read("emanet.machine"))}
    assert {
        "release, held → released: no guard",
        "release, held → split: gone",
        "release from held: without payer",
        "release from held: also by payee",
        "release, disputed → disputed: allowed",
    } <= told


def test_names_are_unique_and_say_what_changed() -> None:
    place = Place("emanet.x", "x = f(1, 1)")
    names = [m.name for m in numbered(generic(place, place.tree.body))]
    assert names == ["x.x: 1 → 2", "x.x: 1 → 2 #2"]
    long_ = "f(" + "a, " * 40 + "b)"
    assert "b" in difference(long_, long_.replace("b", "c")).partition("→")[0]


# ── how it judges ────────────────────────────────────────────────────────────


def verdict(run: Callable[[], str], limit_s: int = 30) -> str:
    [one] = Workers(limit_s).judge([Job(PLANTED, run)])
    return one.by


def test_a_child_says_who_killed_it() -> None:
    assert verdict(lambda: "test_x") == "test_x"
    assert verdict(lambda: LIVED) == LIVED


def test_a_mutant_that_never_ends_is_killed_by_the_clock() -> None:
    def never() -> str:
        while True:
            pass

    assert verdict(never, 1) == TIMED_OUT


def test_a_child_that_breaks_says_nothing_about_its_mutant() -> None:
    def breaks() -> str:
        raise ValueError

    with pytest.raises(ToolFailed):
        verdict(breaks)


def test_all_are_judged_though_only_two_run_at_once() -> None:
    verdicts = list(Workers(30).judge([Job(PLANTED, lambda: LIVED)] * 5))
    assert len(verdicts) == 5


def test_a_function_is_changed_only_in_the_child() -> None:
    place = Place.read("emanet.guards")
    never = next(
        mutant
        for mutant in generic(place, place.tree.body)
        if mutant.where == "not_delivered" and mutant.what.endswith("never a reason")
    )

    def run() -> str:
        in_place.apply(never)
        return guards.not_delivered(scenes.delivered(), scenes.START) or LIVED

    assert verdict(run) == LIVED
    assert guards.not_delivered(scenes.delivered(), scenes.START)


def test_the_table_is_changed_only_in_the_child() -> None:
    mutants = row_mutants(Place.read("emanet.machine"))
    gone = next(m for m in mutants if m.what == "ship, held → held: gone")

    def run() -> str:
        in_place.apply(gone)
        return str({"ship"} & {row.name for row in machine.TRANSITIONS})

    assert verdict(run) == "set()"
    assert {"ship"} <= {row.name for row in machine.TRANSITIONS}


# ── what it concludes ────────────────────────────────────────────────────────


def told(one: Judged, reasons: Reasons = NO_REASONS) -> list[str]:
    return list(failures([one], reasons, is_whole=True))


def test_a_survivor_without_a_reason_is_a_failure() -> None:
    assert told(judged(LIVED)) == ["survives (line 1): money.LIMIT: 5 → 6"]
    assert told(judged("test_money.py::test_x")) == []


def test_a_reason_lets_it_live_but_not_a_condition_a_guard_or_the_gate() -> None:
    because = Reasons({PLANTED.name: "text only"})
    assert told(judged(LIVED), because) == []
    for part in ("conditions", "guards", "gate"):
        assert told(judged(LIVED, part), because) != []


def test_a_reason_for_what_is_no_survivor_is_a_failure() -> None:
    because = Reasons({PLANTED.name: "text only"})
    assert told(judged("test_x"), because) == [
        "a reason for what is no survivor: money.LIMIT: 5 → 6"
    ]


def test_a_count_of_zero_is_a_failure() -> None:
    assert told(Judged(target("gate"), MONEY, [])) == ["no mutants of emanet.money"]


@pytest.mark.parametrize(("by", "code"), [(LIVED, 1), ("test_x", 0)])
def test_the_command_ends_as_the_planted_mutant_did(
    by: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "judge_all", lambda *_: [judged(by)])
    assert command.main(["emanet.money"]) == code


def test_where_the_tool_fails_there_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> list[Judged]:
        raise ToolFailed

    monkeypatch.setattr(command, "judge_all", fails)
    assert command.main([]) == 2


def test_the_last_line_counts_and_the_report_names_survivors_and_the_late() -> None:
    lived, late = judged(LIVED), judged(TIMED_OUT, "gate")
    line = "mutants: the rest 0 of 1 killed, 1 survive, gate 1 of 1 killed"
    assert summary([lived, late]) == line
    page = written([lived, late], Reasons({PLANTED.name: "text only"}))
    assert "| `money.LIMIT: 5 → 6` | text only |" in page
    assert "Killed by the clock, not by a test: `money.LIMIT: 5 → 6`." in page


def test_what_is_the_same_program_is_not_made() -> None:
    name = "webhook_gate.TOLERANCE_S: 300 → 301"
    run = command.Run([target("gate")], Reasons({}, {name: "it is not, really"}))
    run.make()
    [made] = run.mutants.values()
    assert made
    assert name not in {mutant.name for mutant in made}
    usual = command.Run([target("gate")], NO_REASONS)
    usual.make()
    [more] = usual.mutants.values()
    assert len(more) == len(made) + 1


def test_reasons_are_read_by_the_name_of_the_mutant(tmp_path: Path) -> None:
    file = tmp_path / "reasons.toml"
    file.write_text('[[survivors]]\nwhy = "text"\nmutants = ["money.LIMIT: 5 → 6"]\n')
    assert Reasons.read(file).of(PLANTED) == "text"
