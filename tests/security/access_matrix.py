"""Who may do what, route by route: written from design §7 and docs/security.md, never
from the code. The cells of the access battery are made from the template's own routes;
a route that is missing here, or that the template no longer has, fails a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from tests.stage import BACKEND, BUYER, CARRIER, OPERATIONS, SELLER, STRANGER


class Role(StrEnum):
    PAYER = auto()
    PAYEE = auto()
    OPERATIONS = auto()
    BACKEND = auto()
    CARRIER = auto()


EVERYBODY = frozenset(Role)
SCOPES = {
    *("escrow:create", "escrow:read", "escrow:pay", "escrow:ship"),
    *("delivery:confirm", "operations"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """A caller: party of his own escrow, or of none; and what he is besides."""

    sub: str
    scopes: frozenset[str]
    party: Role | None = None
    staff: frozenset[Role] = frozenset()


def _person(who: tuple[str, str], party: Role | None = None, *staff: Role) -> Person:
    return Person(who[0], frozenset(who[1].split()), party, frozenset(staff))


_ALL = " ".join(sorted(SCOPES))
_STAFF = (Role.OPERATIONS, Role.BACKEND, Role.CARRIER)

PEOPLE: Mapping[str, Person] = {
    "payer": _person(BUYER, Role.PAYER),
    "payee": _person(SELLER, Role.PAYEE),
    "operations": _person(OPERATIONS, None, Role.OPERATIONS),
    "backend": _person(BACKEND, None, Role.BACKEND),
    "carrier": _person(CARRIER, None, Role.CARRIER),
    "stranger": _person(STRANGER),
    # Staff who buy and sell: of his own escrow a party is only that.
    "payer with every scope": _person((BUYER[0], _ALL), Role.PAYER, *_STAFF),
    "payee with every scope": _person((SELLER[0], _ALL), Role.PAYEE, *_STAFF),
}


class Thing(StrEnum):
    """What a request names."""

    OWN = "own"
    ANOTHERS = "another's"
    NOWHERE = "nonexistent"
    MALFORMED = "malformed"
    OTHER_KIND = "of another kind"


class About(Enum):
    """Of which kind it is."""

    ESCROW = auto()
    CARD = auto()
    CALLBACK = auto()
    PLAN = auto()
    NOTHING = auto()  # the route names no object: it is about the caller
    PROOF = auto()  # a public route: not who asks counts, but what he knows

    @property
    def things(self) -> tuple[Thing, ...]:
        if self is About.NOTHING:
            return (Thing.OWN,)
        if self is About.PLAN:  # plans are nobody's own
            return tuple(thing for thing in Thing if thing is not Thing.ANOTHERS)
        return tuple(Thing)


class Verdict(Enum):
    OPEN = auto()
    UNAUTHORIZED = auto()
    FORBIDDEN = auto()
    HIDDEN = auto()
    INVALID = auto()


@dataclass(frozen=True, slots=True)
class Rule:
    """No scopes: the route is public."""

    scopes: frozenset[str]
    may: frozenset[Role]
    about: About


def _rule(scopes: str, may: Iterable[Role], about: About = About.ESCROW) -> Rule:
    return Rule(frozenset(scopes.split()), frozenset(may), about)


_ESCROW = "/api/escrows/{escrow_id}"
_HOOK = "/api/webhooks/paynet-callback"
_READ, _PAY, _SHIP = "escrow:read", "escrow:pay", "escrow:ship"
_READERS = (Role.PAYER, Role.PAYEE, Role.OPERATIONS)

ACCESS: Mapping[str, Rule] = {
    "POST /api/escrows": _rule("escrow:create", [Role.BACKEND], About.NOTHING),
    "GET /api/escrows": _rule(_READ, EVERYBODY, About.NOTHING),
    f"GET {_ESCROW}": _rule(f"{_READ} operations", _READERS),
    f"GET {_ESCROW}/statement": _rule(f"{_READ} operations", _READERS),
    "GET /api/statement": _rule(_READ, EVERYBODY, About.NOTHING),
    f"POST {_ESCROW}/3d": _rule(_PAY, [Role.PAYER]),
    f"POST {_ESCROW}/ship": _rule(_SHIP, [Role.PAYEE]),
    f"POST {_ESCROW}/deliver": _rule(
        f"{_PAY} delivery:confirm operations",
        [Role.PAYER, Role.CARRIER, Role.OPERATIONS],
    ),
    f"POST {_ESCROW}/release": _rule(
        f"{_PAY} operations", [Role.PAYER, Role.OPERATIONS]
    ),
    f"POST {_ESCROW}/refund": _rule(
        f"{_SHIP} operations", [Role.PAYEE, Role.OPERATIONS]
    ),
    f"POST {_ESCROW}/cancel": _rule(
        f"{_PAY} escrow:create operations",
        [Role.PAYER, Role.BACKEND, Role.OPERATIONS],
    ),
    f"POST {_ESCROW}/dispute": _rule(_PAY, [Role.PAYER]),
    f"POST {_ESCROW}/withdraw_dispute": _rule(_PAY, [Role.PAYER]),
    "GET /api/instalments": _rule(_PAY, [Role.PAYER]),
    "GET /api/cards": _rule(_PAY, EVERYBODY, About.NOTHING),
    "DELETE /api/cards/{card_id}": _rule(_PAY, [Role.PAYER], About.CARD),
    "GET /api/operations/queue": _rule("operations", [Role.OPERATIONS], About.NOTHING),
    "POST /api/operations/escrows/{escrow_id}/{decision}": _rule(
        "operations", [Role.OPERATIONS]
    ),
    "POST /api/operations/inbox/{callback_id}/{answer}": _rule(
        "operations", [Role.OPERATIONS], About.CALLBACK
    ),
    "POST /api/operations/compare/plan": _rule(
        "operations", [Role.OPERATIONS], About.NOTHING
    ),
    "POST /api/operations/compare/apply": _rule(
        "operations", [Role.OPERATIONS], About.PLAN
    ),
    "POST /api/3d/return/{escrow_id}/{attempt}/{state}": _rule("", (), About.PROOF),
    f"POST {_HOOK}": _rule("", (), About.PROOF),
    f"POST {_HOOK}/{{escrow_id}}/{{subject}}/{{secret}}": _rule("", (), About.PROOF),
}


# ── tokens ───────────────────────────────────────────────────────────────────


class Token(StrEnum):
    RIGHT = "right"
    MISSING = "missing"
    EMPTY = "empty"
    NO_JWT = "no JWT"
    OTHER_SCHEME = "of another scheme"
    EXPIRED = "expired"
    WITHOUT_END = "without end"
    NOT_YET = "not yet valid"
    ISSUED_LATER = "issued in the future"
    OTHER_ISSUER = "of another issuer"
    OTHER_AUDIENCE = "for another audience"
    NO_AUDIENCE = "for no audience"
    ALG_NONE = "alg none"
    UNSIGNED = "with its signature cut off"
    ALTERED = "with altered claims"
    HS256_PUBLIC_KEY = "HS256 by the public key"
    OTHER_KEY = "by another key under the right kid"
    OWN_KEY_ENCLOSED = "by a key that it brings along"
    UNKNOWN_KID = "by another key under its own kid"
    NO_KID = "without kid"
    ID_TOKEN = "an ID token"
    OTHER_SCOPES = "with all other scopes"
    NEARLY_ITS_SCOPES = "with scopes that only look like it"
    NO_SCOPE = "with an empty scope"
    OF_NOBODY = "without sub"


SCOPELESS = frozenset(
    {Token.ID_TOKEN, Token.OTHER_SCOPES, Token.NEARLY_ITS_SCOPES, Token.NO_SCOPE}
)


# ── what each cell must be ───────────────────────────────────────────────────

SHUT = frozenset({Verdict.UNAUTHORIZED, Verdict.HIDDEN})


def right_verdicts(rule: Rule, who: Person, thing: Thing, token: Token) -> set[Verdict]:
    """How the door may answer."""
    if rule.about is About.PROOF:  # no token opens it, and none is asked for
        return {Verdict.OPEN} if thing is Thing.OWN else set(SHUT)
    if token in SCOPELESS:
        return {Verdict.FORBIDDEN}
    if token not in {Token.RIGHT, Token.OF_NOBODY}:
        return {Verdict.UNAUTHORIZED}
    if not rule.scopes & who.scopes:
        return {Verdict.FORBIDDEN}
    if token is Token.OF_NOBODY:  # an id in odd letters is refused before he is
        return set(Verdict) - {Verdict.OPEN}
    return {_by_object(rule, who, thing)}


def _by_object(rule: Rule, who: Person, thing: Thing) -> Verdict:
    """The object check comes first: what is not yours is not there."""
    match rule.about:
        case About.NOTHING:
            is_his = rule.may == EVERYBODY or rule.may & (who.staff | {who.party})
            return Verdict.OPEN if is_his else Verdict.FORBIDDEN
        case About.PLAN if thing in {Thing.MALFORMED, Thing.OTHER_KIND}:
            return Verdict.INVALID
        case About.PLAN:
            return Verdict.OPEN if thing is Thing.OWN else Verdict.HIDDEN
    if thing not in {Thing.OWN, Thing.ANOTHERS}:
        return Verdict.HIDDEN
    roles = roles_of(who, thing)
    if rule.about is About.ESCROW and roles:
        return Verdict.OPEN if roles & rule.may else Verdict.FORBIDDEN
    return Verdict.OPEN if roles & rule.may else Verdict.HIDDEN


def roles_of(who: Person, thing: Thing) -> frozenset[Role]:
    """Of his own a party is never also staff."""
    if thing is Thing.OWN and who.party:
        return frozenset({who.party})
    return who.staff
