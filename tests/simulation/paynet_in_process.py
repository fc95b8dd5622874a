"""PAYNET in this process: every request of the `requests` library ends in the
simulator's own application, without a socket. Ours carry the secret key and are
effects; what a payer's browser asks is none."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from waitress.channel import ClientDisconnected

from tests.simulation.effects import DEATHS, OVERTAKEN, Fault, Killed, Kind, Outside

ADDRESS = "http://127.0.0.1:1"  # no port of this number is ever opened here
READ_TIMEOUT_S = 15.0


class Wire:
    """Stands where `requests` would open a connection. `patient` is called with the
    seconds that a caller waited in vain."""

    def __init__(
        self,
        simulator: Flask,
        key: str,
        outside: Outside,
        patient: Callable[[float], None],
    ) -> None:
        self._browser = simulator.test_client()
        self._ours = f"Basic {key}"
        self._outside = outside
        self._patient = patient
        self.on_its_way: list[requests.PreparedRequest] = []
        self._plain = HTTPAdapter()

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """Takes the place of HTTPAdapter.send."""
        if request.headers.get("Authorization") != self._ours:
            return self._answer(request)
        fault = self._outside.begin(Kind.PAYNET, request.path_url)
        if fault is Fault.ERROR_BEFORE:
            raise requests.ConnectionError
        if fault in OVERTAKEN:
            self.on_its_way.append(request)
        answer = None if fault in OVERTAKEN else self._answer(request)
        if fault in DEATHS:
            raise Killed(request.path_url)
        if fault is Fault.ERROR_AFTER:
            raise requests.ConnectionError
        if answer is None or fault is Fault.LATE:
            self._patient(READ_TIMEOUT_S)
            raise requests.ReadTimeout
        return answer

    def arrive(self) -> None:
        """What is on its way reaches PAYNET. Nobody hears the answers."""
        while self.on_its_way:
            with suppress(requests.ConnectionError):
                self._answer(self.on_its_way.pop(0))

    def _answer(self, request: requests.PreparedRequest) -> requests.Response:
        try:
            told = self._browser.open(
                request.path_url,
                method=request.method,
                headers=dict(request.headers),
                data=request.body or b"",
            )
        except ClientDisconnected:
            raise requests.ConnectionError from None
        raw = HTTPResponse(
            io.BytesIO(told.data),
            dict(told.headers),
            told.status_code,
            preload_content=False,
        )
        return self._plain.build_response(request, raw)
