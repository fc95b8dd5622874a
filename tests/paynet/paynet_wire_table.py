"""What goes over the wire between us and PAYNET, byte by byte, written by hand from the
public documentation: each row names its section of the API reference and the grade of
its fact (D documented, C seen in working callers, I inferred, ? open). It knows neither
our client nor the simulator; both are held against it. XML, which PAYNET also speaks,
and what nobody here uses have no row: pre-authorisation, PayLink, cards that are stored
without a payment, and what PAYNET's script says to PAYNET in the payer's browser."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from emanet.cards import StoredCard
from emanet.errors import CardNotFound, PaymentRefused, PaynetUnreachable
from emanet.escrow import Capture
from emanet.instalments import CardBank, Ratio
from emanet.outcome import (
    Accepted,
    Approved,
    Declined,
    Denied,
    Doubtful,
    NotFound,
    Reversal,
    Sale,
    Unknown,
)
from emanet.ports import Session

KEY = "sck_pcs_aB3/dE6+gH9kL2mN5pQ8rS1tU4vW7xY0zA=="
PUBLISHABLE_KEY = "pbk_aB3dE6gH9kL2"
REFERENCE = "aaaabbbbccccddddeeeeffff22-1-k7m2qa"
AMOUNT_MINOR = 130000
SESSION_ID = "0123456789abcdef0123456789abcdef"
TOKEN_ID = "tokentokentokentokentokentoken_T"
PAYING_CARD = "4355084355084358"
DECLINED_CARD = "4000000000000010"
BIN = "435508"
UNKNOWN_BIN = "999999"
OWNER = "co_aB3/dE6+gH9="
HASH = "ch_kL2+mN5/pQ8="

INITIAL = "/v2/transaction/tds_initial"
CHARGE = "/v2/transaction/tds_charge"
FORM_CHARGE = "/v1/transaction/charge"
CHECK = "/v1/transaction/check"
DETAIL = "/v1/transaction/detail"
REFUND = "/v1/transaction/reversed_request"
ESCROW = "/v1/transaction/escrow_status_update"
LIST = "/v1/transaction/list"
REVERSALS = "/v1/transaction/reversal_list"
RATIO = "/v1/ratio/Get"
CARD_LIST = "/v1/card/list"
CARD_DELETE = "/v1/card/delete"

# Our calls, where several go to one path.
IN_THREE = "a session in three instalments"
CHARGE_IN_THREE = "the charge of such a session"
WITH_STORED = "a session with a stored card"
STORING = "a session whose card shall be stored"
STORING_AGAIN = "the same for an owner whom PAYNET knows"
NOT_ON_TOP = "prices without the commission on top"

FIRST_DAY = "2026-11-22"
LAST_DAY = "2026-11-24"
DEALER = "1000001"
CALLBACK_URL = "https://api.emanet.example/api/webhooks/paynet-callback/a/b/c"

ASKED_AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CAPTURE = Capture(
    "xk_aB3+dE6/gH9*",
    AMOUNT_MINOR,
    datetime(2026, 11, 23, 8, 15, 30, tzinfo=UTC),
    "435508******4358",
)
APPROVED = Approved(CAPTURE)
APPROVED_AND_STORED = Approved(CAPTURE, OWNER)


@dataclass(frozen=True)
class Exchange:
    """One request, one answer. `ours`: our client sends exactly this request; else it
    only has to understand the answer. `means` is what the client must make of it;
    `call` says which of its calls, where a path has several, and `pages` all answers of
    the path, where this is one of several that belong together. The rest brings the
    simulator to where it gives this answer."""

    fact: str
    section: str
    grade: str
    request: bytes
    response: bytes
    means: object
    ours: bool = True
    fed_to: str = ""
    call: str = ""
    pages: tuple[bytes, ...] = ()
    given: str = "nothing"
    switches: dict[str, Any] = field(default_factory=dict)
    fault: dict[str, Any] | None = None

    @property
    def endpoint(self) -> str:
        """Whose answer our client takes it for: mostly that of the path asked."""
        return self.fed_to or self.request.split(b" ", 2)[1].decode()

    @property
    def answers(self) -> list[bytes]:
        """All that the path answers in turn."""
        return list(self.pages) or [self.response]

    @property
    def turn(self) -> int:
        """Which of them this is."""
        return self.answers.index(self.response)

    def __str__(self) -> str:
        return f"{self.section} [{self.grade}] {self.fact}"


def post(path: str, body: str, *, authorization: str = f"Basic {KEY}") -> bytes:
    return _request(
        "POST", path, body, "application/json; charset=UTF-8", authorization
    )


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
ASK_IN_THREE = post(
    INITIAL,
    '{"amount":"1300,00","reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa",'
    '"return_url":"https://api.emanet.example/api/3d/return/aaaa/1/state",'
    '"domain":"www.emanet.example","card_holder":"Ayşe Yılmaz",'
    '"pan":"4355084355084358","month":12,"year":2030,"cvc":"000","instalment":3}',
)
ASK_WITH_STORED = post(
    INITIAL,
    '{"amount":"1300,00","reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa",'
    '"return_url":"https://api.emanet.example/api/3d/return/aaaa/1/state",'
    '"domain":"www.emanet.example","card_hash":"ch_kL2+mN5/pQ8="}',
)
ASK_STORING = post(
    INITIAL,
    '{"amount":"1300,00","reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa",'
    '"return_url":"https://api.emanet.example/api/3d/return/aaaa/1/state",'
    '"domain":"www.emanet.example","card_holder":"Ayşe Yılmaz",'
    '"pan":"4355084355084358","month":12,"year":2030,"cvc":"000","save_card":true,'
    '"card_desc":"Maaş kartı","user_unique_id":"payer7"}',
)
ASK_STORING_AGAIN = post(
    INITIAL,
    '{"amount":"1300,00","reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa",'
    '"return_url":"https://api.emanet.example/api/3d/return/aaaa/1/state",'
    '"domain":"www.emanet.example","card_holder":"Ayşe Yılmaz",'
    '"pan":"4355084355084358","month":12,"year":2030,"cvc":"000","save_card":true,'
    '"card_desc":"Maaş kartı","card_owner_id":"co_aB3/dE6+gH9="}',
)
ASK_FORM_CHARGE = post(
    FORM_CHARGE,
    '{"session_id":"0123456789abcdef0123456789abcdef",'
    '"token_id":"tokentokentokentokentokentoken_T","amount":"130000",'
    '"transaction_type":1,"add_comission_amount":false,"ratio_code":"",'
    '"reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa"}',
)
ASK_PRICES = post(
    RATIO,
    '{"pos_type":5,"amount":"130000","bin":"435508","addcomission_to_amount":true}',
)
ASK_PLAIN_PRICES = post(
    RATIO,
    '{"pos_type":5,"amount":"130000","bin":"435508","addcomission_to_amount":false}',
)
ASK_CARDS = post(CARD_LIST, '{"card_owner_id":"co_aB3/dE6+gH9=","limit":10}')
ASK_MORE_CARDS = post(
    CARD_LIST, '{"card_owner_id":"co_aB3/dE6+gH9=","limit":10,"starting_after":10}'
)
ASK_DELETION = post(
    CARD_DELETE, '{"card_owner_id":"co_aB3/dE6+gH9=","card_hash":"ch_kL2+mN5/pQ8="}'
)
ASK_CHECK = post(CHECK, '{"reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa"}')
ASK_DETAIL = post(DETAIL, '{"reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa"}')
ASK_REFUND = post(
    REFUND,
    '{"xact_id":"xk_aB3+dE6/gH9*","amount":"130000",'
    '"succeedUrl":"https://api.emanet.example/api/webhooks/paynet-callback/a/b/c"}',
)
ASK_APPROVAL = post(
    ESCROW, '{"xact_id":"xk_aB3+dE6/gH9*","status":2,"agent_id":"1000001"}'
)
ASK_LIST = post(
    LIST,
    '{"datab":"2026-11-22","datbi":"2026-11-24","show_unsucceed":false,"limit":10}',
)
ASK_REVERSALS = post(
    REVERSALS, '{"datab":"2026-11-22","datbi":"2026-11-24","limit":10}'
)


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

CHARGED_IN_FORM = """{"object_name":null,"code":0,"message":"Başarılı İşlem",
"xact_id":"xk_aB3+dE6/gH9*","xact_date":"2026-11-23T11:15:30","transaction_type":1,
"pos_type":5,"is_tds":true,"agent_id":"","user_id":"PaynetJ","email":"","phone":"",
"bank_id":"AXSS","instalment":0,"ratio":0.02,"card_no_masked":"435508******4358",
"card_holder":"Ayşe Yılmaz","amount":1300.00,"net_amount":1261.00,"comission":32.50,
"comission_tax":6.50,"currency":"TRY","authorization_code":"700001",
"reference_code":"R1","order_id":"O1","is_succeed":true,"paynet_error_id":"",
"paynet_error_message":"","bank_error_id":"","bank_error_message":"",
"bank_error_short_desc":"","bank_error_long_desc":"",
"agent_reference_no":"aaaabbbbccccddddeeeeffff22-1-k7m2qa","ratio_code":"",
"end_user_comission":0}"""

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

_WHO = """"card_no":"435508******4358","card_holder":"Ayşe Yılmaz","company_code":"",
"company_name":"","agent_id":"","agent_name":"","user_id":"","bank_id":"ZDGR",
"bank_name":"Bir Banka" """

_SOLD = f""""id":700001,"xact_id":"xk_aB3+dE6/gH9*","xact_date":"23.11.2026",
"xact_time":"11:15:30",{_WHO},"xact_type":"S","xacttype_desc":"Satış","pos_type":5,
"is_tds":true,"xact_agent_reference":"aaaabbbbccccddddeeeeffff22-1-k7m2qa",
"agent_reference":"aaaabbbbccccddddeeeeffff22-1-k7m2qa","xact_note":"","instalment":0,
"amount":1300.00,"net_amount":1261.00,"comission":32.50,"comission_tax":6.50,
"currency":"TRY","authorization_code":"700001","reference_code":"R1","order_id":"O1",
"is_succeed":true,"reversed":false,"reversed_xact_id":null,"is_reconcile":false,
"is_payup":false,"is_onchargeback":false,"is_transferred":false,"merchant_id":"",
"terminal_id":"","channel_id":1,"ana_firma_brut_alacak":0,"bayi_brut_alacak":0 """

_BACK = f""""id":700002,"xact_id":"xk_zY9+xW8/vU7*","xact_date":"23.11.2026 11:15:30",
"entry_date":"23.11.2026 11:15:30",{_WHO},"reversed_xact_id":"xk_aB3+dE6/gH9*",
"reversed_id":700001,"amount":1300.00,"currency":"TRY","is_succeed":true """


def listing(name: str, rows: str, count: int) -> str:
    return (
        f'{{"object_name":"{name}","code":0,"message":"Başarılı İşlem",'
        f'"companyCode":"","companyName":"","total":{count},"total_count":{count},'
        f'"total_amount":{1300 * count}.00,"limit":10,"ending_before":0,'
        f'"starting_after":0,"has_more":false,"Data":[{rows}]}}'
    )


LISTED = listing("transaction_list", f"{{{_SOLD}}}", 1)
GONE_BACK = listing("transaction_reversal_list", f"{{{_BACK}}}", 1)
SOLD = Sale(REFERENCE, CAPTURE)
BACK = Reversal(
    "xk_zY9+xW8/vU7*",
    "xk_aB3+dE6/gH9*",
    "700001",
    AMOUNT_MINOR,
    CAPTURE.at,
    is_succeed=True,
)


def price(count: int, ratio: str, total: str, net: str, fee: str) -> str:
    """A row of ratio[]; nobody here reads instalment_amount, which is 1.00."""
    return (
        f'{{"instalment_key":"ji_{count}","instalment":{count},"ratio":{ratio},'
        f'"instalment_amount":1.00,"total_net_amount":{net},"total_amount":{total},'
        f'"commision":{fee},"commision_tax":0.00,"desc":"Taksit","ratio_code":""}}'
    )


def priced(rows: str, bank: str = '"bank_id":"AXSS","bank_name":"Akbank"') -> str:
    return (
        '{"object_name":"ratio_get","code":0,"message":"Başarılı İşlem",'
        f'"tds_required":false,"data":[{{{bank},"bank_logo":"","card_type":"cc",'
        f'"tds_required":false,"ratio":[{rows}]}}]}}'
    )


PRICED = priced(
    ",".join(
        (
            price(1, "0.0190", "1325.18", "1300.00", "25.18"),
            price(2, "0.0325", "1343.67", "1300.00", "43.67"),
            price(3, "0.0475", "1364.83", "1300.00", "64.83"),
            price(6, "0.0880", "1425.44", "1300.00", "125.44"),
            price(9, "0.1290", "1492.54", "1300.00", "192.54"),
            price(12, "0.1680", "1562.50", "1300.00", "262.50"),
        )
    )
)
PLAINLY_PRICED = priced(
    ",".join(
        (
            price(1, "0.0190", "1300.00", "1275.30", "24.70"),
            price(2, "0.0325", "1300.00", "1257.75", "42.25"),
            price(3, "0.0475", "1300.00", "1238.25", "61.75"),
            price(6, "0.0880", "1300.00", "1185.60", "114.40"),
            price(9, "0.1290", "1300.00", "1132.30", "167.70"),
            price(12, "0.1680", "1300.00", "1081.60", "218.40"),
        )
    )
)
PRICED_AT_ONCE = priced(
    price(1, "0.0190", "1325.18", "1300.00", "25.18"),
    '"bank_id":"ZDGR","bank_name":"Diğer Banka"',
)
PRICES = CardBank(
    "Akbank",
    "Axess",
    "credit",
    needs_3d=False,
    ratios=(
        Ratio(1, "0.0190", 132518),
        Ratio(2, "0.0325", 134367),
        Ratio(3, "0.0475", 136483),
        Ratio(6, "0.0880", 142544),
        Ratio(9, "0.1290", 149254),
        Ratio(12, "0.1680", 156250),
    ),
)
PLAIN_PRICES = replace(
    PRICES,
    ratios=tuple(replace(one, total_minor=AMOUNT_MINOR) for one in PRICES.ratios),
)
ONE_PRICE = CardBank(
    "Diğer Banka", None, "credit", needs_3d=False, ratios=PRICES.ratios[:1]
)


def card(card_hash: str) -> str:
    return (
        f'{{"card_owner_id":"{OWNER}","user_unique_id":"payer7",'
        f'"card_desc":"Maaş kartı","card_hash":"{card_hash}",'
        '"card_no":"435508******4358","card_bin":"435508","card_type":"cc",'
        '"card_bank_name":"Akbank","card_logo_url":"","card_brand_name":"Visa",'
        '"company_code":"","agent_id":"","card_holder":"A*** Y*****",'
        '"card_bank_id":"AXSS","expire_month":"12","expire_year":"2030"}'
    )


def cards(*hashes: str, count: int, seen: int = 0, has_more: str = "false") -> str:
    return (
        '{"object_name":"card_list","code":0,"message":"Başarılı İşlem",'
        f'"total":{len(hashes)},"total_count":{count},"limit":10,"ending_before":0,'
        f'"starting_after":{seen},"has_more":{has_more},'
        f'"Data":[{",".join(map(card, hashes))}]}}'
    )


STORED = StoredCard(HASH, BIN, "4358", 12, 2030, "Visa", "Akbank", "Maaş kartı")
TWELVE = tuple(f"ch_{n}" for n in range(12))
FIRST_CARDS = answer(cards(*TWELVE[:10], count=12, has_more="true"))
LAST_CARDS = answer(cards(*TWELVE[10:], count=12, seen=10))
ALL_CARDS = tuple(replace(STORED, card_hash=name) for name in TWELVE)


def says(body: str, *changes: tuple[str, str]) -> str:
    """The body with these literal pieces exchanged, each of which must be there."""
    for old, new in changes:
        if old not in body:
            raise AssertionError(old)
        body = body.replace(old, new)
    return body


SAVED = says(
    CHARGED,
    ('"is_save_card_succeed":false', '"is_save_card_succeed":true'),
    ('"card_owner_id":""', '"card_owner_id":"co_aB3/dE6+gH9="'),
    ('"user_unique_id":""', '"user_unique_id":"payer7"'),
    ('"card_hash":""', '"card_hash":"ch_kL2+mN5/pQ8="'),
)


def problem(status: str, kind: str, result_code: int) -> bytes:
    body = (
        f'{{"type":"{kind}","message":"Hata","code":{status[:3]},'
        f'"result_code":{result_code}}}'
    )
    return answer(body, status)


FORBIDDEN_KEY = problem("401 Unauthorized", "authorization_error", 7)
BAD_REQUEST = problem("400 Bad Request", "invalid_request_error", 11)
UNREACHABLE_401 = PaynetUnreachable("http_401")
REFUSED_11 = PaymentRefused("11")
REFUSAL = Declined("PYN05 İşlem onaylanmadı")
SECOND = Capture("xk_2", AMOUNT_MINOR, CAPTURE.at, CAPTURE.card)


def asked(body: str, code: int, message: str = "Hata") -> bytes:
    """An answer with nothing but the envelope around `body`."""
    return answer(f'{{"object_name":null,"code":{code},"message":"{message}"{body}}}')


def asked_back(code: int, message: str = "Hata") -> bytes:
    """reversed_request's answer is an envelope with a name of its own."""
    said = f'"object_name":"transaction_reversed_request","code":{code}'
    return answer(f'{{{said},"message":"{message}"}}')


