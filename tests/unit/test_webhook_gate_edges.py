"""The callback's gate where a slip of one word would open or close it: what the headers
are called."""

from __future__ import annotations

from emanet.webhook_gate import sign
from tests.unit.scenes import START
from tests.unit.test_webhook_gate import ADDRESS, CURRENT, NOW, RAW, gate


def test_the_headers_are_called_as_we_told_paynet() -> None:
    given = {"x-paynet-timestamp": NOW, "x-paynet-signature": sign(CURRENT, NOW, RAW)}
    assert gate().refusal(ADDRESS, given, RAW, START) == ""
