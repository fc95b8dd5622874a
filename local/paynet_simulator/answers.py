"""The bodies that PAYNET answers with, in the dialect that the switches choose. It
decides nothing about money."""

from typing import Any

from flask import Response

from local.paynet_simulator import ratios, wire
from local.paynet_simulator.records import CANCEL, SALE, Session, Transaction
from local.paynet_simulator.settings import Settings
from local.paynet_simulator.wire import Body

SUCCEEDED = "Başarılı İşlem"
SUCCEEDED_BEFORE = "Önceki Başarılı İşlem"
NO_PERMISSION = "Emanet (escrow) yetkisi yok"
NOT_OFFERED = "Bu kart için taksit seçeneği yok"


def envelope(settings: Settings, code: int, message: str, **fields: Any) -> Body:
    return {
        "object_name": None,
        "code": wire.code(code, settings.code_style),
        "message": message,
        **fields,
    }


def said(settings: Settings, code: int, message: str, **fields: Any) -> Response:
    return wire.answer(envelope(settings, code, message, **fields))


def not_found(settings: Settings, **fields: Any) -> Response:
    """Of a transaction that PAYNET does not know."""
    if settings.unknown_reference == "not_found":
        raise wire.Refused(404, "no_data_error", wire.NO_DATA, "İşlem bulunamadı")
    return said(settings, wire.NO_DATA, "Kayıt bulunamadı", **fields)


def not_charged(settings: Settings, code: int, message: str) -> Body:
    return envelope(settings, code, message, is_succeed=False)


def charged(
    settings: Settings, code: int, message: str, session: Session, row: Transaction
) -> Body:
    """tds_charge: the v2 names of the bank's fields, `net_amount` with a low line."""
    body = envelope(settings, code, message)
    body |= _identity(row) | wire.date(row.at_s, settings.date_style)
    body |= {"is_tds": row.is_tds, "md_status": "1", "reference_no": row.reference_no}
    body |= {"card_no_masked": row.card_masked, "plus_installment": 0}
    body |= {"card_holder": row.card_holder, "bank_name": "Simülatör Bankası"}
    body |= {"bank_authorization_code": authorization(row)}
    body |= {"bank_reference_code": f"R{row.number}"}
    body |= {"bank_order_id": f"O{row.number}"}
    body |= (
        terms(settings, row) | _ratio(row) | _verdict(row) | _saved(settings, session)
    )
    return body | money(settings, row, ("net_amount",), "comission")


def form_charged(
    settings: Settings, code: int, message: str, session: Session, row: Transaction
) -> Body:
    """transaction/charge: the v1 names."""
    form = session.form
    body = envelope(settings, code, message) | wire.date(row.at_s, settings.date_style)
    body |= {"xact_id": row.xact_id, "transaction_type": row.transaction_type}
    body |= {"pos_type": 5, "is_tds": row.is_tds, "agent_id": "", "bank_id": _bank(row)}
    body |= {"user_id": "PaynetJ", "email": "", "phone": "", "ratio": 0}
    body |= {"card_no_masked": row.card_masked, "card_holder": row.card_holder}
    body |= {"authorization_code": authorization(row)}
    body |= {"reference_code": f"R{row.number}", "order_id": f"O{row.number}"}
    body |= {"ratio_code": form.ratio_code if form else "", "end_user_comission": 0}
    if settings.charge_reference != "absent":
        body[settings.charge_reference] = row.reference_no
    body |= terms(settings, row) | _ratio(row) | _verdict(row)
    return body | money(settings, row, ("net_amount",), "comission")


def rows(settings: Settings, found: list[Transaction], *, detail: bool) -> Body:
    written = _detailed if detail else _row
    data = [written(settings, row) for row in found]
    return envelope(settings, wire.SUCCESS, SUCCEEDED, Data=data)


def notification(settings: Settings, row: Transaction) -> Body:
    """The documented body of `confirmation_url`, misspelling and all."""
    body: Body = {"referance_no": row.reference_no, "agent_id": ""}
    body |= wire.date(row.at_s, settings.date_style) | {"bank_id": _bank(row)}
    body |= {"card_holder": row.card_holder, "card_number": row.card_masked}
    body |= {"authorization_code": authorization(row), "order_id": f"O{row.number}"}
    body |= terms(settings, row) | money(settings, row, ("netAmount",), "comission")
    return body | {"is_succeed": row.succeeded}


