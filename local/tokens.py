"""`python -m local.tokens buyer`: print a token for somebody of the story, alone."""

from __future__ import annotations

import argparse
import sys

from local.issuer import PEOPLE, Issuer
from local.running import ISSUER_KEY, NotRunningError, Running


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.tokens")
    parser.add_argument("who", choices=PEOPLE)
    who = parser.parse_args().who
    try:
        issuer = Issuer.load(Running.find().issuer_url, ISSUER_KEY)
    except NotRunningError as error:
        sys.exit(str(error))
    print(issuer.token(who))


if __name__ == "__main__":
    main()
