"""How a story is told and checked: one exchange, one expectation at a time. What is
secret is never shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests

TELLING = ("status", "version", "allowed_actions", "next", "settlements", "three_ds")
CHOICES = ("offers", "cards", "consent_version")
OF_A_REFUSAL = ("code", "reason", "errors")
SUMS = ("held", "released", "refunded", "charged_back")
# What is noted beside the way of the money, and when, depends on the reconciler.
ASIDES = {"remind", "accept_refund", "note_fee"}

Json = dict[str, Any]


class DifferenceError(Exception):
    """It is not as the story goes."""


def paint(code: int, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() else text


def scene(title: str) -> None:
    print(f"\n{paint(1, title)}", flush=True)


def aside(text: str) -> None:
    print(f"             {paint(33, text)}", flush=True)


def show(who: str, sent: Json, answer: requests.Response, told: str = "") -> None:
    """One exchange. A query, and the last word of a return path, are secrets."""
    path = str(urlsplit(answer.request.url or "").path)
    if path.startswith("/api/3d/return/"):
        path = f"{path.rpartition('/')[0]}/…"
    asked = f"{answer.request.method} {path} {one_line(sent)}"
    print(f"  {who:<10} {asked}".rstrip())
    print(f"             {paint(36, str(answer.status_code))} {told}".rstrip())


def one_line(body: Json) -> str:
    """A body as it may be shown: of a card the first six and the last four digits, of a
    quote that there is one."""
    if "number" in body.get("card", {}):
        number = body["card"]["number"]
        body = {**body, "card": {"number": f"{number[:6]}******{number[-4:]}"}}
    if "quote" in body:
        body = {**body, "quote": "…"}
    return json.dumps(body, ensure_ascii=False) if body else ""


def telling(answer: Json) -> Json:
    """The parts of an answer that carry the story on."""
    if "code" in answer:
        return {name: answer[name] for name in OF_A_REFUSAL if name in answer}
    if "offers" in answer or "cards" in answer:
        told = {**answer, "offers": list(map(_offered, answer.get("offers", ())))}
        told["cards"] = list(map(_stored, answer.get("cards", ())))
        return {name: told[name] for name in CHOICES if name in answer}
    flat = {**answer, **answer.get("escrow", {})}
    flat["next"] = (flat.get("next") or {}).get("what")
    flat["three_ds"] = flat.get("three_ds", {}).get("kind")
    flat["settlements"] = list(map(_settled, flat.get("settlements", ()))) or None
    return {name: flat[name] for name in TELLING if flat.get(name) is not None}


def _settled(settlement: Json) -> str:
    waits = settlement["status"] == "scheduled"
    when = f" for {settlement['due_at']}" if waits else ""
    sums = settlement["amount"]["amount"], settlement["surcharge"]["amount"]
    kurus = " + ".join(str(minor) for minor in sums if minor)
    return f"{settlement['kind']} {kurus} {settlement['status']}{when}"


def _offered(offer: Json) -> str:
    return f"{offer['count']} × → {offer['total']['amount']}"


def _stored(card: Json) -> str:
    ends = f"{card['expiry_month']:02}/{card['expiry_year']}"
    return f"{card['brand']} {card['bin']}…{card['last_four']} {ends}"


def must_be(name: str, wanted: object, got: object) -> None:
    if got != wanted:
        raise DifferenceError(f"{name}: expected {wanted!r}, got {got!r}")


def expect(wanted: Json, got: Mapping[str, Any]) -> None:
    """Every value that is wanted, or DifferenceError."""
    for name, value in wanted.items():
        must_be(name, value, got.get(name))
    facts = ", ".join(f"{name} {value}" for name, value in wanted.items())
    print(f"             {paint(32, '✓')} {facts}")


def expect_escrow(escrow: Json, status: str, **wanted: Any) -> None:
    """Its status, every sum in kuruş (none, unless it is said), and whatever else."""
    sums: Json = dict.fromkeys(SUMS[:3], 0)
    stands = {name: escrow[name]["amount"] for name in SUMS}
    expect({"status": status, **sums, **wanted}, {**escrow, **stands})


def expect_way(escrow: Json, *wanted: str) -> None:
    """The way it went since the money is held, without what was only noted."""
    must_be("history", [*wanted], list(way(escrow)))
    print(f"             {paint(32, '✓')} {' → '.join(wanted)}")


def way(escrow: Json) -> Iterator[str]:
    names = transitions(escrow)
    since = names.index("capture") + 1 if "capture" in names else 0
    yield from (name for name in names[since:] if name not in ASIDES)


def transitions(escrow: Json) -> list[str]:
    return [entry["transition"] for entry in escrow["history"]]


def entry_of(escrow: Json, name: str) -> Json:
    """The last entry of its history that has this name, or DifferenceError."""
    entries: list[Json] = [e for e in escrow["history"] if e["transition"] == name]
    if not entries:
        raise DifferenceError(f"history: expected {name}, got {transitions(escrow)}")
    return entries[-1]


def settlement_of(escrow: Json, kind: str) -> Json:
    """The newest of a kind, or DifferenceError."""
    made: Sequence[Json] = [s for s in escrow["settlements"] if s["kind"] == kind]
    if not made:
        raise DifferenceError(f"settlements: expected a {kind}, got none")
    return made[-1]


def tell_timeline(escrow: Json) -> None:
    scene(f"Timeline of escrow {escrow['escrow_id']}")
    for entry in escrow["history"]:
        step = f"{entry['from'] or ''} → {entry['to']}"
        words = f"{entry['transition']:<17} {step:<27} {entry['by']:<10} {entry['why']}"
        print(f"  {entry['seq']:>2}  {entry['at'][:23]}  {words}".rstrip())
