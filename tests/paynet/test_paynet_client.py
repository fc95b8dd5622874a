"""All that a bad line, a slow server and an odd answer can do to a client that moves
money. Every wait is bounded by a deadline well under a second."""

from __future__ import annotations

import json
import logging
import socket
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emanet.errors import (
    CardNotFound,
    EmanetError,
    PaynetUnreachable,
    SecretUnavailable,
)
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Outcome, Unknown
from emanet.paynet.client import PaynetGateway
from emanet.paynet.line import BODY_LONGEST, IDLE_LONGEST, Line
from tests.paynet import paynet_wire_table as wire
from tests.paynet.literal_paynet import (
    CALLS,
    CARD,
    CARD_CALLS,
    EXPECTED,
    HOSTED,
    IN_THREE,
    Answering,
    LiteralPaynet,
    ask,
    cards_at,
    charge,
    charge_form,
    charge_in_three,
    closes,
    closes_after,
    gateway_to,
    open_session,
)
from tests.paynet.paynet_wire_table import (
    APPROVED,
    CAPTURE,
    CARD_DELETE,
    CARD_LIST,
    CHARGE,
    CHARGED,
    CHECK,
    CHECKED,
    DETAIL,
    DETAILED,
    FORM_CHARGE,
    INITIAL,
    RATIO,
    answer,
    says,
)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
ENDLESS_HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
LONGEST_S = 5  # a client that does not give up fails its test instead of hanging it
DRIP_S = 0.02
TIMED_OUT = Unknown("timeout", unreachable=True)
CUT_OFF = Unknown("connection_failed", unreachable=True)


@pytest.fixture
def paynet() -> Iterator[LiteralPaynet]:
    server = LiteralPaynet()
    yield server
    server.close()


@pytest.fixture
def gateway(paynet: LiteralPaynet) -> PaynetGateway:
    return gateway_to(paynet.url)


def hangs_after(paynet: LiteralPaynet, start: bytes) -> Answering:
    def hang(connection: socket.socket) -> None:
        connection.sendall(start)
        paynet.over.wait(LONGEST_S)
        raise OSError

    return hang


def drips_after(paynet: LiteralPaynet, start: bytes) -> Answering:
    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(int(LONGEST_S / DRIP_S)):
            paynet.over.wait(DRIP_S)
            connection.sendall(b" ")
        raise OSError

    return drip


