"""What people are told that they can do, and why not: derived from the table and the
guards that the machine itself uses."""

from __future__ import annotations

import pytest

from emanet.escrow import Escrow, Role
from emanet.machine import TRANSITIONS, actions
from tests.unit import every_scene, scenes
from tests.unit.scenes import later


@pytest.mark.parametrize(
    ("escrow", "role", "allowed"),
    [
        (scenes.created(), Role.PAYER, ["cancel", "pay"]),
        (scenes.created(), Role.PAYEE, []),
        (scenes.created(), Role.BACKEND, ["cancel"]),
        (scenes.authenticating(), Role.PAYER, ["cancel", "pay"]),
        (scenes.charging(), Role.PAYER, []),
        (scenes.held(), Role.PAYER, ["cancel", "deliver", "release"]),
        (scenes.held(), Role.PAYEE, ["refund", "ship"]),
        (scenes.held(), Role.CARRIER, ["deliver"]),
        (
            scenes.held(),
            Role.OPERATIONS,
            ["deliver", "open_chargeback", "refund", "release"],
        ),
        (scenes.held_by_paynet(), Role.PAYER, ["cancel", "deliver", "release"]),
        (scenes.shipped(), Role.PAYER, ["deliver", "dispute", "release"]),
        (scenes.shipped(), Role.PAYEE, ["refund"]),
        (scenes.delivered(), Role.PAYER, ["dispute", "release"]),
        (scenes.delivered(), Role.CARRIER, []),
        (scenes.reserved(), Role.PAYER, ["deliver"]),
        (scenes.reserved(30_000), Role.PAYER, ["cancel", "deliver", "release"]),
        (scenes.disputed(), Role.PAYER, ["withdraw_dispute"]),
        (scenes.disputed(), Role.PAYEE, []),
        (
            scenes.disputed(),
            Role.OPERATIONS,
            ["open_chargeback", "reject_dispute", "resolve_dispute"],
        ),
        (scenes.charging(scenes.reopened()), Role.OPERATIONS, []),
        (every_scene.resumed_charging(), Role.OPERATIONS, []),
        (scenes.refunding(), Role.PAYER, []),
        (scenes.doubted(), Role.PAYER, []),
        (
            scenes.doubted(),
            Role.OPERATIONS,
            ["accept_mismatch", "refund_mismatch", "resume"],
        ),
        (scenes.unknown(), Role.PAYEE, []),
        (
            scenes.unknown(),
            Role.OPERATIONS,
            ["confirm_unknown", "deny_unknown", "open_chargeback"],
        ),
        (scenes.released(), Role.PAYER, []),
        (scenes.released(), Role.OPERATIONS, ["open_chargeback"]),
        (
            scenes.with_denied_surplus(scenes.released()),
            Role.OPERATIONS,
            ["answer_surplus", "open_chargeback"],
        ),
        (scenes.with_surplus(scenes.released()), Role.OPERATIONS, ["open_chargeback"]),
    ],
)
def test_allowed_actions_are_those_that_would_succeed_now(
    escrow: Escrow, role: Role, allowed: list[str]
) -> None:
    at = later(minutes=1)
    assert actions(escrow, [scenes.actor(role)], at)[0] == allowed


@pytest.mark.parametrize(
    ("escrow", "role", "word", "why"),
    [
        (scenes.created(), Role.PAYER, "release", "wrong_status"),
        (scenes.held(), Role.PAYER, "dispute", "not_shipped"),
        (scenes.shipped(), Role.PAYER, "cancel", "already_shipped"),
        (scenes.shipped(), Role.PAYEE, "ship", "already_shipped"),
        (scenes.delivered(), Role.PAYER, "deliver", "already_delivered"),
        (scenes.reserved(), Role.PAYER, "release", "nothing_available"),
        (scenes.reserved(), Role.PAYER, "cancel", "nothing_available"),
        (scenes.reserved(), Role.PAYEE, "ship", "nothing_available"),
        (
            scenes.part_reserved_there(),
            Role.PAYER,
            "release",
            "paynet_escrow_whole_only",
        ),
        (scenes.unknown(), Role.OPERATIONS, "resume", "settlement_unknown"),
        (scenes.unknown(), Role.OPERATIONS, "settle_review", "settlement_unknown"),
        (scenes.escalated(), Role.OPERATIONS, "resume", "hold_limit_over"),
        (every_scene.waited(), Role.OPERATIONS, "resume", "capture_waiting"),
        (
            every_scene.charged_back(scenes.held()),
            Role.OPERATIONS,
            "resume",
            "chargeback_open",
        ),
        (scenes.doubted(), Role.OPERATIONS, "reopen_unpaid", "mismatch_undecided"),
        (scenes.doubted(), Role.OPERATIONS, "acknowledge", "decide_the_review"),
        (scenes.held(), Role.OPERATIONS, "win_chargeback", "wrong_status"),
    ],
)
def test_what_is_blocked_says_why(
    escrow: Escrow, role: Role, word: str, why: str
) -> None:
    allowed, blocked = actions(escrow, [scenes.actor(role)], later(days=2))
    assert word not in allowed
    assert blocked[word] == why


@pytest.mark.parametrize("role", Role)
def test_every_word_of_a_role_is_either_allowed_or_blocked(role: Role) -> None:
    words = {row.action for row in TRANSITIONS if role in row.by and row.action}
    for escrow, at in every_scene.every():
        allowed, blocked = actions(escrow, [scenes.actor(role)], at)
        assert {*allowed, *blocked} == words
        assert not {*allowed} & {*blocked}


def test_who_is_nobody_here_may_do_nothing() -> None:
    assert actions(scenes.held(), [], later(hours=1)) == ([], {})


def test_a_party_is_never_told_more_than_his_own_words() -> None:
    told = actions(scenes.disputed(), [scenes.actor(Role.PAYEE)], later(hours=1))
    assert {*told[0], *told[1]} == {"ship", "refund"}
