"""A callback that passed its gate is kept before it is answered, masked. It is a hint:
the reconciler asks PAYNET about it, and only PAYNET's answer moves anything."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from emanet.errors import EscrowNotFound
from emanet.ports import Callback, Clock, EscrowStore, Hint, Inbox
from emanet.usecases.starting import digest


@dataclass(frozen=True, slots=True)
class OrderPath:
    """The path that PAYNET was told with a refund: whose it is, and the secret that
    proves it."""

    escrow_id: str
    subject: str
    secret: str = field(repr=False)


def receive_callback(
    path: str,
    raw: bytes,
    *,
    read: Callable[[bytes], Hint],
    inbox: Inbox,
    clock: Clock,
    of: OrderPath | None = None,
) -> Callback:
    """Kept, and due now. The same bytes on the same path are the same callback. Raises
    StoreUnavailable: then nobody has said that it was received."""
    hint = read(raw)
    now = clock()
    callback = Callback(
        id=callback_id(path, raw),
        received_at=now,
        reference_no=hint.reference_no,
        hint=hint.fields,
        escrow_id=of.escrow_id if of else None,
        subject=of.subject if of else None,
        secret_digest=digest(of.secret) if of else None,
        is_approved=hint.is_approved,
        due_at=now,
    )
    inbox.keep(callback)
    return callback


def is_ours(of: OrderPath, store: EscrowStore) -> bool:
    """The gate of a refund's callback: its secret, and nothing else. Another order's
    secret opens nothing."""
    try:
        escrow = store.get(of.escrow_id)
    except EscrowNotFound:
        return False
    order = escrow.order_to_paynet(of.subject)
    known = order.secret_digest if order else None
    return known is not None and hmac.compare_digest(known, digest(of.secret))


def callback_id(path: str, raw: bytes) -> str:
    """`inbox-` and the digest of path and raw body."""
    told = hashlib.sha256(path.encode() + b"\n" + raw).digest()
    return "inbox-" + base64.b32encode(told).decode().rstrip("=").lower()
