"""The way back never leaves the allow-list: hundreds of hostile addresses as
`return_to` at the start, and hostile paths, queries, bodies and headers at the return
itself. The redirect goes to a listed page, letter by letter, and says nothing but the
escrow's id."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from emanet import bootstrap, returns, schemas
from local.paynet_simulator import browser
from tests.security.fuzz_events import TEXTS
from tests.simulation import tally
from tests.simulation.world import World, in_process, unheard
from tests.stage import BASE_URL, OTHER_PAGE, RETURN_PAGE, payment

PAGES = (RETURN_PAGE, OTHER_PAGE)
HEADERS_OF_A_RETURN = {"Location", "Cache-Control", "Referrer-Policy"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
INITIATE, COMPLETE = "Initiate3dFunction", "Complete3dFunction"

# ── two hundred ways to name another place ───────────────────────────────────

_SCHEMES = (
    *("http", "HTTPS", "ftp", "file", "javascript", "data", "vbscript", "blob"),
    *("intent", "ws", "jar:https", "view-source:https", "https\x00", "https "),
)
_BEFORE_THE_HOST = ("user@", "user:pass@", "evil.example\\@", "evil.example#@", "@")
_HOSTS = (
    *("evil.example", "shop.example.evil.example", "evilshop.example", "example"),
    *("shop.example.", "shop.exampl", "shop.examplee", "SHOP.EXAMPLE", "shop.EXAMPLE"),
    *("evil.example/shop.example", "evil.example?shop.example", "shop%2eexample"),
    *("evil.example#shop.example", "evil.example\\shop.example", "shop。example"),
    *("evil.example;shop.example", "evil.example,shop.example", "shop.example@evil"),
    *("www.shop.example", "m.shop.example.evil", "shop-example", "shop_example"),
    *("xn--shp-ula.example", "shоp.example", "shop.exαmple", "ｓhop.example"),
    *(
        "shop.example\u200b",
        "\u202eelpmaxe.pohs",
        "shop\u00adexample",
        "shop.example%00",
    ),
    *("127.0.0.1", "2130706433", "0x7f000001", "0177.1", "localhost", "[::1]", "[::]"),
    *("[::ffff:127.0.0.1]", "169.254.169.254", "①②⑦.⓪.⓪.①", "shop.example%20"),
    *("shop.example:443", "shop.example:80", "shop.example:", "shop.example:0443"),
    *("shop.example:443@evil.example", "shop.example%40evil.example"),
    *("shop.example%5c@evil.example", "shop.example%2f@evil.example", "", ".", ".."),
)
_PATHS = (
    *("", "/", "//return", "/Return", "/RETURN", "/return/", "/return//", "/returnx"),
    *("/return.evil", "/return/..", "/return/../admin", "/./return", "/x/../return"),
    *(
        "/return;a",
        "/return?",
        "/return?a=1",
        "/return?next=//evil.example",
        "/return#",
    ),
    *("/return#evil", "/return&escrow=1", "/return%00", "/return%20", "/return%0d%0a"),
    *("/return%2f", "/return%2e", "/%72eturn", "/%2572eturn", "/retur%6e", "/return "),
    *(
        "/return\t",
        "/return\n",
        "/return\r\nLocation: https://evil.example",
        "/return\x00",
    ),
    *("/return\x0b", "/return\u2028", "/return\u0085", "/return\ufeff", "/return\x7f"),
    *(
        "\\return",
        "/return\\",
        "/return|",
        "/return{}",
        "/return'",
        '/return"',
        "/ret urn",
    ),
)
_WHOLE = (
    *("", " ", "/", "//", "///", "\\", "\\\\", "?", "#", ".", "return", "/return"),
    *("//evil.example", "///evil.example", "////evil.example", "/\\evil.example"),
    *("\\/evil.example", "\\\\evil.example", "/\t/evil.example", "/%09/evil.example"),
    *("//evil.example/%2e%2e", "/%2f%2fevil.example", "https:evil.example", "https:"),
    *("https:/evil.example", "https:///evil.example", "https:\\evil.example", "://a"),
    *(
        "https:shop.example/return",
        "https:/shop.example/return",
        "https:///shop.example",
    ),
    *(
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "javascript:",
    ),
    *("javascript://shop.example/%0aalert(1)", "\x01javascript:alert(1)"),
    *("data:text/html,<script>alert(1)</script>", "data:text/html;base64,PHNjcmlwdD4="),
    *(
        "https%3A%2F%2Fshop.example%2Freturn",
        "https%253A%252F%252Fshop.example%252Freturn",
    ),
    *("https&colon;//shop.example/return", "https&#58;//shop.example/return"),
    *(f"{RETURN_PAGE},{OTHER_PAGE}", f"{RETURN_PAGE} {OTHER_PAGE}", f"{RETURN_PAGE}\n"),
    *(
        f" {RETURN_PAGE}",
        f"\n{RETURN_PAGE}",
        f"\ufeff{RETURN_PAGE}",
        f"<{RETURN_PAGE}>",
    ),
    *(
        f'"{RETURN_PAGE}"',
        f"{RETURN_PAGE}\x00.evil",
        f"https://evil.example/{RETURN_PAGE}",
    ),
    *(f"https://evil.example/?{RETURN_PAGE}", f"https://evil.example/#{RETURN_PAGE}"),
    *(RETURN_PAGE[:-1], RETURN_PAGE[1:], RETURN_PAGE.upper(), RETURN_PAGE.title(), "*"),
    *(f"{RETURN_PAGE}{'a' * 256}", RETURN_PAGE[::-1], "null", "undefined", "None"),
)
_TYPES: tuple[Any, ...] = (None, True, 7, [RETURN_PAGE], {"url": RETURN_PAGE}, [])


def hostile_pages() -> list[str]:
    """Each once, and none of them listed."""
    made = [f"{scheme}://shop.example/return" for scheme in _SCHEMES]
    made += [f"https://{user}shop.example/return" for user in _BEFORE_THE_HOST]
    made += [f"https://{user}evil.example/return" for user in _BEFORE_THE_HOST]
    made += [f"https://{host}/return" for host in _HOSTS]
    made += [f"https://shop.example{path}" for path in _PATHS]
    pages = [*made, *_WHOLE, *TEXTS]
    return [page for page in dict.fromkeys(pages) if page not in PAGES]


HOSTILE = hostile_pages()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with unheard():
        yield


def test_there_are_hundreds_of_them_and_none_is_a_listed_page() -> None:
    assert len(HOSTILE) >= 200
    assert len(set(HOSTILE)) == len(HOSTILE)
    assert not set(HOSTILE) & set(PAGES)


# ── at the start ─────────────────────────────────────────────────────────────


def taken_at_the_start(world: World, body: dict[str, Any]) -> list[Any]:
    """Those that were not refused by name, unrepeated, without any effect."""
    path = f"/api/escrows/{world.create()}/3d"
    event, _ = world.event("POST", path, body)
    before, effects = world.books.snapshot(), len(world.outside.trace)
    taken = []
    for page in (*HOSTILE, *_TYPES):
        raw = json.dumps(body | {"return_to": page})
        answer = world.handle(INITIATE, {**copy.deepcopy(event), "body": raw})
        told = answer.body
        wrong = [each["field"] for each in told.get("errors", [])]
        is_repeated = isinstance(page, str) and len(page) > 8 and page in answer.text
        if (answer.status, wrong) != (422, ["return_to"]) or is_repeated:
            taken.append(page)
    asked = [str(effect) for effect in world.outside.trace[effects:]]
    assert {each for each in asked if not each.startswith("answer")} == set()
    assert world.books.snapshot() == before
    return taken


def test_no_other_address_is_taken_at_the_start(world: World) -> None:
    assert taken_at_the_start(world, payment()) == []
    tally.record("return url", strings=len(HOSTILE), wrong=0)


def test_no_other_address_is_taken_for_paynet_s_own_form(world: World) -> None:
    world.deploy(PAYMENT_MODE="hosted")
    assert taken_at_the_start(world, {}) == []


def test_each_listed_page_is_taken_and_reached(world: World) -> None:
    for page in PAGES:
        started = world.initiate(world.create(), return_to=page)
        answer = world.come_back(started.at_bank())
        assert answer.headers["Location"] == f"{page}?escrow={started.escrow_id}"


@pytest.mark.parametrize("header", ["host", "x-forwarded-host", "origin", "referer"])
def test_no_header_says_where_paynet_sends_the_browser(
    world: World, header: str
) -> None:
    """The address of the return is the deployment's, whoever claims to be its host."""
    event, _ = world.event("POST", f"/api/escrows/{world.create()}/3d", payment())
    event["headers"] |= {header: "evil.example", "x-forwarded-proto": "javascript"}
    url = world.handle(INITIATE, event).body["three_ds"]["url"]
    assert browser.pass_bank_page(url).action.startswith(f"{BASE_URL}/api/3d/return/")


