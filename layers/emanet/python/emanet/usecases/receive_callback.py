"""A callback that passed its gate is kept before it is answered, masked. It is a hint:
the reconciler asks PAYNET about it, and only PAYNET's answer moves anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from emanet.ports import Callback, Clock, Hint, Inbox


def receive_callback(
    path: str,
    raw: bytes,
    *,
    read: Callable[[bytes], Hint],
    inbox: Inbox,
    clock: Clock,
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
        due_at=now,
    )
    inbox.keep(callback)
    return callback


def callback_id(path: str, raw: bytes) -> str:
    """`inbox-` and the digest of path and raw body."""
    digest = hashlib.sha256(path.encode() + b"\n" + raw).digest()
    return "inbox-" + base64.b32encode(digest).decode().rstrip("=").lower()
