"""`make clock` moves the whole local system: its requests, its functions' clock, the
schedules of days, and PAYNET's simulator, all together and only forwards."""

from __future__ import annotations

import fcntl
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from local import scheduler
from local.api_gateway.resources import create_table
from local.api_gateway.schedule import ScheduleError, read_schedule
from local.api_gateway.server import ApiGateway
from local.api_gateway.template import Template, TemplateError
from local.api_gateway.worker import LocalLambda
from local.clock import ClockError, duration, spoken
from local.engines import Engine
from local.scheduler import Alarm, Scheduler
from local.serving import serving
from tests.local_system import ROOT, TIMEOUT_S, System, python, running
from tests.stage import parameters, surroundings

A_DAY = timedelta(days=1)
LAYER = ROOT / "layers/emanet/python"

# ── How far ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("6h", timedelta(hours=6)),
        ("3d", 3 * A_DAY),
        ("1d12h", timedelta(days=1, hours=12)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("0d1s", timedelta(seconds=1)),
        ("400d", 400 * A_DAY),
    ],
)
def test_a_length_of_time_is_read(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize(
    "text",
    [
        *("", "3", "d", "3 days", "3D", "3w", "1.5d", "١d", "12h1d", "1d1d", " 3d"),
        *("0s", "0d0h", "-3d", "+3d", "401d", "400d1s", "99999999d", "999999999s"),
    ],
)
def test_a_wrong_length_is_refused_and_named(text: str) -> None:
    with pytest.raises(ClockError, match="ADD is how far") as refusal:
        duration(text)
    assert repr(text) in str(refusal.value)


@pytest.mark.parametrize("text", ["90s", "3d", "1d12h", "400d"])
def test_a_length_is_told_as_it_is_given(text: str) -> None:
    assert duration(spoken(duration(text))) == duration(text)


# ── The functions and their requests ─────────────────────────────────────────

APP = """
from emanet import bootstrap

def lambda_handler(event, context):
    return {
        "event": event,
        "now_ms": bootstrap.clock().timestamp() * 1000,
        "desk_ms": bootstrap.desk().clock().timestamp() * 1000,
        "left_ms": context.get_remaining_time_in_millis(),
    }
"""
TEMPLATE = """
Parameters:
  OwnUrl: { Type: String, Default: "" }
  Places: { Type: Number, Default: 5 }
  Watched: { Type: String, Default: false, AllowedValues: [true, false] }
Conditions:
  HasOwnUrl: !Not [!Equals [!Ref OwnUrl, ""]]
  IsWatched: !Equals [!Ref Watched, "true"]
  IsBoth: !And [!Condition HasOwnUrl, !Condition IsWatched]
  IsEither: !Or [!Condition HasOwnUrl, !Condition IsWatched]
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration:
        AllowOrigins: ["https://shop.example"]
        AllowMethods: [GET, DELETE]
  ClockFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.lambda_handler
      CodeUri: clock/
      Layers: [!Ref Layer]
      ReservedConcurrentExecutions: !If [IsWatched, 1, !Ref AWS::NoValue]
      Environment:
        Variables:
          TABLE_NAME: books
          URL: !If
            - HasOwnUrl
            - !Ref OwnUrl
            - !Sub "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
          PLACES: !Ref Places
          WATCHED: true
          BOTH: !If [IsBoth, yes-both, not-both]
          EITHER: !If [IsEither, yes-either, neither]
          ABSENT: !Ref AWS::NoValue
      Events:
        Read: { Type: HttpApi, Properties: { Method: GET, Path: /clock } }
        Remove:
          Type: HttpApi
          Properties: { Method: DELETE, Path: "/cards/{card}/of/{payer}" }
        EveryMinute:
          Type: ScheduleV2
          Properties: { ScheduleExpression: rate(1 minute) }
        EveryDay:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: cron(30 2 * * ? *)
            ScheduleExpressionTimezone: Europe/Istanbul
  WatcherFunction:
    Type: AWS::Serverless::Function
    Condition: IsWatched
    Properties: { Handler: app.lambda_handler, CodeUri: clock/ }
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties: { ContentUri: LAYER }
""".replace("LAYER", str(LAYER))


def load(folder: Path, text: str = TEMPLATE, **parameters: str) -> Template:
    (folder / "clock").mkdir()
    (folder / "clock/app.py").write_text(APP, "utf-8")
    (folder / "template.yaml").write_text(text, "utf-8")
    return Template.load(folder / "template.yaml", parameters)


@pytest.fixture
def template(tmp_path: Path) -> Template:
    return load(tmp_path)


def test_a_function_its_request_and_its_desk_live_at_the_same_moment(
    template: Template, tmp_path: Path
) -> None:
    lead = timedelta()
    functions = LocalLambda(template.functions, {}, tmp_path, lambda: lead)
    gateway = ApiGateway(template, functions, now=lambda: datetime.now(UTC) + lead)
    with functions, serving(gateway) as url:
        for lead in (timedelta(), 4 * A_DAY, 9 * A_DAY):
            told = requests.get(f"{url}/clock", timeout=TIMEOUT_S).json()
            context = told["event"]["requestContext"]
            expected = datetime.now(UTC) + lead
            for moment_ms in (context["timeEpoch"], told["now_ms"], told["desk_ms"]):
                assert abs(moment_ms / 1000 - expected.timestamp()) < TIMEOUT_S
            assert context["time"].startswith(expected.strftime("%d/%b/%Y:"))
            assert 0 < told["left_ms"] <= 3000


def test_no_room_keeps_a_clock_of_its_own() -> None:
    """Whoever bound the clock by name would miss that it was moved."""
    apps = (ROOT / "functions").rglob("*.py")
    sources = [*LAYER.joinpath("emanet").rglob("*.py"), *apps]
    assert sources
    bound = "from emanet.bootstrap import"
    assert [path for path in sources if bound in path.read_text("utf-8")] == []


# ── Schedules ────────────────────────────────────────────────────────────────


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "moment", "following"),
    [
        ("rate(1 minute)", "UTC", "2026-03-01 12:00", "2026-03-01 12:01"),
        ("rate(1 day)", "UTC", "2026-03-01 12:00", "2026-03-02 12:00"),
        ("cron(30 2 * * ? *)", "UTC", "2026-03-01 02:29:59", "2026-03-01 02:30"),
        ("cron(30 2 * * ? *)", "UTC", "2026-03-01 02:30", "2026-03-02 02:30"),
        ("cron(30 2 ? * * *)", "UTC", "2026-12-31 12:00", "2027-01-01 02:30"),
        (
            "cron(30 2 * * ? *)",
            "Europe/Istanbul",
            "2026-03-01 12:00",
            "2026-03-01 23:30",
        ),
        (
            "cron(30 2 * * ? *)",
            "Europe/Istanbul",
            "2026-03-01 23:30",
            "2026-03-02 23:30",
        ),
        ("cron(0 12 * * ? *)", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 10:00"),
    ],
)
def test_a_schedule_knows_its_next_moment(
    expression: str, zone: str, moment: str, following: str
) -> None:
    assert read_schedule(expression, zone).next_after(utc(moment)) == utc(following)


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("rate(0 minutes)", "UTC"),
        ("rate(5 weeks)", "UTC"),
        ("cron(60 2 * * ? *)", "UTC"),
        ("cron(0 24 * * ? *)", "UTC"),
        ("cron(0 2 1 * ? *)", "UTC"),
        ("cron(0/5 * * * ? *)", "UTC"),
        ("cron(0 2 * * *)", "UTC"),
        ("at(2026-01-01T00:00:00)", "UTC"),
        ("cron(0 2 * * ? *)", "Europe/Nowhere"),
        ("cron(0 2 * * ? *)", "../etc/passwd"),
    ],
)
def test_a_schedule_that_is_not_understood_is_refused(
    expression: str, zone: str
) -> None:
    with pytest.raises(ScheduleError):
        read_schedule(expression, zone)


