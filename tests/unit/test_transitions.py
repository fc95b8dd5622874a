"""The machine's table, entered a second time: by where it leads, by role and by guard.
Whoever adds a way, a role or a condition says it here too, so that no slip in a column
of the table passes for a decision."""

from __future__ import annotations

from collections import defaultdict

from emanet.machine import TRANSITIONS

CHARGES_BACK = "flag_chargeback note_chargeback_won note_chargeback_lost"
SURPLUS = (
    "send_surplus accept_surplus confirm_surplus deny_surplus doubt_surplus "
    "answer_surplus"
)
ANYWHERE = f"flag acknowledge {SURPLUS}"
NOTES = f"note_capture note_fee {ANYWHERE} refund_capture"
CLOSED_PAID = f"{NOTES} {CHARGES_BACK}"

WAYS = {
    "created": {
        "created": f"start_attempt refuse_session remind {ANYWHERE} refund_capture",
        "authenticating": "open_form store_session",
        "held": "fund_late",
        "review": "doubt_capture give_up",
        "cancelled": "cancel",
        "expired": "expire",
    },
    "authenticating": {
        "authenticating": f"open_form {ANYWHERE} refund_capture",
        "created": "start_attempt fail_3d expire_session",
        "charging": "begin_charge",
        "held": "fund_late",
        "review": "doubt_capture give_up",
        "cancelled": "cancel",
    },
    "charging": {
        "charging": f"retake_charge note_capture {ANYWHERE}",
        "created": "decline find_unpaid",
        "held": "capture fund_late",
        "review": "doubt_capture give_up",
    },
    "held": {
        "held": (
            f"{NOTES} ship deliver remind miss_claim cancel_held schedule_refund "
            "withdraw_settlement release order_release release_scheduled "
            "confirm_refund"
        ),
        "disputed": "dispute",
        "releasing": "send_release",
        "refunding": "send_refund",
        "review": "doubt_capture escalate give_up hand_over_refund open_chargeback",
        "released": "release release_scheduled",
        "refunded": "confirm_refund",
        "split": "release release_scheduled confirm_refund",
    },
    "disputed": {
        "disputed": f"{NOTES} withdraw_settlement escalate_dispute",
        "held": "withdraw_dispute reject_dispute resolve_dispute",
        "review": "give_up open_chargeback",
    },
    "releasing": {
        "releasing": f"{NOTES} {CHARGES_BACK}",
        "held": "deny_release",
        "review": "give_up deny_release doubt_release",
        "released": "confirm_release",
    },
    "refunding": {
        "refunding": f"{NOTES} {CHARGES_BACK} accept_refund",
        "held": "confirm_refund deny_refund put_off_refund",
        "review": "give_up confirm_refund deny_refund put_off_refund doubt_refund",
        "refunded": "confirm_refund",
        "split": "confirm_refund",
    },
    "review": {
        "review": (
            f"{NOTES} note_proof withdraw_settlement confirm_unknown deny_unknown "
            "flag_chargeback note_chargeback_won"
        ),
        "created": "resume refund_mismatch reopen_unpaid",
        "authenticating": "resume",
        "charging": "resume",
        "held": "resume settle_review accept_mismatch fund_waiting win_chargeback",
        "disputed": "resume win_chargeback",
        "released": "confirm_unknown",
        "refunded": "confirm_unknown lose_chargeback",
        "split": "confirm_unknown lose_chargeback",
    },
    "released": {"released": CLOSED_PAID},
    "refunded": {"refunded": CLOSED_PAID},
    "split": {"split": CLOSED_PAID},
    "cancelled": {"cancelled": NOTES},
    "expired": {"expired": NOTES},
}

