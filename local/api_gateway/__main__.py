"""`python -m local.api_gateway`: the template's API and schedules until SIGTERM.

The functions get this process's AWS_* variables (endpoints, region, keys) beside their
own from the template, and nothing else of it.
"""

from __future__ import annotations

import argparse
import logging
import os
import threading
from pathlib import Path

from local import clock
from local.api_gateway.server import THREADS, ApiGateway
from local.api_gateway.template import Template
from local.api_gateway.worker import LocalLambda
from local.running import LOGS
from local.scheduler import Scheduler
from local.serving import serving


def main() -> None:
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    parameters = dict(text.split("=", 1) for text in arguments.parameter)
    template = Template.load(arguments.template, parameters)
    aws = {name: value for name, value in os.environ.items() if name[:4] == "AWS_"}
    every_s = arguments.every_s
    with (
        LocalLambda(template.functions, aws, arguments.logs, clock.ahead) as functions,
        Scheduler(template.functions, functions.invoke, every_s, clock.now),
        serving(
            ApiGateway(template, functions, now=clock.now), arguments.port, THREADS
        ) as url,
    ):
        print(f"API Gateway at {url}", flush=True)
        threading.Event().wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.api_gateway")
    parser.add_argument("--template", type=Path, default=Path("template.yaml"))
    parser.add_argument("--parameter", action="append", default=[], help="Name=Value")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--logs", type=Path, default=LOGS)
    parser.add_argument("--every-s", type=float, help="instead of rates of minutes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
