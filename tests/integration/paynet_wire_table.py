"""What goes over the wire between us and PAYNET, byte by byte, written by hand from the
public documentation: each row names its section of the API reference and the grade of
its fact (D documented, C seen in working callers, I inferred, ? open). It knows neither
our client nor the simulator; both are held against it. XML, which PAYNET also speaks,
and fields of features that are not built have no row."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from emanet.errors import PaymentRefused, PaynetUnreachable
from emanet.escrow import Capture
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Unknown
from emanet.ports import Session

KEY = "sck_pcs_aB3/dE6+gH9kL2mN5pQ8rS1tU4vW7xY0zA=="
REFERENCE = "aaaabbbbccccddddeeeeffff22-1-k7m2qa"
AMOUNT_MINOR = 130000
SESSION_ID = "0123456789abcdef0123456789abcdef"
TOKEN_ID = "tokentokentokentokentokentoken_T"
PAYING_CARD = "4355084355084358"
DECLINED_CARD = "4000000000000010"

INITIAL = "/v2/transaction/tds_initial"
CHARGE = "/v2/transaction/tds_charge"
CHECK = "/v1/transaction/check"
DETAIL = "/v1/transaction/detail"

ASKED_AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CAPTURE = Capture(
    "xk_aB3+dE6/gH9*",
    AMOUNT_MINOR,
    datetime(2026, 11, 23, 8, 15, 30, tzinfo=UTC),
    "435508******4358",
)
APPROVED = Approved(CAPTURE)


@dataclass(frozen=True)
class Exchange:
    """One request, one answer. `ours`: our client sends exactly this request; else it
    only has to understand the answer. `means` is what the client must make of it.
    The rest brings the simulator to the point where it gives this answer."""

    fact: str
    section: str
    grade: str
    request: bytes
    response: bytes
    means: object
    ours: bool = True
    given: str = "nothing"
    switches: dict[str, Any] = field(default_factory=dict)
    fault: dict[str, Any] | None = None

    @property
    def path(self) -> str:
        return self.request.split(b" ", 2)[1].decode()

    def __str__(self) -> str:
        return f"{self.section} [{self.grade}] {self.fact}"


def post(path: str, body: str, *, authorization: str = f"Basic {KEY}") -> bytes:
    return _request("POST", path, body, "application/json; charset=UTF-8", authorization)


def _request(
    method: str, path: str, body: str, content_type: str, authorization: str
) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\n"
        "Host: pts-api.paynet.com.tr\n"
        f"Authorization: {authorization}\n"
        f"Content-Type: {content_type}\n"
        "Accept: application/json; charset=UTF-8\n"
    )
    return _message(head, body)


def answer(body: str, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\nContent-Type: application/json; charset=utf-8\n"
    return _message(head, body)


def _message(head: str, body: str) -> bytes:
    content = body.encode()
    head = f"{head}Content-Length: {len(content)}\n\n"
    return head.replace("\n", "\r\n").encode() + content


# ── what we say ──────────────────────────────────────────────────────────────

ASK_SESSION = post(
    INITIAL,
    '{"amount":"1300,00","reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa",'
    '"return_url":"https://api.emanet.example/api/3d/return/aaaa/1/state",'
    '"domain":"www.emanet.example","card_holder":"Ayşe Yılmaz",'
    '"pan":"4355084355084358","month":12,"year":2030,"cvc":"000"}',
)
ASK_CHARGE = post(
    CHARGE,
    '{"session_id":"0123456789abcdef0123456789abcdef",'
    '"token_id":"tokentokentokentokentokentoken_T"}',
)
ASK_CHECK = post(CHECK, '{"reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa"}')
ASK_DETAIL = post(DETAIL, '{"reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa"}')


# ── what PAYNET says ─────────────────────────────────────────────────────────

SESSION = """{"object_name":null,"code":0,"message":"Başarılı İşlem",
"token_id":"tokentokentokentokentokentoken_T",
"session_id":"0123456789abcdef0123456789abcdef",
"post_url":"https://pts-api.paynet.com.tr/v2/tds?id=0123",
"html_content":"<form method=post action='https://pts-api.paynet.com.tr/v2/tds'>"}"""
OPENED = Session(
    SESSION_ID,
    "https://pts-api.paynet.com.tr/v2/tds?id=0123",
    "<form method=post action='https://pts-api.paynet.com.tr/v2/tds'>",
)

# Every field of the documentation and of working callers; the simulator sends some.
CHARGED = """{"object_name":null,"code":0,"message":"Başarılı İşlem",
"id":700001,"xact_id":"xk_aB3+dE6/gH9*","xact_date":"2026-11-23T11:15:30",
"transaction_type":1,"pos_type":5,"is_tds":true,"md_status":"1","agent_id":"",
"user_id":"","email":"","phone":"","instalment":0,"plus_installment":0,"ratio":0.02,
"ratio_code":"","ratio_code_method":"","end_user_ratio":0,"end_user_comission":0,
"card_no_masked":"435508******4358","card_holder":"Ayşe Yılmaz","card_type":"cc",
"card_brand_name":"Bonus","card_bank_id":"BONS","card_logo_url":"","amount":1300.00,
"net_amount":1261.00,"comission":32.50,"comission_tax":6.50,"company_cost_ratio":0,
"company_commission":0,"company_commission_with_tax":0,"company_net_amount":0,
"currency":"TRY","bank_id":"ZDGR","bank_name":"Bir Banka",
"bank_authorization_code":"700001","bank_reference_code":"R1","bank_order_id":"O1",
"reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa",
"xact_transaction_id":"00000000-0000-4000-8000-000000700001","is_succeed":true,
"paynet_error_id":"","paynet_error_message":"","bank_error_id":"",
"bank_error_message":"","bank_error_short_desc":"","bank_error_long_desc":"",
"campaign_url":"","is_save_card_succeed":false,"save_card_result_message":"",
"card_owner_id":"","user_unique_id":"","card_hash":""}"""

DECLINED = """{"object_name":null,"code":0,"message":"İşlem onaylanmadı",
"id":700001,"xact_id":"xk_aB3+dE6/gH9*","xact_date":"2026-11-23T11:15:30",
"transaction_type":1,"pos_type":5,"is_tds":true,"md_status":"1","agent_id":"",
"instalment":0,"plus_installment":0,"card_no_masked":"400000******0010",
"card_holder":"Ayşe Yılmaz","amount":1300.00,"net_amount":1261.00,"comission":32.50,
"comission_tax":6.50,"currency":"TRY","bank_id":"ZDGR","bank_name":"Bir Banka",
"bank_authorization_code":"","bank_reference_code":"R1","bank_order_id":"O1",
"reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa",
"xact_transaction_id":"00000000-0000-4000-8000-000000700001","is_succeed":false,
"paynet_error_id":"PYN05","paynet_error_message":"İşlem onaylanmadı",
"bank_error_id":"05","bank_error_message":"İşlem onaylanmadı",
"bank_error_short_desc":"Do not honour","bank_error_long_desc":"Do not honour"}"""

_ROW = """"xact_id":"xk_aB3+dE6/gH9*","id":700001,"xact_date":"2026-11-23T11:15:30",
"transaction_type":1,"pos_type":5,"is_tds":true,"agent_id":"","note":"","ratio":0,
"ratio_code":"","agent_reference":"aaaabbbbccccddddeeeeffff22-1-k7m2qa",
"bank_id":"ZDGR","instalment":0,"card_type":"cc","card_no":"435508******4358",
"card_holder":"Ayşe Yılmaz","amount":1300.00,"netAmount":1261.00,"comission":32.50,
"comission_tax":6.50,"end_user_comission":0,"currency":"TRY",
"authorization_code":"700001","reference_code":"R1","order_id":"O1","is_succeed":true,
"xact_transaction_id":"00000000-0000-4000-8000-000000700001","email":"","phone":"",
"object_name":null,"message":"","paynet_error_id":"","paynet_error_message":"",
"bank_error_id":"","bank_error_message":"","bank_error_short_desc":"",
"bank_error_long_desc":"" """

_DETAIL_ONLY = """"xact_type_desc":"Satış","channel_id":1,"pos_type_desc":"PAYNET POS",
"agent_name":"","company_name":"","company_code":"","user_name":"",
"ratio_code_method":"","end_user_ratio":0,"bank_name":"Bir Banka","instalment_text":"",
"company_amount":0,"company_commission":0,"company_commission_with_tax":0,
"company_net_amount":0,"company_cost_ratio":0,"company_pay_ratio":0,"agent_amount":0,
"agent_commission":0,"agent_commission_with_tax":0,"agent_net_amount":0,
"payment_string":"","ipaddress":"","client_id":"" """
_ENVELOPE = '"object_name":null,"code":0,"message":"Başarılı İşlem"'

CHECKED = f'{{{_ENVELOPE},"Data":[{{{_ROW}}}]}}'
DETAILED = (
    f'{{{_ENVELOPE},"Data":[{{{_ROW},{_DETAIL_ONLY},'
    '"reversed":false,"reversed_xact_id":null}]}'
)
REVERSED = (
    f'{{{_ENVELOPE},"Data":[{{{_ROW},{_DETAIL_ONLY},'
    '"reversed":true,"reversed_xact_id":"xk_zY9+xW8/vU7*"}]}'
)


def says(body: str, **changes: str) -> str:
    """The body with the literal `"name":old` replaced by `"name":new` wherever it is;
    a change to the empty text removes the field."""
    for name, new in changes.items():
        start = body.index(f'"{name}":')
        end = min(
            place
            for place in (body.find(",", start), body.find("}", start))
            if place > start
        )
        if '"' in body[start + len(name) + 3 : end]:
            end = body.index('"', body.index('"', start + len(name) + 3) + 1) + 1
        body = body[:start] + (f'"{name}":{new}' if new else "") + body[end:]
    return body.replace(",,", ",")


def problem(status: str, kind: str, result_code: int) -> bytes:
    body = (
        f'{{"type":"{kind}","message":"Hata","code":{status[:3]},'
        f'"result_code":{result_code}}}'
    )
    return answer(body, status)
