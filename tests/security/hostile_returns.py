"""Hundreds of addresses that look like a page of the shop and are none, and a payer who
comes back from the bank with each of them in every place of his request."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import quote

from tests.security.fuzz_events import TEXTS
from tests.simulation.world import World, in_process
from tests.stage import BASE_URL, OTHER_PAGE, RETURN_PAGE

PAGES = (RETURN_PAGE, OTHER_PAGE)
HEADERS_OF_A_RETURN = {"Location", "Cache-Control", "Referrer-Policy"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
COMPLETE = "Complete3dFunction"

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


# ── a payer comes back ───────────────────────────────────────────────────────


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