def _body(message: bytes) -> str:
    return message.partition(b"\r\n\r\n")[2].decode()


def _initial(*changes: tuple[str, str]) -> bytes:
    return post(INITIAL, says(_body(ASK_SESSION), *changes))


# ── the door and the envelope ────────────────────────────────────────────────

DOOR = [
    Exchange(
        "the key goes raw after the word Basic; JSON in UTF-8 both ways",
        "1.2",
        "D",
        ASK_CHECK,
        answer(CHECKED),
        APPROVED,
        given="charged",
    ),
    Exchange(
        "a wrong key is HTTP 401 with an error object and return code 7",
        "1.4",
        "D",
        post(INITIAL, "{}", authorization="Basic sck_pcs_wrong"),
        FORBIDDEN_KEY,
        UNREACHABLE_401,
        ours=False,
    ),
    Exchange(
        "a key in base64 is a wrong key",
        "1.2",
        "I",
        post(
            INITIAL,
            "{}",
            authorization="Basic "
            "c2NrX3Bjc19hQjMvZEU2K2dIOWtMMm1ONXBROHJTMXRVNHZXN3hZMHpBPT06",
        ),
        FORBIDDEN_KEY,
        UNREACHABLE_401,
        ours=False,
    ),
    Exchange(
        "a key is no bearer token",
        "13.1",
        "D",
        post(INITIAL, "{}", authorization=f"Bearer {KEY}"),
        FORBIDDEN_KEY,
        UNREACHABLE_401,
        ours=False,
    ),
    Exchange(
        "HTTP 403: the key may not do this",
        "1.4",
        "D",
        ASK_CHARGE,
        problem("403 Forbidden", "api_error", 8),
        Unknown("http_403", unreachable=True),
        fault={"kind": "status", "status": 403},
    ),
    Exchange(
        "every operation is a POST, a read as well: GET is HTTP 405",
        "1.1",
        "D",
        _request("GET", CHECK, "", "application/json", f"Basic {KEY}"),
        problem("405 Method Not Allowed", "invalid_request_error", 11),
        Unknown("http_405"),
        ours=False,
    ),
    Exchange(
        "an unknown path is HTTP 404 and no unknown transaction",
        "1.6",
        "D",
        post("/v2/transaction/check", '{"reference_no":"x"}'),
        problem("404 Not Found", "404 Not Found", 11),
        Unknown("http_404"),
        ours=False,
        fed_to=CHECK,
    ),
    Exchange(
        "a malformed body is HTTP 400, invalid_request_error",
        "1.4",
        "D",
        post(INITIAL, '{"amount":'),
        BAD_REQUEST,
        REFUSED_11,
        ours=False,
    ),
    Exchange(
        "an error of PAYNET's own is HTTP 5xx, api_error",
        "1.6",
        "D",
        ASK_CHARGE,
        problem("500 Internal Server Error", "api_error", 8),
        Unknown("http_500", unreachable=True),
        fault={"kind": "status", "times": None},
    ),
    Exchange(
        "a request may be form-encoded",
        "1.3",
        "D",
        _request(
            "POST",
            CHECK,
            f"reference_no={REFERENCE}",
            "application/x-www-form-urlencoded",
            f"Basic {KEY}",
        ),
        answer(CHECKED),
        APPROVED,
        ours=False,
        given="charged",
    ),
    Exchange(
        "the tables of the documentation have `code` as a string",
        "1.4",
        "D",
        ASK_CHARGE,
        answer(says(CHARGED, ('"code":0', '"code":"0"'))),
        APPROVED,
        given="passed",
        switches={"code_style": "string"},
    ),
]

