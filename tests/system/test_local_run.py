"""`make run`: one command starts everything, and nothing outlives it."""

from __future__ import annotations

import hmac
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from local import children
from local.paynet_simulator.cards import OURS, PUBLISHED
from local.serving import serving
from local.shop import CONSENT_VERSION, GOES_WRONG, PAYS, Surroundings
from tests.local_system import ROOT, TIMEOUT_S, System, python, running

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("state")) as system:
        yield system


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_token_is_printed_alone_and_opens_the_api(system: System) -> None:
    printed = python(system.state, "local.tokens", "buyer")
    token = printed.stdout.strip()
    assert printed.stdout == f"{token}\n"
    answer = requests.get(
        f"{system.facts['api_url']}/api/escrows?as=payer",
        headers={"Authorization": f"Bearer {token}"},
        timeout=TIMEOUT_S,
    )
    assert answer.status_code == 200


def test_without_a_token_the_api_stays_shut(system: System) -> None:
    answer = requests.get(f"{system.facts['api_url']}/api/escrows", timeout=TIMEOUT_S)
    assert answer.status_code == 401


def test_the_shop_registers_an_order_at_its_own_price(system: System) -> None:
    answer = requests.post(
        f"{system.facts['shop_url']}/shop/orders",
        json={"product": "kilim", "amount": 1},
        timeout=TIMEOUT_S,
    )
    assert answer.status_code == 201
    escrow = answer.json()
    assert escrow["status"] == "created"
    assert escrow["amount"] == {"amount": 130_000, "currency": "TRY"}


@pytest.mark.parametrize("path", ["/shop/token?who=backend", "/shop/token"])
def test_the_shop_hands_out_no_token_of_the_backend(system: System, path: str) -> None:
    answer = requests.get(f"{system.facts['shop_url']}{path}", timeout=TIMEOUT_S)
    assert answer.status_code == 404


def test_the_shop_offers_only_cards_that_the_simulator_knows() -> None:
    assert PUBLISHED[PAYS.number] == "a"
    assert {card.number for card in GOES_WRONG} <= set(OURS)


def test_the_page_has_the_text_to_which_a_payer_agrees() -> None:
    words = ROOT / "local/shop/page/words.js"
    assert f'"{CONSENT_VERSION}": {{' in words.read_text("utf-8")


def around(*, hosted: bool, simulated: bool) -> Surroundings:
    paynet = "http://simulator" if simulated else "https://*.paynet.com.tr"
    return Surroundings(
        api_url="http://api",
        paynet_url=paynet,
        is_simulated=simulated,
        is_hosted=hosted,
    )


@pytest.mark.parametrize("simulated", [True, False])
def test_the_shop_lets_paynet_into_its_page_only_in_hosted_mode(
    *, simulated: bool
) -> None:
    plain = around(hosted=False, simulated=simulated).policy
    hosted = around(hosted=True, simulated=simulated)
    for left_out in ("simulator", "paynet", "frame-src"):
        assert left_out not in plain
    assert "form-action 'none'" in plain
    assert f"script-src 'self' {hosted.paynet_url};" in hosted.policy
    assert "form-action 'self' http://api" in hosted.policy


def test_the_mode_is_said_and_told_to_the_page(system: System) -> None:
    assert "Cards       go to the API (api)" in system.said
    url = f"{system.facts['shop_url']}/shop/settings"
    assert requests.get(url, timeout=TIMEOUT_S).json()["payment_mode"] == "api"


@pytest.mark.parametrize(
    ("arguments", "wishes"),
    [
        ([], {"PAYMENT_MODE": "hosted"}),
        (["--parameter", "PaymentMode=hosted"], {}),
    ],
    ids=["make", "parameter"],
)
def test_hosted_mode_is_chosen_in_either_way(
    tmp_path: Path, arguments: list[str], wishes: dict[str, str]
) -> None:
    with running(tmp_path, *arguments, **wishes) as system:
        assert "(hosted)" in system.said
        assert system.facts["payment_mode"] == "hosted"
        url = f"{system.facts['shop_url']}/shop/settings"
        assert requests.get(url, timeout=TIMEOUT_S).json()["payment_mode"] == "hosted"


def test_the_shop_answers_to_no_other_name(system: System) -> None:
    answer = requests.get(
        f"{system.facts['shop_url']}/shop/token?who=buyer",
        headers={"Host": "evil.example"},
        timeout=TIMEOUT_S,
    )
    assert answer.status_code == 400


