"""What a browser does between tds_initial and the return URL, for tests and scripts: it
opens the bank's page, fills in the password and posts the form it is given. Or it fills
in PAYNET's own form, as that form's script would."""

from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests

TIMEOUT_S = 40
USUAL_PASSWORD = "a"  # noqa: S105 - published for most test cards


@dataclass(frozen=True)
class Form:
    """One HTML form: where it goes and what it carries."""

    action: str
    fields: dict[str, str]

    def post(self, **filled_in: str) -> requests.Response:
        """Follows no redirect: the caller looks at what it was sent to."""
        return requests.post(
            self.action,
            data=self.fields | filled_in,
            allow_redirects=False,
            timeout=TIMEOUT_S,
        )

    def press(self, button: str, password: str = "") -> "Form":
        """Answers the bank's page; the next form is the page again or the way back."""
        return read_form(self.post(button=button, password=password).text, self.action)


def open_url(post_url: str) -> Form:
    """As `three_ds.kind` "redirect" asks for."""
    return read_form(requests.get(post_url, timeout=TIMEOUT_S).text, post_url)


def open_html(html: str) -> Form:
    """As `three_ds.kind` "html" asks for: the page submits itself."""
    start = read_form(html, "")
    return read_form(start.post().text, start.action)


def pass_bank_page(post_url: str, password: str = USUAL_PASSWORD) -> Form:
    """Through the bank; what comes back is the form that goes to the return URL."""
    return open_url(post_url).press("approve", password)


@dataclass(frozen=True)
class TypedCard:
    """What a payer types into PAYNET's form."""

    number: str = field(default="4355084355084358", repr=False)
    cvc: str = field(default="000", repr=False)
    holder: str = "Ayşe Yılmaz"
    month: str = "12"
    year: str = "2030"


class FormRefused(Exception):
    """PAYNET's script was told no; the page hears `code` and `message`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True)
class HostedForm:
    """A page with PAYNET's form: the address of its script, the form's action, and what
    the script tag says, `amount` in lira ("130,00"). A payer may change all of it."""

    script: str
    key: str
    amount: str
    action: str = field(repr=False)
    tds_required: bool = True
    ratio_code: str | None = None
    no_instalment: bool = False
    page: str = "https://shop.example"

    def pay(
        self,
        card: TypedCard | None = None,
        password: str = USUAL_PASSWORD,
        *,
        instalment_key: str = "ji_1",
        do_3ds: bool = True,
    ) -> Form:
        """Through the form and the bank; what comes back is the form that is posted to
        `action`, without a field when the bank said no: the browser then stays.
        `do_3ds` False works with `tds_required` False only. Raises FormRefused."""
        opened = self.authenticate()
        started = self.create_token(
            opened, card or TypedCard(), instalment_key, do_3ds=do_3ds
        )
        ids = {"session_id": opened, "token_id": started["token_id"]}
        if not started["is_tds"]:
            return Form(self.action, ids)
        return self.pass_bank(started["post_url"], ids, password)

    def authenticate(self) -> str:
        """The session_id that the script gets when the page is loaded."""
        lira = self.amount.replace(".", "").replace(",", ".")
        asked = {
            "amount": int(Decimal(lira).scaleb(2)),
            "domain": self.page,
            "tds_required": self.tds_required,
            "save_card": False,
            "ratio_code": self.ratio_code,
            "return_url": self.action,
        }
        return str(self._call("auth?type=CF", asked)["session_id"])

    def check_bin(self, session_id: str, number: str) -> dict[str, Any]:
        """The bank and its instalments, told when six digits are typed."""
        asked = {"bin": number[:6], "session_id": session_id}
        return self._call("check_bin", asked | {"no_instalment": self.no_instalment})

    def create_token(
        self, session_id: str, card: TypedCard, instalment_key: str, *, do_3ds: bool
    ) -> dict[str, Any]:
        """What a click on the button asks for."""
        self.check_bin(session_id, card.number)
        asked = {
            "session_id": session_id,
            "pan": card.number,
            "cvc": card.cvc,
            "card_holder": card.holder,
            "month": card.month,
            "year": card.year,
            "instalment_key": instalment_key,
            "do_3ds": self.tds_required or do_3ds,
        }
        return self._call("create_token", asked)

    def pass_bank(self, post_url: str, ids: dict[str, str], password: str) -> Form:
        """The bank's page in its iframe, and the message that it ends with."""
        told = urlencode(ids | {"publishable_key": self.key})
        page = open_url(f"{post_url}?{told}")
        answer = page.post(button="approve", password=password)
        message = dict(parse_qsl(_message(answer.text)))
        command = message.pop("command", "")
        return Form(self.action, message if command == "form-post" else {})

    def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        script = urlsplit(self.script)
        answer = requests.post(
            f"{script.scheme}://{script.netloc}/v1/paynetj/{path}",
            json={"token": self.key} | body,
            headers={"Authorization": f"Basic {self.key}", "Origin": self.page},
            timeout=TIMEOUT_S,
        )
        said = dict(answer.json())
        if not answer.ok:
            raise FormRefused(said["result_code"], said["message"])
        return said


def read_form(html: str, page_url: str) -> Form:
    reader = _FormReader()
    reader.feed(html)
    return Form(urljoin(page_url, reader.action), reader.fields)


def _message(html: str) -> str:
    """What the page tells the page around it; nothing while it still asks."""
    reader = _FormReader()
    reader.feed(html)
    return reader.message


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.message = ""
        self._in_message = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self.action = told.get("action") or ""
        elif tag == "input" and told.get("type") == "hidden":
            self.fields[told.get("name") or ""] = told.get("value") or ""
        elif tag == "output":
            self._in_message = told.get("id") == "message"

    def handle_data(self, data: str) -> None:
        if self._in_message:
            self.message += data

    def handle_endtag(self, tag: str) -> None:
        self._in_message &= tag != "output"