# ── tds_initial ──────────────────────────────────────────────────────────────

TDS_INITIAL = [
    Exchange(
        "amount is a string in lira with a comma and no thousands; nine fields suffice;"
        " session_id, token_id, post_url and html_content come back, no transaction id",
        "2.2",
        "D",
        ASK_SESSION,
        answer(SESSION),
        OPENED,
    ),
    Exchange(
        "code 100 opens a session as well",
        "2.2",
        "C",
        ASK_SESSION,
        answer(says(SESSION, ('"code":0', '"code":100'))),
        OPENED,
        fault={"kind": "rewrite", "fields": {"code": 100}},
    ),
    Exchange(
        "optional: dealer's reference, phone, mail, description, instalment, dealer",
        "2.2",
        "D",
        _initial(
            (
                '"domain"',
                '"agent_reference_no":"A1","card_holder_phone":"5321234567",'
                '"card_holder_mail":"a@b.example","description":"Sipariş 1",'
                '"instalment":0,"agent_id":"1000001","domain"',
            )
        ),
        answer(SESSION),
        OPENED,
        ours=False,
    ),
    Exchange(
        "a sale over PAYNET's own terminal may be said: transaction_type 1, pos_type 5",
        "2.2",
        "C",
        _initial(('"domain"', '"transaction_type":1,"pos_type":5,"domain"')),
        answer(SESSION),
        OPENED,
        ours=False,
    ),
    Exchange(
        "amount as a JSON number seems to be tolerated",
        "1.9",
        "C",
        _initial(('"amount":"1300,00"', '"amount":1300.00')),
        answer(SESSION),
        OPENED,
        ours=False,
        switches={"numeric_amounts_accepted": True},
    ),
    Exchange(
        "amount has no thousands separator",
        "1.9",
        "D",
        _initial(('"1300,00"', '"1.300,00"')),
        BAD_REQUEST,
        REFUSED_11,
        ours=False,
    ),
    Exchange(
        "year has four digits",
        "2.2",
        "D",
        _initial(('"year":2030', '"year":30')),
        BAD_REQUEST,
        REFUSED_11,
        ours=False,
    ),
    Exchange(
        "domain is a host and no address",
        "2.2",
        "D",
        _initial(("www.emanet.example", "https://www.emanet.example/")),
        BAD_REQUEST,
        REFUSED_11,
        ours=False,
    ),
    Exchange(
        "a card that no bank issued: HTTP 200 with code 18",
        "2.2",
        "I",
        _initial((PAYING_CARD, "4355084355084350")),
        asked("", 18),
        PaymentRefused("18"),
        ours=False,
    ),
    Exchange(
        "a reference used before: HTTP 200 with code 5",
        "2.2",
        "?",
        ASK_SESSION,
        asked("", 5),
        PaymentRefused("5"),
        given="session",
        switches={"used_reference_refused": True},
    ),
    Exchange(
        "instalment says how many; the amount is all that the card is charged",
        "2.2",
        "D",
        ASK_IN_THREE,
        answer(SESSION),
        OPENED,
        call=IN_THREE,
    ),
    Exchange(
        "card_hash stands for the whole card, without a security code",
        "2.2",
        "D",
        ASK_WITH_STORED,
        answer(SESSION),
        OPENED,
        call=WITH_STORED,
        given="stored",
    ),
    Exchange(
        "a stored card that is gone: HTTP 200 with code 25",
        "1.5",
        "C",
        ASK_WITH_STORED,
        asked("", 25),
        CardNotFound(),
        call=WITH_STORED,
    ),
    Exchange(
        "save_card stores the card if it pays: the first time for our id of the payer",
        "2.2",
        "C",
        ASK_STORING,
        answer(SESSION),
        OPENED,
        call=STORING,
    ),
    Exchange(
        "save_card for an owner whom PAYNET knows by its own id",
        "2.2",
        "C",
        ASK_STORING_AGAIN,
        answer(SESSION),
        OPENED,
        call=STORING_AGAIN,
        given="stored",
    ),
    *(
        Exchange(
            f"save_card needs {needed}",
            "2.2",
            "C",
            post(INITIAL, says(_body(ASK_STORING), (said, ""))),
            BAD_REQUEST,
            REFUSED_11,
            ours=False,
        )
        for needed, said in (
            ("card_desc", ',"card_desc":"Maaş kartı"'),
            ("an owner, by either id", ',"user_unique_id":"payer7"'),
        )
    ),
    *(
        Exchange(
            f"{name} is required",
            "2.2",
            "D",
            _initial((f'"{name}":', f'"not_{name}":')),
            BAD_REQUEST,
            REFUSED_11,
            ours=False,
        )
        for name in (
            "amount",
            "reference_no",
            "return_url",
            "domain",
            "card_holder",
            "pan",
            "month",
            "year",
            "cvc",
        )
    ),
]

