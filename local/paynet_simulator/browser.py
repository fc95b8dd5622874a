"""What a browser does between tds_initial and the return URL, for tests and scripts: it
opens the bank's page, fills in the password and posts the form it is given."""

from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin

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


def read_form(html: str, page_url: str) -> Form:
    reader = _FormReader()
    reader.feed(html)
    return Form(urljoin(page_url, reader.action), reader.fields)


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self.action = told.get("action") or ""
        elif tag == "input" and told.get("type") == "hidden":
            self.fields[told.get("name") or ""] = told.get("value") or ""
