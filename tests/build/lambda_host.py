"""Plays Lambda for one event: `python -I -S lambda_host.py FUNCTION LAYER < event`. It
imports the built folders only, prints the handler's answer as JSON on its last line,
and is itself plain standard library."""

import importlib
import json
import sys
import time


class LambdaContext:
    """What Powertools and our handlers ask of Lambda's context."""

    function_name = "built"
    function_version = "$LATEST"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-central-1:000000000000:function:built"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def __init__(self) -> None:
        self._deadline_s = time.monotonic() + 29

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline_s - time.monotonic()) * 1000))


def main() -> None:
    sys.path[:0] = sys.argv[1:]
    app = importlib.import_module("app")
    answer = app.lambda_handler(json.load(sys.stdin), LambdaContext())
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