# number, month, year, CVC as published, with expiries that are over by now
_TEST_CARDS = """
4355084355084358 12 2026 000 | 5571135571135575 12 2026 000
4546711234567890 12 2026 000 | 5401341234567891 12 2026 000
4022774022774026 12 2026 001 | 5456165456165454 12 2026 001
4508034508034509 12 2026 000 | 5406675406675403 12 2026 000
4531444531442283 12 2026 001 | 5818775818772285 12 2026 001
4090700090840050 1 2030 592  | 4506344103118942 12 2025 000
4506347023253988 12 2025 000 | 4506347028991897 12 2025 000
4506347026523718 12 2025 000 | 5400617004770430 12 2025 000
5400617020092306 12 2025 000 | 5400617030400291 12 2025 000
4119790155203496 4 2024 579  | 5188961939192544 6 2025 929
5188960000043719 1 2030 886  | 5188960000043719 1 2030 383
4033602562020320 1 2030 861  | 5423740618115066 5 2028 862
5549600797792010 8 2027 460  | 5549608789641500 4 2027 464
4446760701569538 3 2025 598  | 9792075482365454 12 2030 152
6587619825149656 12 2030 152
"""

TEST_CARDS = [
    Exchange(
        f"the test card that ends in {number[-4:]} opens a session",
        "12",
        "D",
        _initial(
            (f'"pan":"{PAYING_CARD}"', f'"pan":"{number}"'),
            ('"month":12', f'"month":{month}'),
            ('"year":2030', f'"year":{year}'),
            ('"cvc":"000"', f'"cvc":"{cvc}"'),
        ),
        answer(SESSION),
        OPENED,
        ours=False,
    )
    for number, month, year, cvc in (
        card.split()
        for line in _TEST_CARDS.split("\n")
        for card in line.split("|")
        if card
    )
]

# ── tds_charge ───────────────────────────────────────────────────────────────

