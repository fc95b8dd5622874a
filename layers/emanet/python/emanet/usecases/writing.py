"""The one way in which a use case changes an escrow: read, decide, write if nothing
changed meanwhile; who loses decides anew on what the winner wrote."""

from __future__ import annotations

from collections.abc import Callable

from emanet.errors import StaleEscrow, StoreUnavailable
from emanet.escrow import Escrow
from emanet.ports import EscrowStore

WRITES_MAX = 5

Decide = Callable[[Escrow], Escrow | None]
"""The next escrow, or None: leave it as it is. Raises what forbids it."""


def change(store: EscrowStore, current: Escrow, decide: Decide) -> Escrow:
    """Raises what `decide` raises, and StoreUnavailable if others always came first."""
    for _ in range(WRITES_MAX):
        after = decide(current)
        if after is None:
            return current
        try:
            store.save(current, after)
        except StaleEscrow as lost:
            current = lost.current
        else:
            return after
    raise StoreUnavailable("too many writers")