def test_a_day_that_is_passed_rings_once_however_far_the_clock_went() -> None:
    alarm = Alarm(read_schedule("cron(30 2 * * ? *)", "UTC"), utc("2026-03-01 12:00"))
    assert not alarm.rings(utc("2026-03-02 02:29"))
    assert alarm.rings(utc("2026-03-02 02:30"))
    assert not alarm.rings(utc("2026-03-02 02:31"))
    assert alarm.rings(utc("2026-03-05 12:00"))
    assert not alarm.rings(utc("2026-03-05 12:00"))
    assert alarm.rings(utc("2026-03-06 02:30"))


def test_minutes_beat_by_real_time_and_days_by_the_moved_clock(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "LOOK_EVERY_S", 0.01)
    now = utc("2026-03-01 12:00")
    fired: list[Any] = []
    beats = Scheduler(
        template.functions, lambda _, event: fired.append(event), 0.02, lambda: now
    )
    by_day = Scheduler(
        template.functions, lambda _, event: fired.append(event), 3600, lambda: now
    )
    with beats:
        wait_for(lambda: len(fired) >= 2)
    fired.clear()
    with by_day:
        time.sleep(0.1)
        assert not fired
        now += 3 * A_DAY
        wait_for(lambda: bool(fired))
        time.sleep(0.1)
    assert [event["time"] for event in fired] == ["2026-03-04T12:00:00Z"]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


