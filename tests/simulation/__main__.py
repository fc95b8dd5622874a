"""`make simulate`: the deep run of everything that `make test` runs briefly, in worker
processes that share nothing. At its end one line an item, and exit 1 if anything was
lost, doubled, stuck, wrong, forged, leaked or never tried. MINUTES says how long."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from tests.simulation.deep import JOBS
from tests.simulation.tally import Tally

MINUTES = 20.0
PARTS = 4  # of each item: at the end no worker waits long for the other
TEXTS_TOLD = 20


def main() -> int:
    began = time.monotonic()
    minutes = float(os.environ.get("MINUTES") or MINUTES)
    tally, wrong = Tally(), list[str]()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        futures = _begun(pool, until=began + 60 * minutes)
        for future in as_completed(futures):
            name, part = futures[future]
            try:
                counts, texts = future.result()
            except Exception as error:  # noqa: BLE001 - one part's end is not all's
                counts, texts = {"wrong": 1}, [f"{type(error).__name__}: {error}"]
            tally.record(name, **counts)
            wrong += [f"{name}: {text}" for text in texts]
            passed = time.monotonic() - began
            _say(f"{passed:6.0f} s  {name} {part + 1}/{PARTS}")
    for line in [*tally.lines(), *tally.failures(), *wrong[:TEXTS_TOLD]]:
        _say(line)
    return bool(wrong or tally.failures())


def _begun(
    pool: ProcessPoolExecutor, until: float
) -> dict[Future[tuple[dict[str, int], list[str]]], tuple[str, int]]:
    """What ends by the clock comes last."""
    return {
        pool.submit(_run, name, part, until): (name, part)
        for name in JOBS
        for part in range(PARTS)
    }


def _run(name: str, part: int, until: float) -> tuple[dict[str, int], list[str]]:
    """In a worker. What the functions print there is nobody's."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - no path
        sys.stdout = nowhere
        return JOBS[name](part, PARTS, until)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
