"""`python -m local.paynet_simulator`: serves until SIGTERM or Ctrl-C; never prints a
key or a card. A key in the environment is one that `ps` does not show."""

import argparse
import os
import signal
import sys
from threading import Event

from local.paynet_simulator.simulator import PUBLISHABLE_KEY, PaynetSimulator


def main() -> None:
    wanted = _arguments()
    try:
        simulator = PaynetSimulator(
            wanted.secret_key,
            wanted.webhook_secret,
            publishable_key=wanted.publishable_key,
        )
    except ValueError as error:
        sys.exit(str(error))
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with simulator.serve(wanted.host, wanted.port) as server:
        print(f"PAYNET simulator: {server.url}", flush=True)
        stop.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m local.paynet_simulator")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    _secret(parser, "--secret-key", "EMANET_SIMULATOR_KEY", "sck_...")
    name = "EMANET_SIMULATOR_WEBHOOK_SECRET"
    _secret(parser, "--webhook-secret", name, "signs callbacks")
    parser.add_argument("--publishable-key", default=PUBLISHABLE_KEY, help="pbk_...")
    return parser.parse_args()


def _secret(
    parser: argparse.ArgumentParser, option: str, variable: str, what: str
) -> None:
    """Required, as an option or in the environment."""
    given = os.environ.get(variable)
    text = f"{what}; or in {variable}"
    parser.add_argument(option, default=given, required=not given, help=text)


if __name__ == "__main__":
    main()