def test_the_reconciler_runs_on_its_schedule_under_its_own_name(
    system: System,
) -> None:
    """A callback is due at once; with nothing due the reconciler says nothing."""
    raw, now = b"{}", str(int(time.time()))
    secret = system.facts["webhook_secret"].encode()
    signature = hmac.new(secret, now.encode() + b"." + raw, "sha256").hexdigest()
    headers = {"x-paynet-timestamp": now, "x-paynet-signature": signature}
    url = f"{system.facts['api_url']}/api/webhooks/paynet-callback"
    assert requests.post(url, raw, headers=headers, timeout=TIMEOUT_S).ok
    log = system.state / "logs/reconcile.log"
    wait_for(lambda: log.exists() and '"reconciled"' in log.read_text("utf-8"))
    assert '"service":"emanet"' in log.read_text("utf-8")


def test_what_it_says_of_itself_is_for_its_owner_only(system: System) -> None:
    assert (system.state / "run.json").stat().st_mode & 0o777 == 0o600
    assert (system.state / "issuer.pem").stat().st_mode & 0o777 == 0o600


def test_a_second_run_says_that_one_runs_already(system: System) -> None:
    second = python(system.state, "local.run", "--port", "0")
    assert second.returncode == 1
    assert "It runs already" in second.stderr
    assert system.facts["shop_url"] in second.stderr


def test_with_nothing_running_a_token_names_make_run(tmp_path: Path) -> None:
    refused = python(tmp_path, "local.tokens", "buyer")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "make run" in refused.stderr


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    with running(tmp_path) as system:
        system.process.send_signal(signal.SIGINT)
        assert system.process.wait(TIMEOUT_S) == 0
        assert not [port for port in system.ports() if listens(port)]
        assert not (tmp_path / "run.json").exists()


def test_nothing_outlives_a_killed_run(tmp_path: Path) -> None:
    with running(tmp_path) as system:
        system.process.kill()
        wait_for(lambda: not [port for port in system.ports() if listens(port)])
        assert python(tmp_path, "local.tokens", "buyer").returncode == 1


def test_against_paynet_s_test_host_it_takes_a_key_and_shows_it_nowhere(
    tmp_path: Path,
) -> None:
    key = tmp_path / "key"
    key.write_text("sck_pcs_canary\n", "utf-8")
    with running(tmp_path, PAYNET="test", PAYNET_KEY_FILE=str(key)) as system:
        assert "PAYNET's test host" in system.said
        assert system.facts["simulator_url"] is None
        assert "make story" not in system.said
        assert "simulator" not in system.said
        refused = python(tmp_path, "local.story")
        assert refused.returncode == 1
        assert "without PAYNET=test" in refused.stderr
        key.unlink()
        texts = [file.read_text("utf-8") for file in tmp_path.rglob("*.*")]
        assert not [text for text in (system.said, *texts) if "canary" in text]


def refused(state: Path, *arguments: str, **wishes: str) -> str:
    """What it says when it does not start; never a traceback, never a prompt."""
    run = subprocess.run(
        [sys.executable, "-m", "local.run", *arguments],
        cwd=ROOT,
        env={**os.environ, "EMANET_STATE": str(state), "PORT": "0", **wishes},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        start_new_session=True,
        check=False,
    )
    assert run.returncode == 1
    assert "secret key" not in run.stdout
    [sentence] = run.stderr.splitlines()
    return sentence


@pytest.mark.parametrize("paynet", ["production", "Test", "prod", "sandbox"])
def test_only_the_simulator_and_the_test_host_are_taken(
    tmp_path: Path, paynet: str
) -> None:
    sentence = "Stopped: PAYNET is simulator or test: say `make run PAYNET=test`."
    assert refused(tmp_path, PAYNET=paynet) == sentence
    assert refused(tmp_path, "--paynet", paynet) == sentence


@pytest.mark.parametrize("mode", ["Hosted", "form", "API"])
def test_only_the_two_payment_modes_are_taken(tmp_path: Path, mode: str) -> None:
    sentence = (
        "Stopped: PAYMENT_MODE is api or hosted: say `make run PAYMENT_MODE=hosted`."
        f" It is not {mode!r}."
    )
    assert refused(tmp_path, PAYMENT_MODE=mode) == sentence
    assert refused(tmp_path, "--parameter", f"PaymentMode={mode}") == sentence