# ── at the return ────────────────────────────────────────────────────────────


def wrong_about(answer: dict[str, Any], allowed: set[str]) -> list[str]:
    """What a browser's redirect may not be."""
    headers = answer["headers"]
    wrong = []
    if answer["statusCode"] != 303 or answer["body"]:
        wrong.append(f"answered {answer['statusCode']}")
    if set(headers) != HEADERS_OF_A_RETURN or answer.get("cookies"):
        wrong.append(f"headers {sorted(headers)}")
    if any(not char.isprintable() for value in headers.values() for char in value):
        wrong.append("a header with a control character")
    if headers["Location"] not in allowed:
        wrong.append(f"sent to {headers['Location']}")
    if (headers["Cache-Control"], headers["Referrer-Policy"]) != (
        "no-store",
        "no-referrer",
    ):
        wrong.append("kept or told on")
    return wrong


class Returning:
    """One payer at the bank's door, who comes back again and again."""

    def __init__(self, world: World) -> None:
        self.world = world
        started = world.initiate(world.create(), return_to=OTHER_PAGE)
        form = started.at_bank()
        path = form.action.removeprefix(BASE_URL)
        raw = "&".join(f"{k}={v}" for k, v in form.fields.items()).encode()
        self.event, _ = world.event("POST", path, raw=raw, headers=FORM)
        self.landing = f"{OTHER_PAGE}?escrow={started.escrow_id}"
        self.moment = world.snapshot()
        self.strings = 0

    def by_path(self, name: str, text: str) -> list[str]:
        """Another value of one variable, as API Gateway hands it over: decoded."""
        event = copy.deepcopy(self.event)
        if event["pathParameters"][name] == text:
            return []
        event["pathParameters"][name] = text
        event["rawPath"] = "/".join(
            ["/api/3d/return", *event["pathParameters"].values()]
        )
        return self._played(event, {RETURN_PAGE})

    def by_query(self, query: str) -> list[str]:
        """The path is right: whatever else is said, he lands on his own page."""
        said = {"rawQueryString": query, "body": "", "isBase64Encoded": False}
        return self._played(self.event | said, {self.landing})

    def by_body(self, text: str) -> list[str]:
        said = {"body": text, "isBase64Encoded": False}
        return self._played(self.event | said, {self.landing, RETURN_PAGE})

    def by_header(self, name: str, text: str) -> list[str]:
        event = copy.deepcopy(self.event)
        event["headers"][name] = text
        return self._played(event, {self.landing})

    def _played(self, event: dict[str, Any], allowed: set[str]) -> list[str]:
        self.strings += 1
        answer = self.world.invoke(COMPLETE, copy.deepcopy(event))
        self.world.go_back(self.moment)
        return wrong_about(answer, allowed)


