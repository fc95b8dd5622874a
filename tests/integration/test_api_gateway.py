"""The stand-in for API Gateway and Lambda keeps the promises of the real ones."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from local.api_gateway.server import THREADS, ApiGateway
from local.api_gateway.template import Template, TemplateError
from local.api_gateway.worker import FunctionError, LocalLambda
from local.issuer import Issuer, new_key
from local.scheduler import event as scheduled_event
from local.scheduler import rate_s
from local.serving import free_port, serving

FIXTURE = Path(__file__).parent / "fixtures_gateway/template.yaml"
TIMEOUT_S = 30


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    key_file = tmp_path_factory.mktemp("issuer") / "key.pem"
    with free_port() as port:
        issuer = Issuer.load(f"http://127.0.0.1:{port}", key_file)
    with serving(issuer.application(), port):
        yield issuer


@pytest.fixture(scope="module")
def template(issuer: Issuer) -> Template:
    return Template.load(FIXTURE, {"JwtIssuer": issuer.url})


@pytest.fixture(scope="module")
def functions(
    template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalLambda]:
    logs = tmp_path_factory.mktemp("logs")
    with LocalLambda(template.functions, {"EXTRA": "local"}, logs) as functions:
        yield functions


@pytest.fixture(scope="module")
def url(template: Template, functions: LocalLambda) -> Iterator[str]:
    with serving(ApiGateway(template, functions), threads=THREADS) as url:
        yield url


def post(
    url: str,
    data: str | bytes | dict[str, str] | None = None,
    json: object = None,
    headers: dict[str, str] | None = None,
) -> requests.Response:
    return requests.post(
        url,
        data=data,
        json=json,
        headers=headers,
        timeout=TIMEOUT_S,
        allow_redirects=False,
    )


def echo(
    url: str,
    data: str | bytes | dict[str, str] | None = None,
    json: object = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    answer = post(url, data, json, headers)
    assert answer.status_code == 200
    event: dict[str, Any] = answer.json()["event"]
    return event


# ── The event ────────────────────────────────────────────────────────────────


def test_a_request_becomes_an_event_of_format_2(url: str) -> None:
    event = echo(
        f"{url}/echo/ayşe?a=1&a=2&b=%20",
        data="merhaba",
        headers={
            "Content-Type": "text/plain",
            "Cookie": "one=1; two=2",
            "X-Forwarded-For": "203.0.113.9",
        },
    )
    assert event["version"] == "2.0"
    assert event["routeKey"] == "POST /echo/{name}"
    assert event["rawPath"] == "/echo/ayşe"
    assert event["rawQueryString"] == "a=1&a=2&b=%20"
    assert event["queryStringParameters"] == {"a": "1,2", "b": " "}
    assert event["pathParameters"] == {"name": "ayşe"}
    assert event["cookies"] == ["one=1", "two=2"]
    assert "cookie" not in event["headers"]
    assert event["headers"]["content-type"] == "text/plain"
    assert event["headers"]["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert (event["body"], event["isBase64Encoded"]) == ("merhaba", False)
    context = event["requestContext"]
    assert context["http"]["method"] == "POST"
    assert context["http"]["path"] == "/echo/ayşe"
    assert context["http"]["sourceIp"] == "127.0.0.1"
    assert context["stage"] == "$default"
    assert context["routeKey"] == "POST /echo/{name}"
    assert abs(context["timeEpoch"] / 1000 - time.time()) < TIMEOUT_S
    assert "authorizer" not in context


def test_what_a_request_lacks_is_absent_from_the_event(url: str) -> None:
    event = echo(f"{url}/echo/fixed")
    absent = {"cookies", "queryStringParameters", "pathParameters", "body"}
    assert not absent & set(event)
    assert event["isBase64Encoded"] is False


def test_a_form_arrives_as_base64_and_json_as_text(url: str) -> None:
    form = echo(f"{url}/echo/form", data={"session_id": "s+/="})
    assert form["isBase64Encoded"] is True
    assert base64.b64decode(form["body"]) == b"session_id=s%2B%2F%3D"
    text = echo(f"{url}/echo/json", json={"a": 1})
    assert text["isBase64Encoded"] is False
    assert json.loads(text["body"]) == {"a": 1}


def test_bytes_that_are_no_text_arrive_as_base64_whatever_they_claim(url: str) -> None:
    event = echo(f"{url}/echo/x", data=b"\xff", headers={"Content-Type": "text/plain"})
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\xff"


def test_a_fixed_path_wins_over_a_variable(url: str) -> None:
    assert echo(f"{url}/echo/fixed")["routeKey"] == "POST /echo/fixed"


@pytest.mark.parametrize(
    "path", ["/", "/echo", "/echo/", "/echo/a/b", "/protected", "/nothing"]
)
def test_what_the_template_does_not_route_is_not_found(url: str, path: str) -> None:
    answer = post(url + path)
    assert answer.status_code == 404
    assert answer.json() == {"message": "Not Found"}


def test_a_body_over_ten_megabytes_is_refused(url: str) -> None:
    answer = post(f"{url}/echo/big", data=b"x" * (10 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json() == {"message": "Request Entity Too Large"}


# ── Who may call ─────────────────────────────────────────────────────────────


def call_protected(url: str, token: str | None) -> requests.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return requests.get(f"{url}/protected", headers=headers, timeout=TIMEOUT_S)


def test_a_good_token_reaches_the_function_with_its_claims(
    url: str, issuer: Issuer
) -> None:
    answer = call_protected(url, issuer.token("buyer"))
    assert answer.status_code == 200
    jwt = answer.json()["event"]["requestContext"]["authorizer"]["jwt"]
    assert jwt["claims"]["sub"] == "buyer-1"
    assert jwt["claims"]["exp"].isdecimal()
    assert jwt["scopes"] == ["escrow:read", "escrow:pay"]


def test_any_one_of_the_scopes_is_enough(url: str, issuer: Issuer) -> None:
    token = issuer.mint({"sub": "o", "scope": "operations"})
    assert call_protected(url, token).status_code == 200


def test_a_token_without_the_scope_is_forbidden(url: str, issuer: Issuer) -> None:
    answer = call_protected(url, issuer.token("carrier"))
    assert answer.status_code == 403
    assert answer.json() == {"message": "Forbidden"}


WRONG_TOKENS: dict[str, Callable[[Issuer], str | None]] = {
    "absent": lambda _: None,
    "no token": lambda _: "abc",
    "expired": lambda issuer: issuer.mint({"scope": "operations", "exp": 1}),
    "not yet": lambda issuer: issuer.mint({"scope": "operations", "nbf": 2**40}),
    "no end": lambda issuer: issuer.mint({"scope": "operations", "exp": None}),
    "another issuer": lambda issuer: issuer.mint({"iss": "https://evil.example"}),
    "another audience": lambda issuer: issuer.mint({"aud": "somebody-else"}),
    "another key": lambda issuer: Issuer(issuer.url, new_key()).token("operations"),
    "altered": lambda issuer: issuer.token("operations")[:-8] + "AAAAAAAA",
    "unsigned": lambda _: "eyJhbGciOiJub25lIn0.eyJzY29wZSI6Im9wZXJhdGlvbnMifQ.",
}


@pytest.mark.parametrize("wrong", WRONG_TOKENS)
def test_a_wrong_token_is_unauthorized(url: str, issuer: Issuer, wrong: str) -> None:
    answer = call_protected(url, WRONG_TOKENS[wrong](issuer))
    assert answer.status_code == 401
    assert answer.json() == {"message": "Unauthorized"}
    assert answer.headers["www-authenticate"].startswith("Bearer")


# ── CORS ─────────────────────────────────────────────────────────────────────

SHOP = "https://shop.example"


def preflight(url: str, origin: str) -> requests.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    return requests.options(f"{url}/protected", headers=headers, timeout=TIMEOUT_S)


def test_a_preflight_from_the_shop_needs_no_token(url: str) -> None:
    answer = preflight(url, SHOP)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-allow-methods"] == "GET,POST"
    assert answer.headers["access-control-allow-headers"] == "Authorization"
    assert answer.headers["access-control-max-age"] == "60"


def test_a_preflight_from_elsewhere_is_told_nothing(url: str) -> None:
    answer = preflight(url, "https://evil.example")
    assert not [name for name in answer.headers if name.lower().startswith("access-")]


def test_the_shop_may_read_answers_even_refusals(url: str) -> None:
    answer = requests.get(
        f"{url}/protected", headers={"Origin": SHOP}, timeout=TIMEOUT_S
    )
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-expose-headers"] == "Retry-After"


def test_what_a_function_says_of_cors_does_not_count(url: str) -> None:
    evil = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"}}
    answer = post(f"{url}/answer", json=evil)
    assert "access-control-allow-origin" not in answer.headers


# ── The answer ───────────────────────────────────────────────────────────────


def test_an_answer_keeps_status_headers_cookies_and_bytes(url: str) -> None:
    answer = post(
        f"{url}/answer",
        json={
            "statusCode": 303,
            "headers": {"Location": "https://shop.example/return"},
            "cookies": ["a=1", "b=2"],
            "body": base64.b64encode(b"\x00\xff").decode(),
            "isBase64Encoded": True,
        },
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "https://shop.example/return"
    assert answer.raw.headers.getlist("set-cookie") == ["a=1", "b=2"]
    assert answer.content == b"\x00\xff"


def test_an_answer_without_a_status_is_a_json_body(url: str) -> None:
    answer = post(f"{url}/answer", json={"ok": True})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"ok": True}


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "two hundred"},
        {"statusCode": 42},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "headers": ["not", "a", "mapping"]},
        {"statusCode": 200, "headers": {"x": ["two", "values"]}},
        {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
        {"statusCode": 200, "cookies": "no list"},
        "raise",
        "die",
    ],
)
def test_a_bad_answer_becomes_internal_server_error(url: str, answer: object) -> None:
    response = post(f"{url}/answer", json=answer)
    assert response.status_code == 500
    assert response.json() == {"message": "Internal Server Error"}


# ── How often ────────────────────────────────────────────────────────────────


def test_a_route_takes_no_more_than_its_burst(
    template: Template, functions: LocalLambda
) -> None:
    now_s = 0.0
    gateway = ApiGateway(template, functions, clock=lambda: now_s)
    with serving(gateway) as url:
        statuses = [post(f"{url}/throttled").status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert post(f"{url}/throttled").json() == {"message": "Too Many Requests"}
        assert post(f"{url}/echo/other").status_code == 200
        now_s = 0.5
        assert post(f"{url}/throttled").status_code == 200


# ── Environments ─────────────────────────────────────────────────────────────


def test_a_function_has_the_template_s_environment_and_nothing_of_the_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THIS_MACHINE", "secret")
    answer = post(f"{url}/echo/x").json()
    variables = answer["variables"]
    assert variables["MODE"] == "test"
    assert variables["TABLE"] == "Books"
    assert variables["ORIGINS"] == SHOP
    assert variables["EXTRA"] == "local"
    assert not {"OF_THIS_MACHINE", "HOME", "VIRTUAL_ENV"} & set(variables)


def test_a_context_says_who_runs_and_how_long_yet(url: str) -> None:
    answer = post(f"{url}/echo/x")
    context = answer.json()
    assert context["function_name"] == "EchoFunction"
    assert context["request_id"] == answer.headers["apigw-requestid"]
    assert 0 < context["remaining_ms"] <= 2000


def test_an_idle_environment_is_used_again(url: str) -> None:
    pids = {post(f"{url}/echo/x").json()["pid"] for _ in range(3)}
    assert len(pids) == 1


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def inside(folder: Path) -> int:
    return len(list(folder.glob("in-*")))


def test_two_requests_are_inside_a_function_at_once_and_a_third_is_refused(
    url: str, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(2) as clients:
        body = {"folder": str(tmp_path)}
        calls = [clients.submit(post, f"{url}/slow", json=body) for _ in range(2)]
        wait_for(lambda: inside(tmp_path) == 2)
        refused = post(f"{url}/slow", json=body)
        (tmp_path / "go").touch()
        answers = [call.result() for call in calls]
    assert refused.status_code == 503
    assert refused.json() == {"message": "Service Unavailable"}
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["pid"] for answer in answers}) == 2


def test_a_function_is_killed_at_its_time_out_and_the_next_request_is_served(
    url: str, tmp_path: Path
) -> None:
    body = {"folder": str(tmp_path)}
    assert post(f"{url}/slow", json=body).status_code == 500
    dead = next(tmp_path.glob("in-*")).name.removeprefix("in-")
    wait_for(lambda: not _runs(int(dead)))
    (tmp_path / "go").touch()
    answer = post(f"{url}/slow", json=body)
    assert answer.status_code == 200
    assert answer.json()["pid"] != int(dead)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # asks only
    except ProcessLookupError:
        return False
    return True


def test_an_environment_can_be_killed_in_the_middle_of_a_request(
    url: str, functions: LocalLambda, tmp_path: Path
) -> None:
    body = {"folder": str(tmp_path)}
    with ThreadPoolExecutor(1) as clients:
        call = clients.submit(post, f"{url}/slow", json=body)
        wait_for(lambda: inside(tmp_path) == 1)
        [request_id] = functions.requests_in_flight("SlowFunction")
        assert functions.kill("SlowFunction", request_id)
        assert call.result().status_code == 500
    assert not functions.kill("SlowFunction", request_id)


def test_many_requests_run_at_once(url: str) -> None:
    with ThreadPoolExecutor(32) as clients:
        calls = [clients.submit(post, f"{url}/echo/{i}") for i in range(64)]
        assert {call.result().status_code for call in calls} == {200}


def test_a_function_can_be_invoked_without_http(functions: LocalLambda) -> None:
    event = scheduled_event("EchoFunction")
    answer = functions.invoke("EchoFunction", event)
    assert isinstance(answer, dict)
    assert answer["event"] == event
    with pytest.raises(FunctionError):
        functions.invoke("AnswerFunction", {"body": '"raise"'})


# ── The template ─────────────────────────────────────────────────────────────


def test_the_table_is_the_template_s_without_what_only_aws_has(
    template: Template,
) -> None:
    assert template.table == {
        "TableName": "Books",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {
            "StreamEnabled": True,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
    assert template.secrets == ("Key",)


def test_a_schedule_has_the_template_s_rate(template: Template) -> None:
    [rate] = template.functions["EchoFunction"].schedules
    assert rate_s(rate) == 60


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"JwtIssuer": "x", "Mode": "unheard-of"},
        {"JwtIssuer": "x", "Misspelt": "y"},
    ],
)
def test_parameters_that_do_not_fit_the_template_stop_it(
    parameters: dict[str, str],
) -> None:
    with pytest.raises(TemplateError):
        Template.load(FIXTURE, parameters)
