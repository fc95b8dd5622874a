"""`make story` with every chapter, and the three curl lines of the README, against a
running system."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from local.issuer import Issuer
from local.story.__main__ import CHAPTERS
from local.story.payment import DECLINED_CARD, TIMELINE
from local.story.scenes import AMOUNT, GOOD_CARD, PAID_MINOR
from tests.local_system import ROOT, System, python, running

TIMEOUT_S = 60
CHAPTERS_TIMEOUT_S = 180


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("state"), RECONCILE_EVERY_S="1") as system:
        yield system


def read(system: System, escrow_id: str) -> requests.Response:
    issuer = Issuer.load(system.facts["issuer_url"], system.state / "issuer.pem")
    return requests.get(
        f"{system.facts['api_url']}/api/escrows/{escrow_id}",
        headers={"Authorization": f"Bearer {issuer.token('buyer')}"},
        timeout=TIMEOUT_S,
    )


def test_the_story_goes_as_it_should(system: System) -> None:
    played = python(system.state, "local.story")
    assert played.returncode == 0, played.stderr
    line = r"^ +\d+  [-\d]{10}T[\d:.]{12}  (\w+) "
    told = re.findall(line, played.stdout, re.MULTILINE)
    assert told == TIMELINE
    assert f"taken_minor {PAID_MINOR}, charges 1" in played.stdout
    assert "taken_minor 0, charges 0" in played.stdout


def test_the_story_shows_no_card_no_secret_and_no_colour_to_a_file(
    system: System,
) -> None:
    told = python(system.state, "local.story").stdout
    assert DECLINED_CARD not in told
    assert GOOD_CARD not in told
    assert "540667******5403" in told
    assert not re.search(r"token_id=|\b[0-9a-f]{32}\b|eyJ|/\d+/[a-z2-7]{32}", told)
    assert "\x1b" not in told


def test_the_story_stops_at_the_first_difference(system: System) -> None:
    """Here PAYNET answers neither the first charge nor its repeat."""
    fault = {"kind": "close", "path": "/v2/transaction/tds_charge", "times": 2}
    planted = requests.post(
        f"{system.facts['simulator_url']}/_simulator/faults",
        json={**fault, "when": "before"},
        timeout=TIMEOUT_S,
    )
    assert planted.status_code == 200
    stopped = python(system.state, "local.story")
    assert stopped.returncode == 1
    assert (
        stopped.stderr
        == "The story stops: status: expected 'created', got 'charging'\n"
    )
    assert "Another card pays" not in stopped.stdout


@pytest.fixture(scope="module")
def all_chapters(system: System) -> str:
    played = story(system, "all")
    assert played.returncode == 0, f"{played.stdout}\n{played.stderr}"
    return played.stdout


def of_mode(mode: str) -> list[str]:
    return [name for name, chapter in CHAPTERS.items() if chapter.mode == mode]


def morals(told: str) -> list[str]:
    return re.findall(r"The story went as it should: (.+)\.", told)


@pytest.mark.parametrize("name", of_mode("api"))
def test_a_chapter_goes_as_it_should(all_chapters: str, name: str) -> None:
    assert CHAPTERS[name].moral in morals(all_chapters)


def test_all_plays_what_the_mode_allows_and_no_more(all_chapters: str) -> None:
    assert len(morals(all_chapters)) == len(of_mode("api"))


def test_a_chapter_for_paynet_s_form_says_how_to_start_it(system: System) -> None:
    refused = story(system, "hosted")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "`make run PAYMENT_MODE=hosted`; this one is api." in refused.stderr


@pytest.mark.parametrize(
    "name", ["scheduled-refund", "dispute", "compare", "instalments"]
)
def test_a_chapter_goes_the_same_way_at_midnight_in_istanbul(
    system: System, name: str
) -> None:
    go_near_midnight(system)
    played = story(system, name)
    assert played.returncode == 0, f"{played.stdout}\n{played.stderr}"


def test_an_unknown_chapter_is_told_which_there_are(system: System) -> None:
    refused = story(system, "refund")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "payment, instalments, stored-card, hosted" in refused.stderr
    assert "'refund'" in refused.stderr


def story(system: System, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.story", name],
        cwd=ROOT,
        env={**os.environ, "EMANET_STATE": str(system.state)},
        capture_output=True,
        text=True,
        timeout=CHAPTERS_TIMEOUT_S,
        check=False,
    )


def go_near_midnight(system: System) -> None:
    """To 23:59:45 in Istanbul."""
    told = python(system.state, "local.clock").stdout
    found = re.search(r" (\d\d):(\d\d):(\d\d) in Istanbul", told)
    assert found, told
    hours, minutes, seconds = map(int, found.groups())
    left_s = (86_385 - (hours * 60 + minutes) * 60 - seconds) % 86_400
    moved = python(system.state, "local.clock", f"{left_s or 86_400}s")
    assert "23:59:4" in moved.stdout, moved.stderr


def test_with_nothing_running_the_story_names_make_run(tmp_path: Path) -> None:
    refused = python(tmp_path, "local.story")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "make run" in refused.stderr


def curl_lines(system: System) -> str:
    """As the README has them, at the ports of this test."""
    blocks: list[str] = re.findall(
        r"(?ms)^```sh\n(.*?)^```", (ROOT / "README.md").read_text("utf-8")
    )
    (lines,) = (block for block in blocks if "curl" in block)
    for port, name in ((8700, "api_url"), (8701, "shop_url")):
        lines = lines.replace(f"http://127.0.0.1:{port}", system.facts[name])
    return lines


def test_three_curl_lines_create_and_pay(system: System) -> None:
    lines = curl_lines(system)
    assert [line.count("curl") > 0 for line in lines.splitlines()] == [True] * 3
    outside_make = {
        k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFL"))
    }
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=ROOT,
        env={**outside_make, "EMANET_STATE": str(system.state), "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    page, _, escrow_id = run.stdout.strip().partition("?escrow=")
    assert page == f"{system.facts['shop_url']}/return"
    paid = read(system, escrow_id).json()
    assert (paid["status"], paid["held"]) == ("held", AMOUNT)
