"""Waits until the file named in the body exists; says meanwhile that it is there."""

import json
import os
import time
from pathlib import Path
from typing import Any


def lambda_handler(event: dict[str, Any], _context: object) -> object:
    folder = Path(json.loads(event["body"])["folder"])
    (folder / f"in-{os.getpid()}").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)
    return {"pid": os.getpid()}
