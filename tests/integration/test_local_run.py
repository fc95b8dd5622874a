"""`make run`: one command starts everything, and nothing outlives it."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from local.paynet_simulator.cards import OURS, PUBLISHED
from local.shop import GOES_WRONG, PAYS
from tests.local_system import TIMEOUT_S, System, python, running


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
    log = system.state / "logs/reconcile.log"
    wait_for(lambda: log.exists() and '"service":"emanet"' in log.read_text("utf-8"))


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
        key.unlink()
        texts = [file.read_text("utf-8") for file in tmp_path.rglob("*.*")]
        assert not [text for text in (system.said, *texts) if "canary" in text]
