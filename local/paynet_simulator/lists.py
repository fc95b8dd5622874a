"""The reports transaction/list and transaction/reversal_list, a page at a time. It says
how rows are written and cut into pages; which rows there are, the books say."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from local.paynet_simulator import answers, ratios, wire
from local.paynet_simulator.messages import Listing, Paging
from local.paynet_simulator.records import Transaction
from local.paynet_simulator.settings import Settings
from local.paynet_simulator.wire import Body

# transaction_type → xact_type and its description.
XACT_TYPES = {
    1: ("S", "Satış"),
    2: ("R", "İptal"),
    3: ("PR", "Ön otorizasyon"),
    4: ("CR", "Finansallaştırma"),
    5: ("RP", "Ön otorizasyon iptal"),
    6: ("RC", "Finansallaştırma iptal"),
    9: ("CD", "İade"),
    10: ("PK", "Puan kullanım"),
    11: ("PI", "Puan iptal"),
}


Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """`starting_after`: how many rows were seen already; `ending_before`: the index,
    from 0, of the first row that is too many."""

    rows: list[Row]
    limit: int
    has_more: bool

    @classmethod
    def cut(cls, found: list[Row], asked: Paging, limit_max: int) -> "Page[Row]":
        limit = min(asked.limit, limit_max)
        start = asked.starting_after
        if not asked.ending_before:
            rows = found[start : start + limit]
            return cls(rows, limit, has_more=start + limit < len(found))
        end = min(asked.ending_before, len(found))
        first = max(start, end - limit)
        return cls(found[first:end], limit, has_more=first > start)


def transactions(settings: Settings, found: list[Transaction], asked: Listing) -> Body:
    page = Page.cut(found, asked, settings.list_limit_max)
    head = _head(settings, page, asked, found) | _total(settings, found)
    rows = [_transaction(settings, row) for row in page.rows]
    return head | {"object_name": "transaction_list", "Data": rows}


def reversals(settings: Settings, found: list[Transaction], asked: Listing) -> Body:
    page = Page.cut(found, asked, settings.list_limit_max)
    head = _head(settings, page, asked, found)
    if settings.reversal_amount_listed:
        head |= _total(settings, found)
    rows = [_reversal(settings, row) for row in page.rows]
    return head | {"object_name": "transaction_reversal_list", "Data": rows}


def paged(settings: Settings, page: Page[Row], asked: Paging, found: list[Row]) -> Body:
    """The head of any list."""
    head = _something(settings) if page.rows else _nothing(settings)
    head |= {"total": len(page.rows), "total_count": len(found)}
    head |= {"limit": page.limit, "has_more": page.has_more}
    head |= {"starting_after": asked.starting_after}
    return head | {"ending_before": asked.ending_before}


def _head(
    settings: Settings,
    page: Page[Transaction],
    asked: Listing,
    found: list[Transaction],
) -> Body:
    company = {"companyCode": "", "companyName": ""}
    return paged(settings, page, asked, found) | company


def _something(settings: Settings) -> Body:
    return answers.envelope(settings, wire.SUCCESS, answers.SUCCEEDED)


def _nothing(settings: Settings) -> Body:
    if settings.empty_list == "no_data":
        return answers.envelope(settings, wire.NO_DATA, "Kayıt bulunamadı")
    return _something(settings)


def _total(settings: Settings, found: list[Transaction]) -> Body:
    total_minor = sum(row.amount_minor for row in found)
    return {"total_amount": wire.lira(total_minor, settings.amount_style)}


def _transaction(settings: Settings, row: Transaction) -> Body:
    kind, described = XACT_TYPES.get(row.transaction_type, ("", ""))
    body = _who(settings, row) | {"xact_type": kind, "xacttype_desc": described}
    body |= {"xact_time": wire.istanbul(row.at_s).strftime("%H:%M:%S")}
    body |= {"xact_agent_reference": row.reference_no}
    body |= {"agent_reference": row.reference_no, "xact_note": "", "pos_type": 5}
    body |= {"reversed": row.reversed, "reversed_xact_id": row.reversed_xact_id}
    body |= {"is_onchargeback": row.on_chargeback, "is_reconcile": False}
    body |= {"is_payup": False, "is_transferred": False, "channel_id": 1}
    body |= {"merchant_id": "", "terminal_id": "", "is_tds": row.is_tds}
    body |= {"authorization_code": answers.authorization(row)}
    spelling = settings.commission_spelling
    body |= answers.money(settings, row, ("net_amount",), spelling)
    body |= answers.terms(settings, row) | answers.escrow_status(settings, row)
    return body | {"is_succeed": row.succeeded}


def _reversal(settings: Settings, row: Transaction) -> Body:
    """`xact_id` is the reversal's own, `reversed_xact_id` the sale's."""
    entered_s = row.at_s if row.asked_at_s is None else row.asked_at_s
    body = _who(settings, row)
    body |= {"entry_date": wire.list_date(entered_s, settings.list_date_style)}
    body |= {"reversed_xact_id": row.reverses.xact_id if row.reverses else None}
    body |= {"reversed_id": row.reverses.number if row.reverses else None}
    if settings.reversal_amount_listed:
        body["amount"] = wire.lira(row.amount_minor, settings.amount_style)
    if settings.commission_on_refund == "returned":
        body |= answers.commission(settings, row)
    if settings.currency is not None:
        body["currency"] = settings.currency
    return body | {"is_succeed": row.succeeded}


def _who(settings: Settings, row: Transaction) -> Body:
    return {
        "id": row.number,
        "xact_id": row.xact_id,
        "xact_date": wire.list_date(row.at_s, settings.list_date_style),
        "company_code": "",
        "company_name": "",
        "agent_id": "",
        "agent_name": "",
        "user_id": "",
        "bank_id": ratios.bank_of(row.card_masked).bank_id,
        "bank_name": "Simülatör Bankası",
        "card_no": row.card_masked,
        "card_holder": row.card_holder,
    }