TDS_CHARGE = [
    Exchange(
        "session_id and token_id take the money: code 0 and is_succeed true",
        "2.4",
        "D",
        ASK_CHARGE,
        answer(CHARGED),
        APPROVED,
        given="passed",
    ),
    Exchange(
        "transaction_type 1 may be said",
        "2.4",
        "C",
        post(
            CHARGE,
            f'{{"session_id":"{SESSION_ID}","token_id":"{TOKEN_ID}",'
            '"transaction_type":1}',
        ),
        answer(CHARGED),
        APPROVED,
        ours=False,
        given="passed",
    ),
    Exchange(
        "the same pair again brings the first success with code 100",
        "2.4",
        "D",
        ASK_CHARGE,
        answer(
            says(
                CHARGED,
                ('"code":0', '"code":100'),
                ("Başarılı İşlem", "Önceki Başarılı İşlem"),
            )
        ),
        APPROVED,
        given="charged",
    ),
    Exchange(
        "the bank's no is HTTP 200 with is_succeed false and error fields",
        "1.4",
        "D",
        ASK_CHARGE,
        answer(DECLINED),
        REFUSAL,
        given="declinable",
    ),
    Exchange(
        "a bank's no may also carry code 1",
        "15",
        "?",
        ASK_CHARGE,
        answer(says(DECLINED, ('"code":0', '"code":1'))),
        REFUSAL,
        given="declinable",
        switches={"declined_code": 1},
    ),
    Exchange(
        "amounts may be strings with a comma",
        "2.4",
        "C",
        ASK_CHARGE,
        answer(
            says(
                CHARGED,
                ('"amount":1300.00', '"amount":"1300,00"'),
                ('"net_amount":1261.00', '"net_amount":"1261,00"'),
                ('"comission":32.50', '"comission":"32,50"'),
                ('"comission_tax":6.50', '"comission_tax":"6,50"'),
            )
        ),
        APPROVED,
        given="passed",
        switches={"amount_style": "comma"},
    ),
    Exchange(
        "amounts may be strings with a dot",
        "2.4",
        "C",
        ASK_CHARGE,
        answer(
            says(
                CHARGED,
                ('"amount":1300.00', '"amount":"1300.00"'),
                ('"net_amount":1261.00', '"net_amount":"1261.00"'),
                ('"comission":32.50', '"comission":"32.50"'),
                ('"comission_tax":6.50', '"comission_tax":"6.50"'),
            )
        ),
        APPROVED,
        given="passed",
        switches={"amount_style": "dot"},
    ),
    Exchange(
        "lira may be called TL",
        "12",
        "?",
        ASK_CHARGE,
        answer(says(CHARGED, ('"TRY"', '"TL"'))),
        APPROVED,
        given="passed",
        switches={"currency": "TL"},
    ),
    Exchange(
        "the currency may be absent",
        "2.2",
        "I",
        ASK_CHARGE,
        answer(says(CHARGED, ('"currency":"TRY",', ""))),
        APPROVED,
        given="passed",
        switches={"currency": None},
    ),
    Exchange(
        "callers send and see 1 for a single payment too",
        "1.8",
        "C",
        ASK_CHARGE,
        answer(says(CHARGED, ('"instalment":0', '"instalment":1'))),
        APPROVED,
        given="passed",
        switches={"instalment": 1},
    ),
    Exchange(
        "the instalment may be absent",
        "1.8",
        "D",
        ASK_CHARGE,
        answer(says(CHARGED, ('"instalment":0,', ""))),
        APPROVED,
        given="passed",
        switches={"instalment": None},
    ),
    Exchange(
        "dates may be printed the Turkish way",
        "5.3",
        "D-old",
        ASK_CHARGE,
        answer(says(CHARGED, ("2026-11-23T11:15:30", "23.11.2026 11:15:30"))),
        APPROVED,
        given="passed",
        switches={"date_style": "turkish"},
    ),
    Exchange(
        "an unknown or expired session is code 13",
        "2.4",
        "I",
        ASK_CHARGE,
        asked(',"is_succeed":false', 13),
        Unknown("code_13"),
    ),
    Exchange(
        "a token of another session is code 15",
        "14",
        "I",
        post(CHARGE, f'{{"session_id":"{SESSION_ID}","token_id":"another"}}'),
        asked(',"is_succeed":false', 15, "Eşleşmiyor"),
        Declined("15 Eşleşmiyor"),
        ours=False,
        given="passed",
    ),
    Exchange(
        "3-D Secure that was not passed is code 16 with is_succeed false",
        "2.4",
        "I",
        ASK_CHARGE,
        asked(',"is_succeed":false', 16, "3D başarısız"),
        Declined("16 3D başarısız"),
        given="session",
    ),
    Exchange(
        "a used session is code 17",
        "2.4",
        "I",
        ASK_CHARGE,
        asked(',"is_succeed":false', 17),
        Unknown("code_17"),
        given="declined",
        switches={"declined_repeat": "used_session"},
    ),
    Exchange(
        "a payment in instalments says how many",
        "2.4",
        "C",
        ASK_CHARGE,
        answer(says(CHARGED, ('"instalment":0', '"instalment":3'))),
        APPROVED,
        call=CHARGE_IN_THREE,
        given="parted",
    ),
    Exchange(
        "instalments that nobody asked for",
        "2.4",
        "C",
        ASK_CHARGE,
        answer(says(CHARGED, ('"instalment":0', '"instalment":3'))),
        Doubtful("instalment_differs", (CAPTURE,)),
        given="parted",
    ),
    Exchange(
        "a card that was stored with its payment: its owner, and a hash that we leave",
        "2.4",
        "C",
        ASK_CHARGE,
        answer(SAVED),
        APPROVED_AND_STORED,
        given="saving",
    ),
    Exchange(
        "the same pair again tells of the stored card once more",
        "2.4",
        "C",
        ASK_CHARGE,
        answer(
            says(
                SAVED,
                ('"code":0', '"code":100'),
                ("Başarılı İşlem", "Önceki Başarılı İşlem"),
            )
        ),
        APPROVED_AND_STORED,
        given="saved",
    ),
    Exchange(
        "a card that could not be stored has paid all the same",
        "2.4",
        "C",
        ASK_CHARGE,
        answer(CHARGED),
        APPROVED,
        given="saving",
        switches={"save_card_result": "refused"},
    ),
]

# ── charge, for PAYNET's own form ────────────────────────────────────────────

FORM = [
    Exchange(
        "a form's money is taken by charge: the amount in kuruş; the reference is told"
        " back as agent_reference_no, the bank's fields have their v1 names",
        "11.2",
        "D",
        ASK_FORM_CHARGE,
        answer(CHARGED_IN_FORM),
        APPROVED,
        given="form",
    ),
    Exchange(
        "the same session again brings the first success with code 100",
        "11.2",
        "D-old",
        ASK_FORM_CHARGE,
        answer(
            says(
                CHARGED_IN_FORM,
                ('"code":0', '"code":100'),
                ("Başarılı İşlem", "Önceki Başarılı İşlem"),
            )
        ),
        APPROVED,
        given="form_charged",
    ),
    *(
        Exchange(
            f"{what} that does not match the form's fails; with code 15 by its name",
            "11.2",
            "?",
            post(FORM_CHARGE, says(_body(ASK_FORM_CHARGE), change)),
            asked(',"is_succeed":false', 15, "Eşleşmiyor"),
            Declined("15 Eşleşmiyor"),
            ours=False,
            given="form",
        )
        for what, change in (
            ("an amount", ('"130000"', '"130001"')),
            ("a commission", ("false", "true")),
            ("a ratio code", ('"ratio_code":""', '"ratio_code":"x"')),
        )
    ),
    Exchange(
        "amount is kuruş and never lira with a comma",
        "11.2",
        "D",
        post(FORM_CHARGE, says(_body(ASK_FORM_CHARGE), ('"130000"', '"1300,00"'))),
        BAD_REQUEST,
        Unknown("http_400"),
        ours=False,
        given="form",
    ),
    Exchange(
        "a page may have left 3-D Secure out; whether it did, check and detail say",
        "11.2",
        "D",
        ASK_FORM_CHARGE,
        answer(says(CHARGED_IN_FORM, ('"is_tds":true', '"is_tds":false'))),
        APPROVED,
        given="form_without_3d",
    ),
    Exchange(
        "3-D Secure that was not passed is code 16 with is_succeed false",
        "11.2",
        "I",
        ASK_FORM_CHARGE,
        asked(',"is_succeed":false', 16, "3D başarısız"),
        Declined("16 3D başarısız"),
        given="form_open",
    ),
]