NAMES_OF_THE_PATH = ("escrow_id", "attempt", "state")
HEADERS = ("host", "origin", "referer", "x-forwarded-host")
NAMES = ("return_to", "return_url", "redirect_uri", "next", "url", "Location")


def wrong_by_path(returning: Returning) -> list[str]:
    return [
        f"{name}={text!r}: {wrong}"
        for text in HOSTILE
        for name in NAMES_OF_THE_PATH
        for wrong in returning.by_path(name, text)
    ]


def test_no_path_leads_elsewhere(world: World) -> None:
    """Nor does a wrong one say whose it was: the default page, and no id."""
    returning = Returning(world)
    assert wrong_by_path(returning) == []
    tally.record("return url", strings=returning.strings, wrong=0)


def by_query_or_body(returning: Returning, number: int, text: str) -> list[str]:
    """In one of five ways, each in its turn."""
    name, coded = NAMES[number % len(NAMES)], quote(text, errors="surrogatepass")
    match number % 5:
        case 0:
            return returning.by_query(f"{name}={coded}&escrow={coded}")
        case 1:
            return returning.by_query(text)
        case 2:
            said = f"{name}={coded}&session_id={coded}&token_id=a"
            return returning.by_body(said)
        case 3:
            said = json.dumps({name: text, "session_id": text, "token_id": text})
            return returning.by_body(said)
        case _:
            return returning.by_body(text)


