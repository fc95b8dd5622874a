"""Statements: what the ledger says to whom, as JSON and as CSV."""

from __future__ import annotations

import csv
import io

from tests.integration.test_refunds import act
from tests.stage import BUYER, OPERATIONS, SELLER, STRANGER, Stage, Who

FEE = {"fee": {"amount": 13_000, "currency": "TRY"}}
PART = {"amount": 30_000, "currency": "TRY"}


def split(stage: Stage) -> str:
    """A part given up by the payee, the rest released, the fee earned on that."""
    escrow_id = stage.held(**FEE)
    act(stage, escrow_id, "refund", SELLER, amount=PART)
    stage.reconcile_until_quiet(days=1)
    act(stage, escrow_id, "release", BUYER)
    return escrow_id


def sums(stage: Stage, path: str, who: Who) -> dict[str, int]:
    answer = stage.call("GET", path, who=who)
    assert answer.status == 200, answer.text
    return {name: money["amount"] for name, money in answer.body["sums"].items()}


def test_operations_read_every_account_and_it_balances(stage: Stage) -> None:
    escrow_id = split(stage)
    owed = sums(stage, f"/api/escrows/{escrow_id}/statement", OPERATIONS)
    assert sum(owed.values()) == 0
    assert owed["platform_revenue"] == 10_000
    assert owed[f"payee_payable:{SELLER[0]}"] == 90_000
    assert owed["refund_loss"] == -900  # PAYNET kept its fee on what went back
    assert owed[f"escrow_liability:{escrow_id}"] == 0


def test_a_party_reads_its_own_account_alone(stage: Stage) -> None:
    path = f"/api/escrows/{split(stage)}/statement"
    assert set(sums(stage, path, SELLER)) == {f"payee_payable:{SELLER[0]}"}
    (account,) = sums(stage, path, BUYER)
    assert account.startswith("escrow_liability:")
    assert stage.call("GET", path, who=STRANGER).status == 404


def test_a_payee_s_month_sums_over_all_of_his_escrows(stage: Stage) -> None:
    split(stage)
    split(stage)
    owed = sums(stage, "/api/statement", SELLER)
    assert owed == {f"payee_payable:{SELLER[0]}": 180_000}
    assert sums(stage, "/api/statement?month=2020-01", SELLER) == {}


def test_a_spreadsheet_gets_the_same_lines(stage: Stage) -> None:
    path = f"/api/escrows/{split(stage)}/statement?format=csv"
    answer = stage.call("GET", path, who=SELLER)
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    owed = sum(int(row["credit_minor"]) - int(row["debit_minor"]) for row in rows)
    assert (owed, rows[0]["currency"]) == (90_000, "TRY")


def test_no_order_id_becomes_a_formula(stage: Stage) -> None:
    escrow_id = stage.held(order_id="@SUM-1")
    path = f"/api/escrows/{escrow_id}/statement?format=csv"
    assert ",'@SUM-1," in stage.call("GET", path, who=BUYER).text


def test_a_month_that_is_none_is_named(stage: Stage) -> None:
    answer = stage.call("GET", "/api/statement?month=november", who=SELLER)
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "month")
