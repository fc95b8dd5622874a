"""A list of PAYNET's, whole: page after page until it says that there is no more. Rows
may be added while we turn the pages; each counts once. A list that does not end, or
shows the same again and again, is `Unknown`."""

from __future__ import annotations

from emanet.outcome import Unknown
from emanet.paynet import listed
from emanet.paynet.formats import JsonObject, text
from emanet.paynet.line import Errand

MOST_PAGES = 500


def every_row(
    errand: Errand, path: str, asked: JsonObject
) -> list[JsonObject] | Unknown:
    """All rows of the list that `asked` describes; Unknown if a page could not be
    read."""
    known: dict[tuple[str, ...], JsonObject] = {}
    seen = 0
    for _ in range(MOST_PAGES):
        page = _page(errand, path, listed.page_after(asked, seen))
        if isinstance(page, Unknown):
            return page
        news = {_name(row): row for row in page.rows if _name(row) not in known}
        known |= news
        if not page.has_more:
            return list(known.values())
        if not news:
            break
        seen += len(page.rows)
    return Unknown("paging")


def _page(errand: Errand, path: str, request: JsonObject) -> listed.Page | Unknown:
    answer = errand.post(path, request)
    return answer if isinstance(answer, Unknown) else listed.read_page(answer)


def _name(row: JsonObject) -> tuple[str, ...]:
    """Its two ids, or all of it where it has none."""
    ids = (text(row.get("xact_id")), text(row.get("id")))
    return tuple(name or "" for name in ids) if any(ids) else (repr(row),)