_UNDECIDED = (5, 8, 10, 13, 17)
_RETURN_CODES = (*range(1, 27), 200, 201)

RETURN_CODES = [
    Exchange(
        f"return code {code} with is_succeed false",
        "1.5",
        "D" if code <= 21 else "C",
        ASK_CHARGE,
        asked(',"is_succeed":false', code),
        Unknown(f"code_{code}", unreachable=code in {8, 10})
        if code in _UNDECIDED
        else Declined(f"{code} Hata"),
        fault={"kind": "rewrite", "fields": {"code": code}},
    )
    for code in _RETURN_CODES
]

# ── check ────────────────────────────────────────────────────────────────────

_SECOND_ROW = says(
    f"{{{_ROW}}}", ("xk_aB3+dE6/gH9*", "xk_2"), ('"id":700001', '"id":700002')
)
_REFUSED_ROW = says(
    _SECOND_ROW,
    ('"is_succeed":true', '"is_succeed":false'),
    ('"paynet_error_id":""', '"paynet_error_id":"PYN05"'),
    ('"paynet_error_message":""', '"paynet_error_message":"İşlem onaylanmadı"'),
)

PAYMENT_CHECK = [
    Exchange(
        "a check by reference answers Data[] with a capital D and agent_reference",
        "5.1",
        "D",
        ASK_CHECK,
        answer(CHECKED),
        APPROVED,
        given="charged",
    ),
    Exchange(
        "a check by xact_id, which carries + / and *",
        "5.1",
        "D",
        post(CHECK, '{"xact_id":"xk_aB3+dE6/gH9*"}'),
        answer(CHECKED),
        APPROVED,
        ours=False,
        given="charged",
    ),
    Exchange(
        "a check by both",
        "5.1",
        "D",
        post(CHECK, f'{{"xact_id":"xk_aB3+dE6/gH9*","reference_no":"{REFERENCE}"}}'),
        answer(CHECKED),
        APPROVED,
        ours=False,
        given="charged",
    ),
    Exchange(
        "a check needs at least one of them",
        "5.1",
        "D",
        post(CHECK, "{}"),
        BAD_REQUEST,
        Unknown("http_400"),
        ours=False,
    ),
    Exchange(
        "working callers look for reference_no in the row",
        "5.1",
        "C",
        ASK_CHECK,
        answer(says(CHECKED, ("agent_reference", "reference_no"))),
        APPROVED,
        given="charged",
        switches={"reference_field": "reference_no"},
    ),
    Exchange(
        "the English page spells net_amount",
        "5.1",
        "D",
        ASK_CHECK,
        answer(says(CHECKED, ("netAmount", "net_amount"))),
        APPROVED,
        given="charged",
        switches={"net_amount_field": "net_amount"},
    ),
    Exchange(
        "amounts may be strings with a comma",
        "2.4",
        "C",
        ASK_CHECK,
        answer(
            says(
                CHECKED,
                ('"amount":1300.00', '"amount":"1300,00"'),
                ('"netAmount":1261.00', '"netAmount":"1261,00"'),
                ('"comission":32.50', '"comission":"32,50"'),
                ('"comission_tax":6.50', '"comission_tax":"6,50"'),
            )
        ),
        APPROVED,
        given="charged",
        switches={"amount_style": "comma"},
    ),
    Exchange(
        "one entry per attempt: a refused one has is_succeed false",
        "5.1",
        "D",
        ASK_CHECK,
        answer(f'{{{_ENVELOPE},"Data":[{_REFUSED_ROW}]}}'),
        REFUSAL,
        given="declined",
    ),
    Exchange(
        "a refused entry beside the paid one",
        "5.1",
        "D",
        ASK_CHECK,
        answer(f'{{{_ENVELOPE},"Data":[{{{_ROW}}},{_REFUSED_ROW}]}}'),
        APPROVED,
        given="charged and refused",
    ),
    Exchange(
        "two paid entries of one reference",
        "5.1",
        "D",
        ASK_CHECK,
        answer(f'{{{_ENVELOPE},"Data":[{{{_ROW}}},{_SECOND_ROW}]}}'),
        Doubtful("more_than_one", (CAPTURE, SECOND)),
        given="charged twice",
    ),
    Exchange(
        "instalments that nobody asked for are in the row",
        "5.1",
        "D",
        ASK_CHECK,
        answer(says(CHECKED, ('"instalment":0', '"instalment":3'))),
        Doubtful("instalment_differs", (CAPTURE,)),
        given="parted_charged",
    ),
    *(
        Exchange(
            f"a row of transaction_type {kind} is no sale",
            "1.8",
            "D",
            ASK_CHECK,
            answer(
                says(CHECKED, ('"transaction_type":1', f'"transaction_type":{kind}'))
            ),
            NotFound(ASKED_AT),
            given=f"type {kind}",
        )
        for kind in (2, 3, 4, 5, 6, 7, 9, 10, 11)
    ),
    Exchange(
        "an unknown reference: HTTP 200 with code 12",
        "5.1",
        "?",
        ASK_CHECK,
        asked(',"Data":[]', 12),
        NotFound(ASKED_AT),
    ),
    Exchange(
        "no_data_error: transaction not found, HTTP 404",
        "1.6",
        "D",
        ASK_CHECK,
        problem("404 Not Found", "no_data_error", 12),
        NotFound(ASKED_AT),
        switches={"unknown_reference": "not_found"},
    ),
]

# ── detail ───────────────────────────────────────────────────────────────────