SAYS = {
    "backend": "cancel",
    "browser": "fail_3d begin_charge retake_charge",
    "payer": (
        "start_attempt open_form store_session refuse_session cancel cancel_held "
        "deliver release order_release dispute withdraw_dispute"
    ),
    "payee": "ship schedule_refund",
    "carrier": "deliver",
    "paynet": (
        "capture fund_late decline find_unpaid doubt_capture note_capture "
        "confirm_release deny_release doubt_release accept_refund confirm_refund "
        "deny_refund put_off_refund doubt_refund note_proof accept_surplus "
        "confirm_surplus deny_surplus doubt_surplus"
    ),
    "clock": (
        "expire_session expire remind miss_claim escalate escalate_dispute give_up "
        "flag note_fee release order_release release_scheduled send_release "
        "doubt_release schedule_refund send_refund doubt_refund hand_over_refund "
        "send_surplus doubt_surplus open_chargeback flag_chargeback lose_chargeback"
    ),
    "operations": (
        "cancel deliver release order_release schedule_refund withdraw_settlement "
        "acknowledge refund_capture answer_surplus reject_dispute resolve_dispute "
        "resume confirm_unknown deny_unknown settle_review accept_mismatch "
        "refund_mismatch reopen_unpaid fund_waiting open_chargeback win_chargeback "
        f"lose_chargeback {CHARGES_BACK}"
    ),
}

STANDS_BEFORE = {
    "may_start": "start_attempt open_form",
    "session_open": "begin_charge",
    "session_over": "expire_session",
    "charge_may_repeat": "retake_charge",
    "quiet": "find_unpaid",
    "pay_by_over": "expire",
    "may_ship": "ship",
    "not_delivered": "deliver",
    "claim_over": "miss_claim",
    "frozen_deadline_over": "escalate",
    "may_acknowledge": "acknowledge",
    "may_release": "release",
    "may_order_release": "order_release",
    "may_cancel": "cancel_held",
    "something_available": "schedule_refund",
    "something_unsent": "withdraw_settlement",
    "settlement_due": "release_scheduled send_release send_refund hand_over_refund",
    "surplus_unsettled": (
        "send_surplus accept_surplus confirm_surplus deny_surplus doubt_surplus"
    ),
    "surplus_answerable": "answer_surplus",
    "refundable_mismatch": "refund_capture",
    "may_dispute": "dispute",
    "dispute_overdue": "escalate_dispute",
    "may_resume": "resume",
    "something_unknown": "confirm_unknown deny_unknown",
    "may_settle_review": "settle_review",
    "has_mismatch": "accept_mismatch",
    "may_refund_mismatch": "refund_mismatch",
    "may_reopen": "reopen_unpaid",
    "something_waiting": "fund_waiting",
    "no_chargeback": "open_chargeback",
    "captured_without_chargeback": "flag_chargeback",
    "may_win": "win_chargeback",
    "won_without_thaw": "note_chargeback_won",
    "may_lose": "lose_chargeback",
    "may_lose_closed": "note_chargeback_lost",
}


def test_every_way_from_status_to_status_is_one_that_was_decided() -> None:
    ways = {
        (name, source, target)
        for source, targets in WAYS.items()
        for target, names in targets.items()
        for name in names.split()
    }
    assert {(row.name, row.source, row.target) for row in TRANSITIONS} == ways


def test_every_role_may_say_its_own_words_and_no_other() -> None:
    """In every status from which there is such a way."""
    rows = [(row.name, row.source, row.target) for row in TRANSITIONS]
    for role, names in SAYS.items():
        own = [way for way in rows if way[0] in names.split()]
        of_role = [r for r in TRANSITIONS if role in set(map(str, r.by))]
        assert [(row.name, row.source, row.target) for row in of_role] == own, role


def test_every_guard_stands_before_its_transitions_in_every_status() -> None:
    guarded: defaultdict[str, set[str]] = defaultdict(set)
    for row in TRANSITIONS:
        guarded[row.guard.__name__].add(row.name)
    del guarded["always"]
    assert guarded == {
        guard: set(names.split()) for guard, names in STANDS_BEFORE.items()
    }


def test_no_guarded_transition_is_free_from_some_status() -> None:
    guarded = {name for names in STANDS_BEFORE.values() for name in names.split()}
    free = {row.name for row in TRANSITIONS if row.guard.__name__ == "always"}
    assert guarded & free == set()
