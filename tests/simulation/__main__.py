"""`make simulate`: the deep run of everything that `make test` runs briefly, in worker
processes that share nothing. At its end one line an item, and exit 1 if anything was
lost, doubled, stuck, wrong, forged, leaked or never tried. MINUTES says how long."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from tests.simulation.deep import BY_THE_CLOCK, JOBS, in_silence, run
from tests.simulation.tally import Tally

MINUTES = 20.0
PARTS = 4  # of what has an end: at the end no worker waits long for the other
TEXTS_TOLD = 20


def main() -> int:
    began = time.monotonic()
    minutes = float(os.environ.get("MINUTES") or MINUTES)
    tally, wrong = Tally(), list[str]()
    workers, anew = os.cpu_count() or 1, get_context("spawn")
    with ProcessPoolExecutor(workers, anew, initializer=in_silence) as pool:
        futures = _begun(pool, workers, until=began + 60 * minutes)
        for future in as_completed(futures):
            name, part = futures[future]
            try:
                counts, texts = future.result()
            except Exception as error:  # noqa: BLE001 - one part's end is not all's
                counts, texts = {"wrong": 1}, [f"{type(error).__name__}: {error}"]
            tally.record(name, **counts)
            wrong += [f"{name}: {text}" for text in texts]
            passed = time.monotonic() - began
            _say(f"{passed:6.0f} s  {name}, part {part + 1}: {counts}")
    for line in [*tally.lines(), *tally.failures(), *wrong[:TEXTS_TOLD]]:
        _say(line)
    return bool(wrong or tally.failures())


def _begun(
    pool: ProcessPoolExecutor, workers: int, until: float
) -> dict[Future[tuple[dict[str, int], list[str]]], tuple[str, int]]:
    """What ends by the clock comes last, a part to each worker."""
    return {
        pool.submit(run, name, part, parts, until): (name, part)
        for name in JOBS
        for parts in (workers if name in BY_THE_CLOCK else PARTS,)
        for part in range(parts)
    }


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
