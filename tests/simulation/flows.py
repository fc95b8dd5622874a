"""Every flow of the system: who begins where, does what, and what it means in the end.
The flows are what crash points, pairs of crashes and leak scans are made of; the walks
lead through the rest of the machine's table. test_flows.py fails if something of the
template or of the machine is in none of them."""

from __future__ import annotations

from tests.simulation.flows_everywhere import EVERYWHERE
from tests.simulation.flows_money_out import (
    CHARGEBACKS,
    DISPUTES,
    OWN_ESCROW,
    REFUNDS,
    RELEASES,
)
from tests.simulation.flows_operations import COMPARISONS, INBOX, READS
from tests.simulation.flows_paying import DOUBTS, LATE_CAPTURES, PAYING
from tests.simulation.flows_steps import Flow

FLOWS: tuple[Flow, ...] = (
    *PAYING,
    *LATE_CAPTURES,
    *DOUBTS,
    *RELEASES,
    *OWN_ESCROW,
    *REFUNDS,
    *DISPUTES,
    *CHARGEBACKS,
    *READS,
    *COMPARISONS,
    *INBOX,
)
WALKS: tuple[Flow, ...] = EVERYWHERE
