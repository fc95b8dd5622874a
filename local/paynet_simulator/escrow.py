"""escrow_status_update: what PAYNET does with money that waits for the main company's
word. Nearly all of it is undocumented and therefore a switch. Whoever calls holds the
ledger's lock."""

from enum import StrEnum

from local.paynet_simulator.ledger import Ledger
from local.paynet_simulator.records import Escrow, Transaction
from local.paynet_simulator.refunds import Refunds

DAY_S = 86_400


class Updated(StrEnum):
    """What an escrow_status_update came to."""

    DONE = "done"
    REPEATED = "done before"
    UNKNOWN = "unknown transaction"
    NO_PERMISSION = "escrow is not permitted"
    NO_ESCROW = "not an escrow payment"
    DECIDED = "decided before"
    BEYOND = "more than is left of it"
    PARTIAL = "a part of it"


class EscrowDesk:
    def __init__(self, ledger: Ledger, refunds: Refunds) -> None:
        self._ledger = ledger
        self._settings = ledger.settings
        self._refunds = refunds

    def update(
        self, sale: Transaction | None, wanted: Escrow, part_minor: int | None
    ) -> Updated:
        """`part_minor` is agent_amount; None is all that is left of the sale."""
        refused = self._refused(sale, wanted)
        if refused is not None or sale is None:
            return refused or Updated.UNKNOWN
        if wanted is Escrow.APPROVED:
            return self._approve(sale, part_minor)
        return self._reject(sale)

    def catch_up(self) -> None:
        """PAYNET releases by itself what nobody decided for so many days."""
        days = self._settings.escrow_auto_release_days
        if days is None:
            return
        last_s = self._ledger.now() - days * DAY_S
        for sale in self._ledger.rows:
            left_minor = self._refunds.left_minor(sale)
            if sale.escrow is Escrow.HELD and sale.at_s <= last_s and left_minor > 0:
                self._release(sale, left_minor)

    def _refused(self, sale: Transaction | None, wanted: Escrow) -> Updated | None:
        if self._settings.escrow_permission == "off":
            return Updated.NO_PERMISSION
        if sale is None:
            return Updated.UNKNOWN
        if sale.escrow is None:
            return Updated.NO_ESCROW
        return self._decided(sale.escrow, wanted)

    def _decided(self, state: Escrow, wanted: Escrow) -> Updated | None:
        if state is Escrow.HELD:
            return None
        if state is wanted:
            repeated = self._settings.escrow_second_update == "repeated"
            return Updated.REPEATED if repeated else Updated.DECIDED
        free = self._settings.escrow_change_of_mind == "accepted"
        return None if free else Updated.DECIDED

    def _approve(self, sale: Transaction, part_minor: int | None) -> Updated:
        left_minor = self._refunds.left_minor(sale)
        wanted_minor = left_minor if part_minor is None else part_minor
        if not 0 < wanted_minor <= left_minor:
            return Updated.BEYOND
        if wanted_minor < left_minor and self._settings.escrow_partial == "refused":
            return Updated.PARTIAL
        self._release(sale, wanted_minor)
        return Updated.DONE

    def _reject(self, sale: Transaction) -> Updated:
        left_minor = self._refunds.left_minor(sale)
        if left_minor <= 0:
            return Updated.BEYOND
        sale.escrow, sale.released_minor = Escrow.REJECTED, 0
        if self._settings.escrow_reject == "refunds":
            now_s = self._ledger.now()
            self._ledger.give_back(sale, left_minor, asked_at_s=now_s, at_s=now_s)
        return Updated.DONE

    def _release(self, sale: Transaction, amount_minor: int) -> None:
        sale.escrow, sale.released_minor = Escrow.APPROVED, amount_minor
        sale.releases += 1
