"""Faults on demand: what can go wrong between PAYNET and a caller, for any path, once
or N times, before or after the effect. It never touches the books."""

from collections.abc import Callable, Iterator
from itertools import chain
from threading import Barrier, BrokenBarrierError, Lock
from typing import Any, Literal

from flask import Response
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from waitress.channel import ClientDisconnected

from local.paynet_simulator import wire
from local.paynet_simulator.settings import Settings

Kind = Literal[
    "hang",  # silence for `delay_s`, then the connection is closed
    "close",  # the connection is closed without a byte
    "slow",  # the right answer, `delay_s` later
    "drip",  # the right answer, a byte every `delay_s`
    "meet",  # nobody goes on before `parties` calls are inside (at most `delay_s`)
    "status",  # an error object with HTTP `status`
    "html",  # a page where JSON belongs
    "empty",  # HTTP 200 and nothing
    "huge",  # the right answer inside more than 1 MB
    "truncated",  # half of the right answer
    "redirect",  # 302 to `location`
    "content_type",  # the right answer, called text/plain
    "rewrite",  # the right answer with `fields` changed and `without` left out
]
Pause = Callable[[float], object]

HUGE_BYTES = 1_200_000
MEETING_S = 10


class Fault(BaseModel):
    """`times` None means every time; `path` "*" means every path of PAYNET's."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    path: str = "*"
    when: Literal["before", "after"] = "after"
    times: int | None = Field(default=1, ge=1)
    delay_s: float | None = Field(default=None, ge=0)
    status: int = Field(default=500, ge=400, le=599)
    location: str = "http://127.0.0.1:9/"
    parties: int = Field(default=2, ge=1)
    fields: dict[str, Any] = {}
    without: list[str] = []
    _meeting: Barrier | None = PrivateAttr(None)

    def model_post_init(self, _: object) -> None:
        if self.kind == "meet":
            self._meeting = Barrier(self.parties)

    def meet(self, timeout_s: float) -> None:
        if self._meeting is not None:
            try:
                self._meeting.wait(timeout_s)
            except BrokenBarrierError:
                return


class Faults:
    """The faults still to come, first added first taken."""

    def __init__(self, settings: Settings, pause: Pause) -> None:
        self._settings = settings
        self._pause = pause
        self._lock = Lock()
        self._waiting: list[Fault] = []

    def add(self, kind: Kind, path: str = "*", **details: Any) -> Fault:
        return self.plant(Fault(kind=kind, path=path, **details))

    def plant(self, fault: Fault) -> Fault:
        if fault.kind == "meet" and fault.times == 1:
            fault.times = fault.parties
        with self._lock:
            self._waiting.append(fault)
        return fault

    def take(self, path: str) -> Fault | None:
        with self._lock:
            fault = next((f for f in self._waiting if f.path in {"*", path}), None)
            if fault is not None and fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
            return fault

    def waiting(self) -> list[Fault]:
        with self._lock:
            return list(self._waiting)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def instead(self, fault: Fault) -> Response | None:
        """Before the effect: what is answered in its place; None lets it happen."""
        self._wait(fault)
        if fault.kind in {"slow", "meet"}:
            return None
        return self._bent(fault, Response("{}", content_type="application/json"))

    def bend(self, fault: Fault, answer: Response) -> Response:
        """After the effect: what the caller gets of the right answer."""
        self._wait(fault)
        return self._bent(fault, answer)

    def _wait(self, fault: Fault) -> None:
        if fault.kind == "slow":
            self._pause(_first(fault.delay_s, self._settings.slow_s))
        elif fault.kind == "hang":
            self._pause(_first(fault.delay_s, self._settings.hang_s))
        elif fault.kind == "meet":
            fault.meet(_first(fault.delay_s, MEETING_S))

    def _bent(self, fault: Fault, answer: Response) -> Response:
        if fault.kind == "drip":
            pace_s = _first(fault.delay_s, 0.1)
            return _again(answer, _dripping(answer.get_data(), pace_s, self._pause))
        return _BENDS.get(fault.kind, _untouched)(fault, answer)


def _first(wanted_s: float | None, usual_s: float) -> float:
    return usual_s if wanted_s is None else wanted_s


def _untouched(_: Fault, answer: Response) -> Response:
    return answer


def _gone(_: Fault, _answer: Response) -> Response:
    return Response(_closing())


def _closing() -> Iterator[bytes]:
    # waitress closes the connection, without a byte, on this one exception.
    raise ClientDisconnected
    yield b""


def _dripping(body: bytes, pace_s: float, pause: Pause) -> Iterator[bytes]:
    for place in range(len(body)):
        pause(pace_s)
        yield body[place : place + 1]


def _again(answer: Response, body: Iterator[bytes] | bytes | str) -> Response:
    return Response(body, answer.status_code, content_type=answer.content_type)


def _status(fault: Fault, _: Response) -> Response:
    return wire.Refused(fault.status, "api_error", 8, "Beklenmeyen hata").answer()


def _html(_: Fault, _answer: Response) -> Response:
    page = "<!doctype html><title>Bakım</title><h1>Bakım çalışması</h1>"
    return Response(page, content_type="text/html; charset=utf-8")


def _empty(_: Fault, _answer: Response) -> Response:
    return Response(b"", content_type="application/json")


def _huge(_: Fault, answer: Response) -> Response:
    # White space is legal JSON: only the size is wrong.
    return _again(answer, b" " * HUGE_BYTES + answer.get_data())


def _truncated(_: Fault, answer: Response) -> Response:
    body = answer.get_data()
    return _again(answer, body[: len(body) // 2])


def _redirect(fault: Fault, _: Response) -> Response:
    return Response(status=302, headers={"Location": fault.location})


def _content_type(_: Fault, answer: Response) -> Response:
    return Response(answer.get_data(), answer.status_code, content_type="text/plain")


def _rewrite(fault: Fault, answer: Response) -> Response:
    """Changes a field wherever it stands; one that stands nowhere is added on top."""
    body = wire.loads(answer.get_data())
    parts = list(_parts(body))
    for name, value in fault.fields.items():
        for part in [part for part in parts if name in part] or [body]:
            part[name] = value
    for part in parts:
        for name in fault.without:
            part.pop(name, None)
    return _again(answer, wire.dumps(body))


def _parts(body: wire.Body) -> Iterator[wire.Body]:
    """The body and every row of its lists."""
    yield body
    lists = (value for value in body.values() if isinstance(value, list))
    for row in chain.from_iterable(lists):
        yield from _parts(row)


_BENDS: dict[str, Callable[[Fault, Response], Response]] = {
    "hang": _gone,
    "close": _gone,
    "status": _status,
    "html": _html,
    "empty": _empty,
    "huge": _huge,
    "truncated": _truncated,
    "redirect": _redirect,
    "content_type": _content_type,
    "rewrite": _rewrite,
}