TRANSACTION_DETAIL = [
    Exchange(
        "detail by reference says whether the sale was reversed: it was not",
        "5.2",
        "C",
        ASK_DETAIL,
        answer(DETAILED),
        APPROVED,
        given="charged",
    ),
    Exchange(
        "a reversed sale has reversed true and reversed_xact_id",
        "5.2",
        "C",
        post(DETAIL, '{"xact_id":"xk_aB3+dE6/gH9*"}'),
        answer(REVERSED),
        Doubtful("reversed", (CAPTURE,)),
        ours=False,
        given="reversed",
    ),
    Exchange(
        "instalments that nobody asked for are in its row as well",
        "5.2",
        "C",
        ASK_DETAIL,
        answer(says(DETAILED, ('"instalment":0', '"instalment":3'))),
        Doubtful("instalment_differs", (CAPTURE,)),
        given="parted_charged",
    ),
    *(
        Exchange(
            f"detail by {name}",
            "5.2",
            "D",
            post(DETAIL, f'{{"{name}":{value}}}'),
            answer(DETAILED),
            APPROVED,
            ours=False,
            given="charged",
        )
        for name, value in (
            ("id", "700001"),
            ("xact", "700001"),
            ("xact_id", '"xk_aB3+dE6/gH9*"'),
        )
    ),
    Exchange(
        "detail needs at least one of the four",
        "5.2",
        "D",
        post(DETAIL, "{}"),
        BAD_REQUEST,
        Unknown("http_400"),
        ours=False,
    ),
    Exchange(
        "what check knows and detail does not is no approval yet",
        "5.2",
        "?",
        ASK_DETAIL,
        asked(',"Data":[]', 12),
        Unknown("detail_empty"),
    ),
]

# ── reversed_request ─────────────────────────────────────────────────────────

_XACT = '"xact_id":"xk_aB3+dE6/gH9*"'

REVERSED_REQUEST = [
    Exchange(
        "amount is a string in kuruş, the callback's name is succeedUrl; code 0 takes"
        " the order, and says nothing of its verdict",
        "7.1",
        "D",
        ASK_REFUND,
        asked_back(0, "Başarılı İşlem"),
        Accepted(),
        given="charged",
    ),
    Exchange(
        "working callers take code 100 for a success too",
        "7.1",
        "C",
        ASK_REFUND,
        asked_back(100, "Başarılı İşlem"),
        Accepted(),
        given="charged",
        fault={"kind": "rewrite", "fields": {"code": 100}},
    ),
    *(
        Exchange(
            f"{said} means the whole amount",
            "7.1",
            "D",
            post(REFUND, f"{{{_XACT}{amount}}}"),
            asked_back(0, "Başarılı İşlem"),
            Accepted(),
            ours=False,
            given="charged",
        )
        for said, amount in (
            ("no amount", ""),
            ("amount 0", ',"amount":"0"'),
        )
    ),
    Exchange(
        "a part is impossible on the sale's own day; which code says so is not known",
        "7.1",
        "D",
        post(REFUND, f'{{{_XACT},"amount":"1000"}}'),
        asked_back(6),
        Denied("6 Hata"),
        ours=False,
        given="charged",
    ),
    Exchange(
        "or an error object says so",
        "7.1",
        "?",
        post(REFUND, f'{{{_XACT},"amount":"1000"}}'),
        problem("400 Bad Request", "invalid_request_error", 6),
        Denied("6 Hata"),
        ours=False,
        given="charged",
        switches={"same_day_refusal_http": 400},
    ),
    Exchange(
        "more than was taken is refused",
        "7.1",
        "I",
        post(REFUND, f'{{{_XACT},"amount":"130001"}}'),
        asked_back(6),
        Denied("6 Hata"),
        ours=False,
        given="charged",
    ),
    Exchange(
        "what went back already is refused",
        "7.1",
        "I",
        ASK_REFUND,
        asked_back(6),
        Denied("6 Hata"),
        given="reversed",
    ),
    Exchange(
        "an unknown transaction: HTTP 200 with code 12",
        "7.1",
        "?",
        ASK_REFUND,
        asked_back(12),
        Denied("12 Hata"),
    ),
    Exchange(
        "an unknown transaction: HTTP 404 with no_data_error",
        "1.6",
        "D",
        ASK_REFUND,
        problem("404 Not Found", "no_data_error", 12),
        Denied("12 Hata"),
        switches={"unknown_reference": "not_found"},
    ),
    Exchange(
        "xact_id is required",
        "7.1",
        "D",
        post(REFUND, '{"amount":"1000"}'),
        BAD_REQUEST,
        Denied("11 Hata"),
        ours=False,
    ),
    Exchange(
        "amount is kuruş and never lira with a comma",
        "7.1",
        "D",
        post(REFUND, f'{{{_XACT},"amount":"10,00"}}'),
        BAD_REQUEST,
        Denied("11 Hata"),
        ours=False,
        given="charged",
    ),
    Exchange(
        "a key that is refused decides nothing about a refund",
        "1.4",
        "D",
        post(REFUND, "{}", authorization="Basic sck_pcs_wrong"),
        FORBIDDEN_KEY,
        Unknown("http_401", unreachable=True),
        ours=False,
    ),
    Exchange(
        "an error of PAYNET's own decides nothing about a refund",
        "1.6",
        "D",
        ASK_REFUND,
        problem("500 Internal Server Error", "api_error", 8),
        Unknown("http_500", unreachable=True),
        given="charged",
        fault={"kind": "status"},
    ),
]

# ── escrow_status_update ─────────────────────────────────────────────────────

_DONE = asked("", 0, "Başarılı İşlem")

ESCROW_STATUS_UPDATE = [
    Exchange(
        "is_escrow opens a session whose payment waits for our approval",
        "2.2",
        "C",
        _initial(('"domain"', '"is_escrow":true,"domain"')),
        answer(SESSION),
        OPENED,
        ours=False,
    ),
    Exchange(
        "status 2 approves, to a dealer if one is named; object_name is null, there is"
        " no is_succeed",
        "8",
        "D",
        ASK_APPROVAL,
        _DONE,
        Accepted(),
        given="escrowed",
    ),
    *(
        Exchange(
            fact,
            "8",
            "D",
            post(ESCROW, f"{{{said}}}"),
            _DONE,
            Accepted(),
            ours=False,
            given="escrowed",
        )
        for fact, said in (
            ("an approval by the plain id", '"xact":700001,"status":2'),
            ("the sample quotes the plain id", '"xact":"700001","status":2'),
            ("a note says why", f'{_XACT},"status":2,"note":"Teslim edildi"'),
            ("status 3 rejects", f'{_XACT},"status":3'),
        )
    ),
    Exchange(
        "a payment without is_escrow has nothing to approve",
        "8",
        "?",
        ASK_APPROVAL,
        asked("", 6),
        Denied("6 Hata"),
        given="charged",
    ),
    Exchange(
        "an account may lack the permission",
        "8",
        "?",
        ASK_APPROVAL,
        asked("", 7),
        Denied("7 Hata"),
        given="escrowed",
        switches={"escrow_permission": "off"},
    ),
    Exchange(
        "an unknown transaction: HTTP 200 with code 12",
        "8",
        "?",
        ASK_APPROVAL,
        asked("", 12),
        Denied("12 Hata"),
    ),
    *(
        Exchange(
            fact,
            "8",
            "D",
            post(ESCROW, said),
            BAD_REQUEST,
            Denied("11 Hata"),
            ours=False,
            given="escrowed",
        )
        for fact, said in (
            ("an approval needs one of the ids", '{"status":2}'),
            ("status is required", f"{{{_XACT}}}"),
            ("status is 2 or 3", f'{{{_XACT},"status":1}}'),
        )
    ),
]

# ── transaction/list and reversal_list ───────────────────────────────────────

_NOTHING = listing("transaction_list", "", 0)
_NOTHING_BACK = listing("transaction_reversal_list", "", 0)

