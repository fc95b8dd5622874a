"""The rules of the design that must hold after every test, whatever it played: looked
at on every escrow that stands in the test's table, and in its ledger."""

from __future__ import annotations

from emanet import ledger, machine
from emanet.due import due_at
from emanet.dynamodb.items import escrow_of
from emanet.errors import UnreadableItem
from emanet.escrow import CLOSED, ESCROW_ID, Escrow
from tests.stage import Stage


def rules_hold(stage: Stage) -> None:
    """What a test spoiled on purpose and nobody can read is passed over."""
    for item in stage.items():
        if ESCROW_ID.fullmatch(item["id"]["S"]):
            try:
                escrow = escrow_of(item)
            except UnreadableItem:
                continue
            right(escrow)


def right(escrow: Escrow) -> None:
    """Sums, history, queues and ledger of one escrow."""
    machine.check(escrow)
    assert escrow.version == len(escrow.history)
    seen = due_at(escrow) or escrow.queue_reason
    assert escrow.status in CLOSED or seen, "nothing waits for ever"
    accounts = ledger.balances(ledger.postings(escrow)).get("TRY", {})
    assert sum(accounts.values()) == 0, "the trial balance is zero"
    sums = escrow.balances
    liability = accounts.get(f"escrow_liability:{escrow.id}", 0)
    assert -liability == sums.held
    payable = accounts.get(f"payee_payable:{escrow.payee.id}", 0)
    revenue = accounts.get("platform_revenue", 0)
    assert -payable - revenue == sums.released
    surcharge = escrow.surcharge_minor - escrow.surcharge_back_minor
    assert surcharge >= 0
    assert -accounts.get("instalment_surcharge", 0) == surcharge