def _row(settings: Settings, row: Transaction) -> Body:
    body = _identity(row) | wire.date(row.at_s, settings.date_style)
    body |= {"is_tds": row.is_tds, "note": "", "ratio": 0, "card_type": "cc"}
    body |= {"card_no": row.card_masked, "card_holder": row.card_holder}
    body |= {"authorization_code": authorization(row)}
    body |= {"reference_code": f"R{row.number}", "order_id": f"O{row.number}"}
    both = settings.reference_field == "both"
    names = ("agent_reference", "reference_no") if both else (settings.reference_field,)
    body |= dict.fromkeys(names, row.reference_no)
    net = settings.net_amount_field
    net_names = ("netAmount", "net_amount") if net == "both" else (net,)
    body |= money(settings, row, net_names, settings.commission_spelling)
    body |= terms(settings, row) | _ratio(row) | _verdict(row)
    return body | {"object_name": None, "message": SUCCEEDED if row.succeeded else ""}


def _detailed(settings: Settings, row: Transaction) -> Body:
    described = {SALE: "Satış", CANCEL: "İptal"}
    return {
        **_row(settings, row),
        "xact_type_desc": described.get(row.transaction_type, "İade"),
        "pos_type_desc": "PAYNET POS",
        "reversed": row.reversed,
        "reversed_xact_id": row.reversed_xact_id,
        **escrow_status(settings, row),
    }


def escrow_status(settings: Settings, row: Transaction) -> Body:
    if row.escrow is None or not settings.escrow_state_listed:
        return {}
    return {"escrow_status": int(row.escrow)}


def _identity(row: Transaction) -> Body:
    return {
        "id": row.number,
        "xact_id": row.xact_id,
        "xact_transaction_id": f"00000000-0000-4000-8000-{row.number:012d}",
        "transaction_type": row.transaction_type,
        "pos_type": 5,
        "agent_id": "",
        "bank_id": _bank(row),
    }


def money(
    settings: Settings, row: Transaction, net_names: tuple[str, ...], commission: str
) -> Body:
    amounts = {"amount": row.amount_minor, commission: row.fee_minor}
    amounts |= {f"{commission}_tax": row.tax_minor}
    amounts |= dict.fromkeys(net_names, row.net_minor)
    return {
        name: wire.lira(minor, settings.amount_style) for name, minor in amounts.items()
    }


def commission(settings: Settings, row: Transaction) -> Body:
    """PAYNET's fee and its tax, under the spelling that the switch chooses."""
    name = settings.commission_spelling
    amounts = {name: row.fee_minor, f"{name}_tax": row.tax_minor}
    return {
        word: wire.lira(minor, settings.amount_style) for word, minor in amounts.items()
    }


def terms(settings: Settings, row: Transaction) -> Body:
    shown = {
        "currency": settings.currency,
        "instalment": _instalment(settings, row.instalment or ratios.SINGLE),
    }
    return {name: term for name, term in shown.items() if term is not None}


def _instalment(settings: Settings, asked: int) -> int | None:
    if asked == ratios.SINGLE:
        return settings.instalment
    shown = {"asked": asked, "single": ratios.SINGLE, "absent": None}
    return shown[settings.instalment_shown]


def _ratio(row: Transaction) -> Body:
    return {} if row.ratio is None else {"ratio": ratios.as_fraction(row.ratio)}


def _saved(settings: Settings, session: Session) -> Body:
    """What became of the wish to store the card."""
    if session.payment.saving is None or settings.save_card_result == "absent":
        return {}
    saved = session.saved
    return {
        "is_save_card_succeed": saved is not None,
        "save_card_result_message": SUCCEEDED if saved else "Kart saklanamadı",
        "card_owner_id": saved.card_owner_id if saved else "",
        "user_unique_id": saved.user_unique_id if saved else "",
        "card_hash": saved.card_hash if saved else "",
    }


def _bank(row: Transaction) -> str:
    return ratios.bank_of(row.card_masked).bank_id


def _verdict(row: Transaction) -> Body:
    refused = row.decline
    return {
        "is_succeed": row.succeeded,
        "paynet_error_id": f"PYN{refused.bank_code}" if refused else "",
        "paynet_error_message": refused.turkish if refused else "",
        "bank_error_id": refused.bank_code if refused else "",
        "bank_error_message": refused.turkish if refused else "",
        "bank_error_short_desc": refused.english if refused else "",
        "bank_error_long_desc": refused.english if refused else "",
    }


def authorization(row: Transaction) -> str:
    return f"{row.number:06d}" if row.succeeded else ""
