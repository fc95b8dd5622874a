"""What our code asked of DynamoDB, counted in its own clients: calls by name, index
lines and items that were looked at, and what kind of line each write wrote. Counts do
not depend on the machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan"})


@dataclass
class Count:
    """`calls` by API action; `lines` that queries looked at, returned or not; `writes`
    by what they wrote: escrow, inbox or lease."""

    calls: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    writes: Counter[str] = field(default_factory=Counter)

    @property
    def reads(self) -> dict[str, int]:
        return {name: n for name, n in sorted(self.calls.items()) if name in READS}

    def before(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        """botocore is about to send it."""
        self.calls[model.name] += 1
        if model.name == "PutItem":
            is_inbox = params["Item"]["id"]["S"].startswith("inbox-")
            self.writes["inbox" if is_inbox else "escrow"] += 1
        elif model.name == "UpdateItem":
            self.writes["lease"] += 1

    def after(self, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        """botocore heard the answer."""
        if model.name in {"Query", "Scan"}:
            self.lines += parsed.get("ScannedCount", 0)


@contextmanager
def counting(*clients: DynamoDBClient) -> Iterator[Count]:
    """Everything that these clients ask while the block lasts."""
    count = Count()
    hooks: dict[str, Callable[..., None]] = {
        "before-parameter-build.dynamodb": count.before,
        "after-call.dynamodb": count.after,
    }
    with ExitStack() as stack:
        for events in {id(c): c.meta.events for c in clients}.values():
            for name, hook in hooks.items():
                events.register(name, hook)
                stack.callback(events.unregister, name, hook)
        yield count
