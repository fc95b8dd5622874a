"""PAYNET's own form in the payer's browser, for a deployment that wants to see no card
number: what the frontend must put into its page. It asks nobody.

What the script does with it was read in a public copy of PAYNET's test script
paynet-custom.js (grade C): it finds the tag by its class, takes `data-amount` for lira
as "1.300,00" and `data-key` for the publishable key, opens a session of its own, shows
the bank's page in an iframe, and then submits the form to its action with session_id
and token_id in it. The charge is `charge`, and ours to ask for.
"""

from __future__ import annotations

from emanet.money import RuleBroken
from emanet.paynet.formats import lira
from emanet.ports import Form, SessionOrder

BUTTON = "paynet-button"  # the class by which the script finds its tag


class PaynetForm:
    """ports.Forms, for the real PAYNET and for its simulator alike."""

    def __init__(self, script_url: str, publishable_key: str) -> None:
        self._script_url = script_url
        self._publishable_key = publishable_key

    def form(self, order: SessionOrder) -> Form:
        """See ports.Forms. One payment with 3-D Secure and without commission, which
        `messages.charge` repeats word for word; nobody knows whether the form takes
        more."""
        expected = order.expected
        if expected.instalments > 1 or order.is_escrow or order.storing:
            raise RuleBroken("PAYNET's form takes a plain single payment")
        attributes = {
            "class": BUTTON,
            "data-key": self._publishable_key,
            "data-amount": lira(expected.amount_minor),
            "data-reference_no": expected.reference_no,
            "data-tds_required": "true",
            "data-no_instalment": "true",
            "data-add_commission_amount": "false",
            "data-return_url": order.return_url,
        }
        return Form(self._script_url, attributes, order.return_url)
