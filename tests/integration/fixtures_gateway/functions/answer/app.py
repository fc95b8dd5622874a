"""Answers with whatever the request's body says, or raises, or dies."""

import json
import os
from typing import Any


def lambda_handler(event: dict[str, Any], _context: object) -> object:
    wanted = json.loads(event["body"])
    if wanted == "raise":
        raise ValueError("as asked")
    if wanted == "die":
        os._exit(3)
    return wanted