def test_no_query_and_no_body_leads_elsewhere(world: World) -> None:
    returning = Returning(world)
    wrong = []
    for number, text in enumerate(HOSTILE):
        wrong += by_query_or_body(returning, number, text)
        wrong += by_query_or_body(returning, number + 2, text)
    assert wrong == []
    tally.record("return url", strings=returning.strings, wrong=0)


def run(part: int = 0, parts: int = 1) -> tuple[dict[str, int], list[str]]:
    """The deep variant: this worker's share of the strings, each in every way."""
    wrong: list[str] = []
    with in_process() as world:
        returning = Returning(world)
        for text in HOSTILE[part::parts]:
            for number in range(5 * len(NAMES)):
                wrong += by_query_or_body(returning, number, text)
            for name in (*NAMES_OF_THE_PATH, *HEADERS):
                by = (
                    returning.by_path
                    if name in NAMES_OF_THE_PATH
                    else returning.by_header
                )
                wrong += by(name, text)
    return {"strings": returning.strings, "wrong": len(wrong)}, wrong


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_leads_elsewhere(world: World, name: str) -> None:
    returning = Returning(world)
    for text in HOSTILE[::12]:
        assert returning.by_header(name, text) == []
    tally.record("return url", strings=returning.strings, wrong=0)


def test_a_page_that_is_no_longer_listed_is_not_reached(world: World) -> None:
    """Chosen when it was listed: now the default one, and nothing is said."""
    returning = Returning(world)
    world.deploy(FRONTEND_RETURN_URLS=RETURN_PAGE)
    answer = world.invoke(COMPLETE, returning.event)
    assert wrong_about(answer, {RETURN_PAGE}) == []


# ── the battery itself ───────────────────────────────────────────────────────


def test_a_list_that_is_compared_by_its_beginning_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(word: str, allowed: Any, _: str) -> str:
        assert word.startswith(tuple(allowed)) or len(word) < 9
        return word

    monkeypatch.setattr(schemas, "listed", listed)
    path, page = f"/api/escrows/{world.create()}/3d", f"{RETURN_PAGE}.evil"
    assert page in HOSTILE
    assert world.call("POST", path, payment(return_to=page)).status == 201


def test_a_redirect_that_says_more_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = returns.redirect

    def redirect(*args: Any) -> dict[str, Any]:
        answer = plain(*args)
        answer["headers"]["Location"] += "?state=a\r\n"
        return answer

    monkeypatch.setattr(returns, "redirect", redirect)
    found = Returning(world).by_path("state", "a")
    assert len(found) == 2
    assert bootstrap.return_pages() == PAGES