# ── What the template may say ────────────────────────────────────────────────


def test_a_function_may_have_several_schedules(template: Template) -> None:
    schedules = template.functions["ClockFunction"].schedules
    assert [schedule.every for schedule in schedules] == [A_DAY / 1440, A_DAY]


def test_a_schedule_that_sends_something_else_stops_it(tmp_path: Path) -> None:
    minute = "ScheduleExpression: rate(1 minute)"
    text = TEMPLATE.replace(minute, f'{minute}, Input: "{{}}"')
    with pytest.raises(TemplateError, match="Input"):
        load(tmp_path, text)


def test_a_schedule_that_is_not_understood_stops_it(tmp_path: Path) -> None:
    text = TEMPLATE.replace("cron(30 2 * * ? *)", "cron(30 2 * * MON *)")
    with pytest.raises(TemplateError, match=r"ClockFunction: .*MON"):
        load(tmp_path, text)


def test_a_condition_chooses_between_two_values(template: Template) -> None:
    variables = template.functions["ClockFunction"].environment
    assert variables["URL"] == "https://Api.execute-api.eu-central-1.amazonaws.com"
    assert (variables["BOTH"], variables["EITHER"]) == ("not-both", "neither")


def test_a_condition_follows_the_parameters(tmp_path: Path) -> None:
    template = load(tmp_path, OwnUrl="https://pay.example", Watched="true")
    variables = template.functions["ClockFunction"].environment
    assert variables["URL"] == "https://pay.example"
    assert (variables["BOTH"], variables["EITHER"]) == ("yes-both", "yes-either")


def test_what_has_no_value_is_as_if_not_written(template: Template) -> None:
    function = template.functions["ClockFunction"]
    assert function.reserved_concurrency is None
    assert "ABSENT" not in function.environment


def test_reserved_concurrency_may_be_a_number_behind_a_condition(
    tmp_path: Path,
) -> None:
    template = load(tmp_path, Watched="true")
    assert template.functions["ClockFunction"].reserved_concurrency == 1


