"""`python -m local.paynet_simulator`: serves until SIGTERM or Ctrl-C; never prints a
key or a card."""

import argparse
import signal
from threading import Event

from local.paynet_simulator.simulator import PaynetSimulator


def main() -> None:
    wanted = _arguments()
    simulator = PaynetSimulator(wanted.secret_key, wanted.webhook_secret)
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
    parser.add_argument("--secret-key", required=True, help="sck_...")
    parser.add_argument("--webhook-secret", required=True, help="signs callbacks")
    return parser.parse_args()


if __name__ == "__main__":
    main()