# ── time ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("start", [b"", HEAD, ENDLESS_HEAD, HEAD + b'{"code":0'])
def test_silence_ends_at_the_deadline(
    start: bytes, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[CHARGE] = [hangs_after(paynet, start)]
    assert charge(gateway, within_s=0.3) == TIMED_OUT
    assert paynet.count(CHARGE) == 1


@pytest.mark.parametrize(
    "start",
    [
        HEAD,
        ENDLESS_HEAD,
        b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n",
    ],
)
def test_a_dripping_body_ends_at_the_deadline(
    start: bytes, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[CHECK] = [drips_after(paynet, start)]
    assert ask(gateway, within_s=0.3) == TIMED_OUT


def test_a_session_that_does_not_open_in_time_is_unreachable(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[INITIAL] = [hangs_after(paynet, b"")]
    with pytest.raises(PaynetUnreachable, match=r"^timeout$"):
        open_session(gateway, within_s=0.3)
    assert paynet.count(INITIAL) == 1


def test_after_the_deadline_nothing_is_sent(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    assert charge(gateway, within_s=-1) == Unknown("no_time", unreachable=True)
    assert ask(gateway, within_s=-1) == Unknown("no_time", unreachable=True)
    with pytest.raises(PaynetUnreachable, match=r"^no_time$"):
        open_session(gateway, within_s=-1)
    assert paynet.received == []


def test_the_line_works_again_after_a_time_out(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[CHECK].insert(0, hangs_after(paynet, HEAD))
    assert ask(gateway, within_s=0.3) == TIMED_OUT
    assert ask(gateway) == APPROVED


# ── odd answers ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("odd", "outcome"),
    [
        (answer(""), Unknown("not_json")),
        (answer("<h1>Bakım</h1>"), Unknown("not_json")),
        (answer("[]"), Unknown("not_json")),
        (answer(" " * BODY_LONGEST + CHARGED), Unknown("too_large")),
        (answer("", "502 Bad Gateway"), Unknown("http_502", unreachable=True)),
        (answer(CHARGED, "204 No Content"), Unknown("http_204")),
        (closes_after(HEAD + b'{"code":0'), Unknown("not_json")),
        (closes_after(b"no HTTP at all\r\n\r\n"), CUT_OFF),
        (closes_after(ENDLESS_HEAD + b'{"code":0'), Unknown("not_json")),
        (closes, CUT_OFF),
    ],
)
def test_an_odd_answer_is_unknown(
    odd: bytes | Answering,
    outcome: Outcome,
    paynet: LiteralPaynet,
    gateway: PaynetGateway,
) -> None:
    paynet.answers[CHARGE] = [odd]
    assert charge(gateway) == outcome
    paynet.answers[CHECK] = [odd]
    assert ask(gateway) == outcome
    paynet.answers[INITIAL] = [odd]
    with pytest.raises(PaynetUnreachable):
        open_session(gateway)


def test_a_body_of_exactly_the_cap_is_read(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    filling = " " * (BODY_LONGEST - len(CHARGED.encode()))
    paynet.answers[CHARGE] = [answer(filling + CHARGED)]
    assert charge(gateway) == APPROVED


def test_a_redirect_is_not_followed(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    there = f"302 Found\nLocation: {paynet.url}{DETAIL}"
    paynet.answers[CHARGE] = [answer(CHARGED, there)]
    assert charge(gateway) == Unknown("http_302")
    assert [request.path for request in paynet.received] == [CHARGE]


def test_a_cookie_is_not_carried_to_the_next_payer(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[INITIAL] = [answer(wire.SESSION, "200 OK\nSet-Cookie: id=1")]
    open_session(gateway)
    open_session(gateway)
    assert "cookie" not in " ".join(paynet.received[1].head).lower()


def test_nobody_listening_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    gateway = gateway_to(f"http://127.0.0.1:{port}")
    assert charge(gateway) == CUT_OFF
    assert ask(gateway) == CUT_OFF


# ── sent once, or twice by our own hand ──────────────────────────────────────


each_charge = pytest.mark.parametrize("path", [CHARGE, FORM_CHARGE])

SUCCESSES = {CHARGE: CHARGED, FORM_CHARGE: wire.CHARGED_IN_FORM}
CHARGES = {CHARGE: charge, FORM_CHARGE: charge_form}


@each_charge
@pytest.mark.parametrize(
    "first", [closes, answer("<html>"), answer("", "503 Service Unavailable")]
)
def test_a_charge_without_an_answer_is_repeated_once_with_the_same_pair(
    first: bytes | Answering, path: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    repeated = says(SUCCESSES[path], ('"code":0', '"code":100'))
    paynet.answers[path] = [first, answer(repeated)]
    assert CHARGES[path](gateway) == APPROVED
    one, two = (request for request in paynet.received if request.path == path)
    assert json.loads(one.body) == json.loads(two.body)
    assert json.loads(one.body)["session_id"] == wire.SESSION_ID


@each_charge
def test_a_charge_is_never_sent_a_third_time(
    path: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[path] = [closes]
    assert CHARGES[path](gateway) == CUT_OFF
    assert paynet.count(path) == 2
    assert paynet.count(CHECK) == 0


@each_charge
def test_a_charge_is_not_repeated_when_little_time_is_left(
    path: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[path] = [closes, answer(SUCCESSES[path])]
    assert CHARGES[path](gateway, within_s=5) == CUT_OFF
    assert paynet.count(path) == 1


@each_charge
@pytest.mark.parametrize(
    "first",
    [
        answer(CHARGED),
        answer(wire.DECLINED),
        answer('{"code":17,"is_succeed":false}'),
        wire.BAD_REQUEST,
        wire.FORBIDDEN_KEY,
    ],
)
def test_a_charge_that_was_answered_is_not_repeated(
    first: bytes, path: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[path] = [first]
    CHARGES[path](gateway)
    assert paynet.count(path) == 1


@each_charge
def test_a_4xx_on_the_repeat_is_unknown_because_the_first_may_have_charged(
    path: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[path] = [closes, wire.BAD_REQUEST]
    assert CHARGES[path](gateway) == Unknown("http_400")


@each_charge
def test_a_refusal_of_the_repeat_is_unknown_because_the_first_may_have_charged(
    path: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[path] = [closes, answer(wire.DECLINED)]
    assert CHARGES[path](gateway) == Unknown("refused_on_repeat")


def test_it_is_ready_only_with_a_key_and_time_for_a_charge(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    now = datetime.now(UTC)
    gateway.be_ready(now + timedelta(seconds=10))
    with pytest.raises(PaynetUnreachable, match=r"^no_time$"):
        gateway.be_ready(now + timedelta(seconds=2))
    assert paynet.received == []


@pytest.mark.parametrize("path", [INITIAL, CHECK])
def test_other_calls_are_sent_once(
    path: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[path] = [closes, answer(wire.SESSION)]
    try:
        CALLS[path](gateway)
    except PaynetUnreachable:
        assert path == INITIAL
    assert paynet.count(path) == 1


# ── the keep-alive line ──────────────────────────────────────────────────────


def connections(paynet: LiteralPaynet) -> list[int]:
    return [request.connection for request in paynet.received]


def test_calls_share_one_connection(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    open_session(gateway)
    charge(gateway)
    ask(gateway)
    assert connections(paynet) == [1, 1, 1, 1]


def test_a_connection_that_the_server_closed_is_replaced_before_sending(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    closed = threading.Event()

    def answer_and_close(connection: socket.socket) -> None:
        connection.sendall(answer(wire.SESSION))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()
        raise OSError

    paynet.answers[INITIAL] = [answer_and_close]
    open_session(gateway)
    assert closed.wait(5)
    assert charge(gateway) == APPROVED
    assert connections(paynet) == [1, 2]


def test_a_stale_connection_that_dies_under_a_charge_is_no_silent_resend(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    open_session(gateway)
    paynet.answers[CHARGE] = [closes, answer(CHARGED)]
    assert charge(gateway, within_s=5) == CUT_OFF
    assert connections(paynet) == [1, 1]


def test_a_connection_idle_for_long_is_not_trusted(paynet: LiteralPaynet) -> None:
    later = [timedelta()]
    gateway = PaynetGateway(
        Line(paynet.url, lambda: wire.KEY, lambda: datetime.now(UTC) + later[0])
    )
    gateway.ask(EXPECTED, datetime.now(UTC) + timedelta(seconds=5))
    later[0] = IDLE_LONGEST
    deadline = datetime.now(UTC) + later[0] + timedelta(seconds=5)
    gateway.ask(EXPECTED, deadline)
    assert sorted(set(connections(paynet))) == [1, 2]


def test_after_a_failure_no_older_connection_is_trusted(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    both_inside = threading.Barrier(2)

    def meet(connection: socket.socket) -> None:
        both_inside.wait(LONGEST_S)
        connection.sendall(answer(wire.SESSION))

    paynet.answers[INITIAL] = [meet]
    other = threading.Thread(target=open_session, args=(gateway,))
    other.start()
    open_session(gateway)
    other.join()
    paynet.answers[CHECK] = [closes, answer(CHECKED)]
    assert ask(gateway) == CUT_OFF
    assert ask(gateway) == APPROVED
    assert connections(paynet)[-1] == 3


def test_the_surroundings_do_not_change_the_key(
    paynet: LiteralPaynet,
    gateway: PaynetGateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "netrc").write_text("default login someone password else", "ascii")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert charge(gateway) == APPROVED
    assert f"Authorization: Basic {wire.KEY}" in paynet.received[0].head


# ── what an approval leaves out ──────────────────────────────────────────────

_LEFT_OUT = [
    '"amount":1300.00,',
    '"xact_id":"xk_aB3+dE6/gH9*",',
    '"transaction_type":1,',
    f'"reference_no":"{wire.REFERENCE}",',
    '"is_succeed":true,',
]


@pytest.mark.parametrize("field", _LEFT_OUT)
def test_a_field_that_the_charge_leaves_out_is_asked_for(
    field: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[CHARGE] = [answer(says(CHARGED, (field, "")))]
    assert charge(gateway) == APPROVED
    assert [r.path for r in paynet.received] == [CHARGE, CHECK, DETAIL]


def test_a_field_that_check_leaves_out_as_well_comes_from_detail(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    absent = ('"amount":1300.00,', "")
    paynet.answers[CHARGE] = [answer(says(CHARGED, absent))]
    paynet.answers[CHECK] = [answer(says(CHECKED, absent))]
    assert charge(gateway) == APPROVED


def must_have_seen(outcome: object) -> None:
    """Not judged yet, and not forgotten."""
    assert isinstance(outcome, Unknown)
    assert outcome.why == "approval_unclear"
    assert outcome.seen
    assert outcome.seen.xact_id == CAPTURE.xact_id


def test_a_success_of_which_nobody_tells_all_is_handed_on_as_seen(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    absent = ('"amount":1300.00,', "")
    paynet.answers[CHARGE] = [answer(says(CHARGED, absent))]
    paynet.answers[CHECK] = [answer(says(CHECKED, absent))]
    paynet.answers[DETAIL] = [answer(says(DETAILED, absent))]
    must_have_seen(charge(gateway))
    doubt = ask(gateway)
    assert isinstance(doubt, Doubtful)
    assert doubt.reason == "field_absent"


@pytest.mark.parametrize("path", [CHECK, DETAIL])
def test_a_field_that_cannot_be_asked_for_now_is_asked_for_later(
    path: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[CHARGE] = [answer(says(CHARGED, ('"amount":1300.00,', "")))]
    paynet.answers[path] = [hangs_after(paynet, b"")]
    must_have_seen(charge(gateway, within_s=0.5))


def test_an_approval_of_another_reference_is_asked_about_ours(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[CHARGE] = [answer(says(CHARGED, (wire.REFERENCE, "another-1-x")))]
    paynet.answers[CHECK] = [answer('{"code":12}')]
    must_have_seen(charge(gateway))


def test_an_approval_that_the_lists_deny_is_not_forgotten(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[CHARGE] = [answer(says(CHARGED, ('"amount":1300.00,', "")))]
    refused = says(CHECKED, ('"is_succeed":true', '"is_succeed":false'))
    paynet.answers[CHECK] = [answer(refused)]
    must_have_seen(charge(gateway))


def test_a_complete_approval_asks_nothing_more(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    assert charge(gateway) == APPROVED
    assert [request.path for request in paynet.received] == [CHARGE]


@each_charge
def test_a_success_without_a_verdict_that_no_list_knows_is_not_not_found(
    path: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    silent = says(SUCCESSES[path], ('"is_succeed":true,', ""))
    paynet.answers[path] = [answer(silent)]
    paynet.answers[CHECK] = [answer('{"code":12}')]
    assert CHARGES[path](gateway) == Unknown("not_listed")


IN_THREE_TOLD = ('"instalment":0', '"instalment":3')


@pytest.mark.parametrize("silent", ["", '"instalment":"",', '"instalment":null,'])
def test_a_number_of_instalments_that_the_charge_leaves_out_is_asked_for(
    silent: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[CHARGE] = [answer(says(CHARGED, ('"instalment":0,', silent)))]
    paynet.answers[CHECK] = [answer(says(CHECKED, IN_THREE_TOLD))]
    paynet.answers[DETAIL] = [answer(says(DETAILED, IN_THREE_TOLD))]
    assert charge_in_three(gateway) == APPROVED
    assert [r.path for r in paynet.received] == [CHARGE, CHECK, DETAIL]


def test_instalments_of_which_nobody_tells_are_not_approved(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    absent = ('"instalment":0,', "")
    paynet.answers[CHARGE] = [answer(says(CHARGED, absent))]
    paynet.answers[CHECK] = [answer(says(CHECKED, absent))]
    paynet.answers[DETAIL] = [answer(says(DETAILED, absent))]
    must_have_seen(charge_in_three(gateway))
    doubt = ask(gateway, expected=IN_THREE)
    assert doubt == Doubtful("field_absent", (CAPTURE,))


def test_another_number_of_instalments_is_doubtful_at_once(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    doubt = Doubtful("instalment_differs", (CAPTURE,))
    assert charge_in_three(gateway) == doubt
    assert [request.path for request in paynet.received] == [CHARGE]
    assert ask(gateway, expected=IN_THREE) == doubt


def test_whether_a_form_used_3d_is_asked_for_where_the_charge_is_silent(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    silent = says(wire.CHARGED_IN_FORM, ('"is_tds":true,', ""))
    paynet.answers[FORM_CHARGE] = [answer(silent)]
    assert charge_form(gateway) == APPROVED
    assert [r.path for r in paynet.received] == [FORM_CHARGE, CHECK, DETAIL]


@pytest.mark.parametrize("told", ['"is_tds":false,', ""])
def test_a_form_without_3d_is_not_approved_by_the_lists(
    told: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    """A plain no is the lists' last word; silence is asked again."""
    change = ('"is_tds":true,', told)
    silent = says(wire.CHARGED_IN_FORM, ('"is_tds":true,', ""))
    paynet.answers[FORM_CHARGE] = [answer(silent)]
    paynet.answers[CHECK] = [answer(says(CHECKED, change))]
    paynet.answers[DETAIL] = [answer(says(DETAILED, change))]
    doubt = Doubtful("not_3d" if told else "field_absent", (CAPTURE,))
    charged = charge_form(gateway)
    if told:
        assert charged == doubt
    else:
        must_have_seen(charged)
    assert ask(gateway, expected=HOSTED) == doubt


# The session of PAYNET's form comes from the payer's browser: it may have paid before.


def test_a_form_s_success_is_believed_only_when_paynet_s_books_show_it(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    assert charge_form(gateway) == APPROVED
    assert [r.path for r in paynet.received] == [FORM_CHARGE, CHECK, DETAIL]


def test_a_form_s_new_success_that_the_books_do_not_show_yet_is_kept(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[CHECK] = [answer('{"code":12}')]
    must_have_seen(charge_form(gateway))


@pytest.mark.parametrize(
    "change",
    [
        ('"code":0', '"code":100'),  # an older success, told again
        (wire.REFERENCE, "anotherorderanotherorder22-1-abc234"),
    ],
)
def test_a_session_that_paid_another_order_pays_nothing_and_is_not_kept(
    change: tuple[str, str], paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[FORM_CHARGE] = [answer(says(wire.CHARGED_IN_FORM, change))]
    paynet.answers[CHECK] = [answer('{"code":12}')]
    assert charge_form(gateway) == Unknown("not_listed")


def test_an_old_success_that_differs_is_no_doubt_about_this_order(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    old = ('"code":0', '"code":100'), ('"amount":1300.00', '"amount":1.00')
    paynet.answers[FORM_CHARGE] = [answer(says(wire.CHARGED_IN_FORM, *old))]
    paynet.answers[CHECK] = [answer('{"code":12}')]
    assert charge_form(gateway) == Unknown("not_listed")


# ── the card that was stored with its payment ────────────────────────────────


def test_the_owner_of_a_stored_card_comes_with_an_approval_that_was_asked_for(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[CHARGE] = [answer(says(wire.SAVED, ('"amount":1300.00,', "")))]
    assert charge(gateway) == wire.APPROVED_AND_STORED
    assert paynet.count(CHECK) == 1


def test_the_owner_of_a_stored_card_comes_with_the_repeat(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    repeated = says(wire.SAVED, ('"code":0', '"code":100'))
    paynet.answers[CHARGE] = [closes, answer(repeated)]
    assert charge(gateway) == wire.APPROVED_AND_STORED


def test_only_the_charge_itself_tells_of_a_stored_card(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    told = f'"is_save_card_succeed":true,"card_owner_id":"{wire.OWNER}","amount"'
    paynet.answers[CHARGE] = [answer(says(CHARGED, ('"amount":1300.00,', "")))]
    paynet.answers[CHECK] = [answer(says(CHECKED, ('"amount"', told)))]
    paynet.answers[DETAIL] = [answer(says(DETAILED, ('"amount"', told)))]
    assert charge(gateway) == APPROVED


def test_a_stored_card_makes_no_approval(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    refused = says(wire.SAVED, ('"is_succeed":true', '"is_succeed":false'))
    paynet.answers[CHARGE] = [answer(refused)]
    assert isinstance(charge(gateway), Declined)
    dearer = says(wire.SAVED, ('"amount":1300.00', '"amount":1301.00'))
    paynet.answers[CHARGE] = [answer(dearer)]
    assert isinstance(charge(gateway), Doubtful)


# ── asking ───────────────────────────────────────────────────────────────────


def test_an_approval_from_the_lists_needs_detail(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    assert ask(gateway) == APPROVED
    assert [request.path for request in paynet.received] == [CHECK, DETAIL]


@pytest.mark.parametrize("told", [wire.REVERSED, says(DETAILED, ("false", "1"))])
def test_a_reversed_sale_never_funds(
    told: str, paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[DETAIL] = [answer(told)]
    assert ask(gateway) == Doubtful("reversed", (CAPTURE,))


def test_a_detail_that_is_silent_about_reversal_is_doubtful(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    silent = says(DETAILED, ('"reversed":false,', ""))
    paynet.answers[DETAIL] = [answer(silent)]
    assert ask(gateway) == Doubtful("field_absent", (CAPTURE,))


def test_not_found_is_as_old_as_the_question(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    answered_at: list[datetime] = []

    def know_nothing(connection: socket.socket) -> None:
        answered_at.append(datetime.now(UTC))
        connection.sendall(answer('{"code":12}'))

    paynet.answers[CHECK] = [know_nothing]
    outcome = ask(gateway)
    assert isinstance(outcome, NotFound)
    assert outcome.asked_at <= answered_at[0]


def test_a_refusal_in_the_lists_asks_no_detail(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    refused = says(CHECKED, ('"is_succeed":true', '"is_succeed":false'))
    paynet.answers[CHECK] = [answer(refused)]
    assert isinstance(ask(gateway), Declined)
    assert paynet.count(DETAIL) == 0


# ── secrets ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", ["", "  ", "sck_a\nb", "sck_ş", "sck a"])
def test_a_key_that_no_header_can_carry_is_refused_unsaid(
    key: str, paynet: LiteralPaynet
) -> None:
    gateway = gateway_to(paynet.url, key)
    for call in CALLS.values():
        with pytest.raises(SecretUnavailable) as refused:
            call(gateway)
        assert not key.strip() or key not in str(refused.value)
    assert paynet.received == []


def test_a_stored_card_that_is_gone_is_not_found_and_not_asked_for_again(
    paynet: LiteralPaynet, gateway: PaynetGateway
) -> None:
    paynet.answers[INITIAL] = [wire.problem("400 Bad Request", "api_error", 25)]
    with pytest.raises(CardNotFound):
        CALLS[wire.WITH_STORED](gateway)
    assert paynet.count(INITIAL) == 1


def test_a_key_is_taken_once_so_that_nothing_fails_after_sending(
    paynet: LiteralPaynet,
) -> None:
    keys = iter([wire.KEY])
    gateway = PaynetGateway(
        Line(paynet.url, lambda: next(keys), lambda: datetime.now(UTC))
    )
    paynet.answers[CHARGE] = [closes, answer(says(CHARGED, ('"amount":1300.00,', "")))]
    assert isinstance(charge(gateway), Approved)


@pytest.mark.parametrize(
    "path", [INITIAL, wire.WITH_STORED, wire.STORING, CHARGE, FORM_CHARGE, CHECK]
)
@pytest.mark.parametrize(
    "odd",
    [
        closes,
        closes_after(HEAD),
        answer("<html>"),
        wire.FORBIDDEN_KEY,
        wire.BAD_REQUEST,
        answer('{"code":0,"token_id":"tokentokentokentokentokentoken_T"}'),
        answer(f'{{"code":25,"message":"{wire.HASH}"}}'),
        answer(wire.SAVED),
    ],
)
def test_no_error_and_no_log_line_carries_a_secret(
    odd: bytes | Answering,
    path: str,
    paynet: LiteralPaynet,
    gateway: PaynetGateway,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    paynet.answers[path if path in paynet.answers else INITIAL] = [odd]
    try:
        shown = repr(CALLS[path](gateway))
    except EmanetError as error:
        shown = "".join(traceback.format_exception(error))
    secrets = (wire.KEY, wire.TOKEN_ID, CARD.number, CARD.holder, wire.HASH)
    for secret in secrets:
        assert secret not in shown + caplog.text


# ── what PAYNET knows of cards ───────────────────────────────────────────────

each_question = pytest.mark.parametrize("path", [RATIO, CARD_LIST, CARD_DELETE])


@each_question
@pytest.mark.parametrize(
    ("odd", "outcome"),
    [
        (answer("<h1>Bakım</h1>"), Unknown("not_json")),
        (answer("", "502 Bad Gateway"), Unknown("http_502", unreachable=True)),
        (answer(CHARGED, f"302 Found\nLocation: {RATIO}"), Unknown("http_302")),
        (wire.FORBIDDEN_KEY, Unknown("http_401", unreachable=True)),
        (closes, CUT_OFF),
    ],
)
def test_an_odd_answer_about_cards_is_unknown_and_not_asked_for_again(
    odd: bytes | Answering, outcome: Unknown, path: str, paynet: LiteralPaynet
) -> None:
    paynet.answers[path] = [odd]
    assert CARD_CALLS[path](cards_at(paynet.url)) == outcome
    assert paynet.count(path) == 1


@each_question
def test_silence_about_cards_ends_at_the_deadline(
    path: str, paynet: LiteralPaynet
) -> None:
    paynet.answers[path] = [hangs_after(paynet, HEAD)]
    assert CARD_CALLS[path](cards_at(paynet.url), 0.3) == TIMED_OUT


@each_question
@pytest.mark.parametrize(
    "odd",
    [
        closes,
        closes_after(HEAD),
        answer("<html>"),
        wire.FORBIDDEN_KEY,
        answer(f'{{"code":25,"message":"{wire.HASH}"}}'),
        answer(wire.cards(wire.HASH, count=1)),
    ],
)
def test_nothing_about_cards_is_shown_or_logged_that_could_charge_one(
    odd: bytes | Answering,
    path: str,
    paynet: LiteralPaynet,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    paynet.answers[path] = [odd]
    shown = repr(CARD_CALLS[path](cards_at(paynet.url)))
    for secret in (wire.KEY, wire.HASH, wire.OWNER):
        assert secret not in shown + caplog.text
