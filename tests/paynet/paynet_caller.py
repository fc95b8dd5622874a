"""A shop's server that knows PAYNET's secret key, for the tests of its simulator."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import requests

from local.paynet_simulator.simulator import PaynetSimulator

KEY = "sck_pcs_Test/key+of=nobody"
TIMEOUT_S = 10


@dataclass
class PaynetCaller:
    """Calls with the key, and reads what it is told with every digit."""

    simulator: PaynetSimulator
    url: str

    def call(self, path: str, body: object, *, key: str = KEY) -> requests.Response:
        return requests.post(
            self.url + path,
            json=body,
            headers={"Authorization": f"Basic {key}"},
            timeout=TIMEOUT_S,
        )

    def told(self, path: str, body: object) -> dict[str, Any]:
        answer = self.call(path, body)
        assert answer.status_code == 200, answer.text
        return dict(json.loads(answer.text, parse_float=Decimal))