LISTS = [
    Exchange(
        "a page of successful sales: xact_type S, the date apart from the time",
        "5.3",
        "C",
        ASK_LIST,
        answer(LISTED),
        (SOLD,),
        given="charged",
    ),
    Exchange(
        "dates may be ISO",
        "5.3",
        "?",
        ASK_LIST,
        answer(says(LISTED, ("23.11.2026", "2026-11-23T11:15:30"))),
        (SOLD,),
        given="charged",
        switches={"list_date_style": "iso"},
    ),
    *(
        Exchange(
            f"amounts may be strings with a {style}",
            "5.3",
            "C",
            ASK_LIST,
            answer(
                says(
                    LISTED,
                    ('"total_amount":1300.00', f'"total_amount":"1300{mark}00"'),
                    ('"amount":1300.00', f'"amount":"1300{mark}00"'),
                    ('"net_amount":1261.00', f'"net_amount":"1261{mark}00"'),
                    ('"comission":32.50', f'"comission":"32{mark}50"'),
                    ('"comission_tax":6.50', f'"comission_tax":"6{mark}50"'),
                )
            ),
            (SOLD,),
            given="charged",
            switches={"amount_style": style},
        )
        for style, mark in (("comma", ","), ("dot", "."))
    ),
    Exchange(
        "refused payments are not listed unless show_unsucceed is true",
        "5.3",
        "D",
        ASK_LIST,
        answer(_NOTHING),
        (),
        given="declined",
    ),
    Exchange(
        "an empty list may be code 12 instead",
        "5.3",
        "?",
        ASK_LIST,
        answer(says(_NOTHING, ('"code":0', '"code":12'), ("Başarılı İşlem", "Hata"))),
        (),
        switches={"empty_list": "no_data"},
    ),
    Exchange(
        "reversals name themselves and the transaction whose money went back",
        "7.2",
        "D",
        ASK_REVERSALS,
        answer(GONE_BACK),
        (BACK,),
        given="reversed",
    ),
    Exchange(
        "no reversal in these days",
        "7.2",
        "D",
        ASK_REVERSALS,
        answer(_NOTHING_BACK),
        (),
        given="charged",
    ),
    *(
        Exchange(
            f"{path.rpartition('/')[2]} needs {name}",
            section,
            "D",
            post(path, f'{{"{other}":"2026-11-22"}}'),
            BAD_REQUEST,
            Unknown("http_400"),
            ours=False,
        )
        for path, section in ((LIST, "5.3"), (REVERSALS, "7.2"))
        for name, other in (("datab", "datbi"), ("datbi", "datab"))
    ),
]

# ── ratio/Get ────────────────────────────────────────────────────────────────

RATIO_GET = [
    Exchange(
        "amount in kuruş and the first six digits of a card bring its bank's row, with"
        " the commission on top of each total",
        "10",
        "D",
        ASK_PRICES,
        answer(PRICED),
        PRICES,
    ),
    Exchange(
        "without the commission on top every total is the amount",
        "10",
        "I",
        ASK_PLAIN_PRICES,
        answer(PLAINLY_PRICED),
        PLAIN_PRICES,
        call=NOT_ON_TOP,
    ),
    Exchange(
        "tds_required: this card pays with 3-D Secure only",
        "10",
        "D",
        ASK_PRICES,
        answer(says(PRICED, ('"tds_required":false', '"tds_required":true'))),
        replace(PRICES, needs_3d=True),
        switches={"tds_required": True},
    ),
    *(
        Exchange(
            f"amounts may be strings with a {style}",
            "2.4",
            "C",
            ASK_PRICES,
            answer(re.sub(r"(?<=:)(\d+)\.(\d\d)(?=,)", rf'"\1{mark}\2"', PRICED)),
            PRICES,
            switches={"amount_style": style},
        )
        for style, mark in (("comma", ","), ("dot", "."))
    ),
    Exchange(
        "a card of a bank without instalments pays at once",
        "10",
        "?",
        post(RATIO, says(_body(ASK_PRICES), (BIN, UNKNOWN_BIN))),
        answer(PRICED_AT_ONCE),
        ONE_PRICE,
        ours=False,
    ),
    *(
        Exchange(
            fact,
            "10",
            "D",
            post(RATIO, says(_body(ASK_PRICES), change)),
            BAD_REQUEST,
            Unknown("http_400"),
            ours=False,
        )
        for fact, change in (
            ("amount is required", ('"amount"', '"not_amount"')),
            ("amount is kuruş and never lira", ('"130000"', '"1300,00"')),
            ("bin is six digits", (BIN, "43550843")),
        )
    ),
]

# ── card/list and card/delete ────────────────────────────────────────────────

STORED_CARDS = [
    Exchange(
        "an owner's cards: masked, with the hash by which each can be charged",
        "9",
        "D",
        ASK_CARDS,
        answer(cards(HASH, count=1)),
        (STORED,),
        given="stored",
    ),
    Exchange(
        "a page that has more after it",
        "9",
        "D",
        ASK_CARDS,
        FIRST_CARDS,
        ALL_CARDS,
        pages=(FIRST_CARDS, LAST_CARDS),
        given="twelve",
    ),
    Exchange(
        "the page after ten cards",
        "9",
        "D",
        ASK_MORE_CARDS,
        LAST_CARDS,
        ALL_CARDS,
        pages=(FIRST_CARDS, LAST_CARDS),
        given="twelve",
    ),
    Exchange("no cards", "9", "D", ASK_CARDS, answer(cards(count=0)), ()),
    Exchange(
        "no cards may be code 12 instead",
        "9",
        "?",
        ASK_CARDS,
        answer(
            says(cards(count=0), ('"code":0', '"code":12'), ("Başarılı İşlem", "Hata"))
        ),
        (),
        switches={"empty_list": "no_data"},
    ),
    Exchange(
        "card/list needs card_owner_id",
        "9",
        "D",
        post(CARD_LIST, '{"limit":10}'),
        BAD_REQUEST,
        Unknown("http_400"),
        ours=False,
    ),
    Exchange(
        "a card is deleted by its owner and its hash; nothing but the envelope comes",
        "9",
        "D",
        ASK_DELETION,
        asked("", 0, "Başarılı İşlem"),
        True,
        given="stored",
    ),
    Exchange(
        "a card that is not there: code 25",
        "9",
        "C",
        ASK_DELETION,
        asked("", 25),
        False,
    ),
    *(
        Exchange(
            f"card/delete needs {needed}",
            "9",
            "D",
            post(CARD_DELETE, f'{{"{other}":"x"}}'),
            BAD_REQUEST,
            Unknown("http_400"),
            ours=False,
        )
        for needed, other in (
            ("card_hash", "card_owner_id"),
            ("card_owner_id", "card_hash"),
        )
    ),
]

EXCHANGES = (
    *DOOR,
    *TDS_INITIAL,
    *TEST_CARDS,
    *TDS_CHARGE,
    *FORM,
    *RETURN_CODES,
    *PAYMENT_CHECK,
    *TRANSACTION_DETAIL,
    *REVERSED_REQUEST,
    *ESCROW_STATUS_UPDATE,
    *LISTS,
    *RATIO_GET,
    *STORED_CARDS,
)
