"""Who may do what: every route of the template by every caller, about his own,
another's and nobody's, with every token that is right or wrong. Tokens are verified
here by the local authorizer, which is ours: this proves which routes the template
guards, with which scopes, and what the handlers do with a caller. It does not prove
AWS's own verifier."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import pytest

from emanet.usecases.operate import WAYS
from local.api_gateway.template import Route, Template
from tests import stage
from tests.security.access_door import Asked, FrontDoor, Told
from tests.security.access_holes import HOLES
from tests.security.access_matrix import (
    ACCESS,
    PEOPLE,
    SCOPES,
    About,
    Person,
    Thing,
    Token,
    Verdict,
    right_verdicts,
)
from tests.security.access_scene import ASKED, Scene, played_in
from tests.security.access_tokens import Mint
from tests.simulation import tally
from tests.simulation.paynet_in_process import ADDRESS
from tests.simulation.world import TEMPLATE, Snapshot, World, in_process

ROUTES = Template.load(TEMPLATE, stage.parameters(ADDRESS)).routes
IDS = {Thing.OWN, Thing.ANOTHERS, Thing.NOWHERE}
BELIEVED = {Token.RIGHT, Token.OF_NOBODY}
# At a public route nobody looks at a token: three stand for all.
PUBLIC_TOKENS = (Token.MISSING, Token.RIGHT, Token.ALG_NONE)


NONE = {"amount": 0, "currency": "TRY"}
EVERY_PART = {  # of every decision
    "reason": "for myself",
    "version": 1,
    "release": NONE,
    "refund": NONE,
    "settlement": "x",
    "xact_id": "x",
    "done": True,
}


@dataclass(frozen=True, slots=True)
class Battery:
    """One world for all cells, and the moment to which it goes back."""

    world: World
    scene: Scene
    door: FrontDoor
    start: Snapshot

    def ask(self, asked: Asked, token: Token, who: Person, route: Route) -> Told:
        self.world.clock.ahead = self.start.ahead
        header = self.door.mint.header(token, who, frozenset(route.scopes or ()))
        return self.door.ask(asked, header)

    def is_untouched(self) -> bool:
        return self.world.books.snapshot() == self.start.records


@pytest.fixture(scope="module")
def battery() -> Iterator[Battery]:
    with in_process() as world:
        scene = played_in(world)
        door = FrontDoor(world, Mint(world.template.jwt_issuer))
        yield Battery(world, scene, door, world.snapshot())


Cell = tuple[Thing, str, Token]


def cells(route: Route) -> list[Cell]:
    """Every thing × caller × token; an id that cannot be one, only with a token that
    gets as far as to it."""
    tokens = PUBLIC_TOKENS if route.is_public else tuple(Token)
    return [
        cell
        for cell in product(ACCESS[route.key].about.things, PEOPLE, tokens)
        if cell[0] in IDS or cell[2] in BELIEVED
    ]


def heard_in(battery: Battery, route: Route, cell: Cell) -> tuple[Told, str]:
    """The answer, and what of it is not as the matrix has it; nothing: empty. Only an
    open door leads to a handler that changes anything."""
    thing, name, token = cell
    right = right_verdicts(ACCESS[route.key], PEOPLE[name], thing, token)
    asked = battery.scene.request(route, thing)
    told = battery.ask(asked, token, PEOPLE[name], route)
    where = f"{thing} by {name}, token {token}"
    if told.verdict is Verdict.OPEN:
        battery.world.go_back(battery.start)
    elif not battery.is_untouched():
        return told, f"{where}: refused, and something was written"
    if told.verdict in right:
        return told, ""
    return told, f"{where}: {told.status}, not {[v.name for v in right]}: {told.text}"


# ── the matrix and the template ──


def test_the_matrix_names_every_route_of_the_template_and_no_other() -> None:
    assert sorted(ACCESS) == sorted(route.key for route in ROUTES)


def test_every_route_asks_for_the_scopes_of_the_matrix() -> None:
    asked = {route.key: frozenset(route.scopes or ()) for route in ROUTES}
    assert asked == {key: rule.scopes for key, rule in ACCESS.items()}
    assert frozenset().union(*asked.values()) == SCOPES


def test_only_what_proves_itself_is_public() -> None:
    public = {route.key for route in ROUTES if route.is_public}
    assert public == {k for k, rule in ACCESS.items() if rule.about is About.PROOF}
    assert public.isdisjoint(ASKED)
    assert public | ASKED.keys() == ACCESS.keys()


# ── the cells ──


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_only_the_allowed_cells_are_open(battery: Battery, route: Route) -> None:
    heard = [heard_in(battery, route, cell) for cell in cells(route)]
    opened = sum(told.verdict is Verdict.OPEN for told, _ in heard)
    wrong = [why for _, why in heard if why]
    tally.record("access", cells=len(heard), open=opened, wrong=len(wrong))
    assert wrong == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_every_route_has_cells_of_both_kinds(route: Route) -> None:
    """A matrix that opens nothing, or everything, would prove nothing."""
    rule = ACCESS[route.key]
    right = [right_verdicts(rule, PEOPLE[n], thing, t) for thing, n, t in cells(route)]
    assert any(verdicts == {Verdict.OPEN} for verdicts in right)
    assert any(Verdict.OPEN not in verdicts for verdicts in right)


@pytest.mark.parametrize("hole", HOLES)
def test_the_battery_finds_every_hole(
    battery: Battery, monkeypatch: pytest.MonkeyPatch, hole: str
) -> None:
    [route] = [r for r in ROUTES if r.path.endswith("/refund")]
    monkeypatch.setattr(*HOLES[hole])
    wrong = (heard_in(battery, route, cell)[1] for cell in cells(route))
    assert any(wrong)
    battery.world.go_back(battery.start)


# ── another's is like nobody's ──


OUTSIDERS = [name for name, person in PEOPLE.items() if not person.staff]
NONSENSE = b'{"nonsense": 1}'


def as_one(battery: Battery, route: Route, who: str, *, wrongly: bool) -> set[Told]:
    """What he hears about everything that is not his. Where more is wrong than the
    thing, an id that cannot be one may be named first."""
    things = IDS if wrongly or route.is_public else set(Thing)
    told = set()
    for thing in things - {Thing.OWN}:
        asked = battery.scene.request(route, thing)
        if wrongly:
            asked = replace(asked, body=asked.body and NONSENSE, headers=())
        told.add(battery.ask(asked, Token.RIGHT, PEOPLE[who], route))
    return told


@pytest.mark.parametrize("wrongly", [False, True], ids=["rightly", "wrongly"])
@pytest.mark.parametrize("who", OUTSIDERS)
def test_anothers_is_told_like_one_that_is_not_there(
    battery: Battery, who: str, wrongly: bool
) -> None:
    """Status, headers and body, to the letter, whatever else is wrong with the request.
    Staff may see every escrow, so that there is nothing to hide from them."""
    routes = [r for r in ROUTES if set(ACCESS[r.key].about.things) > IDS]
    heard = {r.key: as_one(battery, r, who, wrongly=wrongly) for r in routes}
    assert {key: told for key, told in heard.items() if len(told) > 1} == {}


@pytest.mark.parametrize("who", ["payer with every scope", "payee with every scope"])
def test_a_callback_about_his_own_case_is_not_there_for_staff(
    battery: Battery, who: str
) -> None:
    [route] = [r for r in ROUTES if ACCESS[r.key].about is About.CALLBACK]
    told = {
        battery.ask(battery.scene.request(route, t), Token.RIGHT, PEOPLE[who], route)
        for t in (Thing.OWN, Thing.NOWHERE)
    }
    assert len(told) == 1


# ── staff who buy and sell, and lists ──


@pytest.mark.parametrize("word", WAYS)
@pytest.mark.parametrize("who", ["payer with every scope", "payee with every scope"])
def test_a_party_decides_nothing_of_his_own_case(
    battery: Battery, who: str, word: str
) -> None:
    """Whatever the word, whatever his scopes, whatever the state."""
    [route] = [r for r in ROUTES if r.path.endswith("{decision}")]
    own, body = battery.scene.own, json.dumps(EVERY_PART).encode()
    for escrow_id in (own.unpaid, own.held, own.shipped, own.disputed):
        path = f"/api/operations/escrows/{escrow_id}/{word}"
        asked = Asked("POST", path, body, (("Idempotency-Key", "once"),))
        told = battery.ask(asked, Token.RIGHT, PEOPLE[who], route)
        assert (told.status, told.body["code"]) == (403, "not_your_action"), word
    assert battery.is_untouched()


def lists(battery: Battery, key: str, who: str) -> Told:
    [route] = [r for r in ROUTES if r.key == key.partition("?")[0]]
    method, path = key.split(" ")
    asked = Asked(method, path)
    return battery.ask(asked, Token.RIGHT, PEOPLE[who], route)


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize(("role", "party"), [("payer", "buyer"), ("payee", "seller")])
def test_a_list_shows_the_callers_own_alone(
    battery: Battery, who: str, role: str, party: str
) -> None:
    told = lists(battery, f"GET /api/escrows?as={role}", who)
    if "escrow:read" not in PEOPLE[who].scopes:
        assert told.verdict is Verdict.FORBIDDEN
        return
    is_his = PEOPLE[who].sub == f"{party}-1"
    seen = {escrow["escrow_id"] for escrow in told.body["escrows"]}
    mine = {e.id for e in battery.world.escrows() if e.payer.id == "buyer-1"}
    assert seen == (mine if is_his else set())


def test_a_payer_sees_his_own_cards_alone(battery: Battery) -> None:
    cards = lists(battery, "GET /api/cards", "payer").body["cards"]
    assert [card["card_id"] for card in cards] == [battery.scene.own.card_id]
    assert lists(battery, "GET /api/cards", "stranger").body["cards"] == []


def test_the_queue_hides_from_a_party_what_is_about_him(battery: Battery) -> None:
    queue, scene = "GET /api/operations/queue", battery.scene
    all_ = lists(battery, queue, "operations").text
    assert scene.own.callback_id in all_
    assert scene.others.callback_id in all_
    for who in ("payer with every scope", "payee with every scope"):
        seen = lists(battery, queue, who).text
        assert scene.own.callback_id not in seen
        assert scene.others.callback_id in seen