def test_a_resource_is_made_only_if_its_condition_holds(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert "WatcherFunction" not in load(tmp_path).functions
    assert "WatcherFunction" in load(tmp_path / "other", Watched="true").functions


def test_numbers_and_yes_or_no_arrive_as_cloudformation_writes_them(
    template: Template,
) -> None:
    variables = template.functions["ClockFunction"].environment
    assert (variables["PLACES"], variables["WATCHED"]) == ("5", "true")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("!If [IsBoth,", "!If [Missing,", "Missing"),
        ("!Condition IsWatched]", "!Contains [a]]", "Contains"),
        ("!Ref Places", "!Ref WatcherFunction", "WatcherFunction"),
        ("Default: 5", "Default: five", "Places"),
    ],
)
def test_what_is_not_understood_stops_it(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    assert old in TEMPLATE
    with pytest.raises(TemplateError, match=named):
        load(tmp_path, TEMPLATE.replace(old, new))


def test_a_delete_reaches_its_function_with_its_path_s_variables(
    template: Template, tmp_path: Path
) -> None:
    functions = LocalLambda(template.functions, {}, tmp_path)
    with functions, serving(ApiGateway(template, functions)) as url:
        answer = requests.delete(f"{url}/cards/c-1/of/buyer-1", timeout=TIMEOUT_S)
        event = answer.json()["event"]
        asked = requests.options(
            f"{url}/cards/c-1/of/buyer-1",
            headers={
                "Origin": "https://shop.example",
                "Access-Control-Request-Method": "DELETE",
            },
            timeout=TIMEOUT_S,
        )
    assert event["routeKey"] == "DELETE /cards/{card}/of/{payer}"
    assert event["pathParameters"] == {"card": "c-1", "payer": "buyer-1"}
    assert event["requestContext"]["http"]["method"] == "DELETE"
    assert asked.headers["access-control-allow-methods"] == "GET,DELETE"


# ── The running system ───────────────────────────────────────────────────────


def stand_ahead(state: Path, **by: float) -> None:
    """As if an earlier run had been moved."""
    ahead_s = int(timedelta(**by).total_seconds())
    (state / "clock.json").write_text(json.dumps({"ahead_s": ahead_s}), "utf-8")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    state = tmp_path_factory.mktemp("state")
    stand_ahead(state, days=30)
    with running(state, RECONCILE_EVERY_S="0.3") as system:
        yield system


def clock(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return python(state, "local.clock", *words)


def refused(state: Path, *words: str) -> str:
    """The one sentence that it says instead of moving."""
    said = clock(state, *words)
    assert (said.returncode, said.stdout) == (1, "")
    [sentence] = said.stderr.splitlines()
    return sentence


def simulator_offset_s(facts: dict[str, Any]) -> float:
    url = f"{facts['simulator_url']}/_simulator/settings"
    offset_s: float = requests.get(url, timeout=TIMEOUT_S).json()["clock_offset_s"]
    return offset_s


def register(shop_url: str) -> str:
    answer = requests.post(
        f"{shop_url}/shop/orders", json={"product": "kilim"}, timeout=TIMEOUT_S
    )
    return str(answer.json()["escrow_id"])


def read(system: System, escrow_id: str) -> dict[str, Any]:
    token = python(system.state, "local.tokens", "buyer").stdout.strip()
    answer = requests.get(
        f"{system.facts['api_url']}/api/escrows/{escrow_id}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=TIMEOUT_S,
    )
    escrow: dict[str, Any] = answer.json()
    return escrow


def test_new_books_begin_in_the_present(system: System) -> None:
    escrow = read(system, register(system.facts["shop_url"]))
    created = datetime.fromisoformat(escrow["history"][0]["at"])
    assert abs(datetime.now(UTC) - created) < A_DAY
    assert "ahead" not in system.said
    assert clock(system.state).stdout.endswith(" UTC: as on this machine.\n")
    assert simulator_offset_s(system.facts) == 0


def test_four_days_later_an_unpaid_escrow_is_expired_and_paynet_is_there_too(
    system: System,
) -> None:
    escrow_id = register(system.facts["shop_url"])
    before_s = simulator_offset_s(system.facts)
    moved = clock(system.state, "4d")
    assert moved.returncode == 0, moved.stderr
    present, reminder = moved.stdout.splitlines()
    assert "d ahead of this machine." in present
    assert reminder == "What is due now is reconciled within 0.3 s."
    assert simulator_offset_s(system.facts) == before_s + 4 * 86_400
    wait_for(lambda: read(system, escrow_id)["status"] == "expired")
    [created, expired] = read(system, escrow_id)["history"]
    later = datetime.fromisoformat(expired["at"]) - datetime.fromisoformat(
        created["at"]
    )
    assert later > 4 * A_DAY


def test_moves_add_up(system: System) -> None:
    before_s = simulator_offset_s(system.facts)
    for word in ("1h", "30m"):
        assert clock(system.state, word).returncode == 0
    assert simulator_offset_s(system.facts) == before_s + 5400
    kept = json.loads((system.state / "clock.json").read_text("utf-8"))
    assert kept == {"ahead_s": before_s + 5400}


def test_asking_for_the_time_moves_nothing(system: System) -> None:
    before_s = simulator_offset_s(system.facts)
    told = clock(system.state, "")
    assert told.returncode == 0
    [present] = told.stdout.splitlines()
    assert " in Istanbul, " in present
    assert simulator_offset_s(system.facts) == before_s


def test_a_wrong_wish_is_named_in_one_sentence_and_moves_nothing(
    system: System,
) -> None:
    before_s = simulator_offset_s(system.facts)
    assert "'-3d'" in refused(system.state, "-3d")
    assert simulator_offset_s(system.facts) == before_s


def test_with_nothing_running_it_names_make_run(tmp_path: Path) -> None:
    assert "make run" in refused(tmp_path, "3d")


@contextmanager
def pretended(state: Path, facts: dict[str, Any]) -> Iterator[None]:
    """To the other commands it looks as if this ran."""
    (state / "run.json").write_text(json.dumps(facts), "utf-8")
    with (state / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_paynet_s_own_days_are_not_moved(system: System, tmp_path: Path) -> None:
    with pretended(tmp_path, {**system.facts, "simulator_url": None}):
        assert "PAYNET's own days" in refused(tmp_path, "3d")
        assert clock(tmp_path).returncode == 0
    assert not (tmp_path / "clock.json").exists()


def test_when_paynet_does_not_follow_nothing_is_moved(
    system: System, tmp_path: Path
) -> None:
    nobody = "http://127.0.0.1:1"
    with pretended(tmp_path, {**system.facts, "simulator_url": nobody}):
        assert "does not follow" in refused(tmp_path, "3d")
    assert not (tmp_path / "clock.json").exists()


# ── The next run ─────────────────────────────────────────────────────────────


@pytest.fixture
def kept_books(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A DynamoDB in which an earlier run left its table."""
    for variable, value in surroundings(engine).items():
        monkeypatch.setenv(variable, value)
    template = Template.load(ROOT / "template.yaml", parameters(""))
    dynamodb = boto3.client("dynamodb")
    create_table(dynamodb, template)
    yield engine.dynamodb_endpoint
    dynamodb.delete_table(TableName=template.table["TableName"])
    dynamodb.close()


def test_kept_books_go_on_at_their_own_time(kept_books: str, tmp_path: Path) -> None:
    stand_ahead(tmp_path, days=3)
    with running(tmp_path, DYNAMODB_ENDPOINT=kept_books) as system:
        assert "The clock is still 3d ahead." in system.said
        assert simulator_offset_s(system.facts) == 3 * 86_400


def test_books_that_are_ahead_do_not_meet_paynet_s_own_days(
    kept_books: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ahead(tmp_path, days=3)
    key = tmp_path / "key"
    key.write_text("sck_pcs_canary", "utf-8")
    monkeypatch.setenv("DYNAMODB_ENDPOINT", kept_books)
    monkeypatch.setenv("PAYNET_KEY_FILE", str(key))
    stopped = python(tmp_path, "local.run", "--port", "0", "--paynet", "test")
    assert stopped.returncode == 1
    assert "the books are 3d ahead" in stopped.stderr