def test_paynet_s_own_form_at_the_test_host_needs_its_publishable_key(
    tmp_path: Path,
) -> None:
    key = tmp_path / "key"
    key.write_text("sck_pcs_canary\n", "utf-8")
    asked = {"PAYNET": "test", "PAYNET_KEY_FILE": str(key), "PAYMENT_MODE": "hosted"}
    assert "PAYNET_PUBLISHABLE_KEY" in refused(tmp_path, **asked)


def test_no_template_parameter_chooses_another_host_of_paynet(tmp_path: Path) -> None:
    wanted = "PaynetEnvironment=production"
    assert "PAYNET's host" in refused(tmp_path, "--parameter", wanted)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "-1"),
        ("PORT", "65533"),
        ("PORT", "70000"),
        ("RECONCILE_EVERY_S", "x"),
        ("RECONCILE_EVERY_S", "0"),
        ("RECONCILE_EVERY_S", "nan"),
        ("RECONCILE_EVERY_S", "inf"),
        ("DYNAMODB_ENDPOINT", "foo"),
        ("DYNAMODB_ENDPOINT", "127.0.0.1:8000"),
        ("DYNAMODB_ENDPOINT", "ftp://127.0.0.1:8000"),
        ("DYNAMODB_ENDPOINT", "http://"),
        ("DYNAMODB_ENDPOINT", "http://127.0.0.1:99999"),
        ("DYNAMODB_ENDPOINT", "http://127.0.0.1:1"),
    ],
)
def test_a_wrong_wish_is_named_in_one_sentence(
    tmp_path: Path, variable: str, value: str
) -> None:
    assert variable in refused(tmp_path, **{variable: value})


def no_dynamodb(_: WSGIEnvironment, start: StartResponse) -> list[bytes]:
    start("404 Not Found", [])
    return []


def test_what_listens_but_is_no_dynamodb_is_named_in_one_sentence(
    tmp_path: Path,
) -> None:
    with serving(no_dynamodb) as url:
        assert f"DYNAMODB_ENDPOINT={url}" in refused(tmp_path, DYNAMODB_ENDPOINT=url)


def test_a_parameter_without_a_value_is_named_in_one_sentence(tmp_path: Path) -> None:
    assert "Name=Value, not 'foo'" in refused(tmp_path, "--parameter", "foo")


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"pbk_canary", b"sck_can ary", b"\xff"]
)
def test_a_file_without_a_key_is_named_in_one_sentence(
    tmp_path: Path, content: bytes
) -> None:
    key = tmp_path / "key"
    key.write_bytes(content)
    sentence = refused(tmp_path, PAYNET="test", PAYNET_KEY_FILE=str(key))
    assert f"PAYNET_KEY_FILE={key}" in sentence
    assert "ary" not in sentence


def test_a_missing_key_file_is_named_in_one_sentence(tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere")
    assert missing in refused(tmp_path, PAYNET="test", PAYNET_KEY_FILE=missing)


def test_without_a_terminal_it_says_where_a_key_may_be_named(tmp_path: Path) -> None:
    sentence = refused(tmp_path, PAYNET="test", PAYNET_KEY_FILE="")
    assert "PAYNET_KEY_FILE" in sentence


def test_the_state_is_not_cleaned_while_it_runs(system: System, tmp_path: Path) -> None:
    stopped = python(system.state, "local.running")
    assert stopped.returncode == 1
    pid = system.facts["pid"]
    assert stopped.stderr == f"It runs (pid {pid}): Ctrl-C there first.\n"
    assert python(tmp_path, "local.running").returncode == 0


def test_no_command_line_shows_a_secret(system: System) -> None:
    listed = subprocess.run(
        ["ps", "-eww", "-o", "args="], check=True, capture_output=True, text=True
    ).stdout
    assert "local.paynet_simulator" in listed
    assert system.facts["webhook_secret"] not in listed
    assert "sck_pcs_" not in listed


def test_a_child_that_does_not_listen_is_killed() -> None:
    deaf = "trap '' TERM; echo ready; while :; do sleep 1; done"
    child = children.start("deaf", ["/bin/sh", "-c", deaf], {})
    children.stop(child)
    assert child.returncode is not None
