"""The pace at which PAYNET is asked: never more than agreed, never after a deadline,
and shared by all threads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Lock, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet.paynet.pace import TokenBucket

NOON = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Time:
    """Passes only while somebody sleeps; each sleeper wakes at its own moment."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds

    def clock(self) -> datetime:
        return NOON + timedelta(seconds=self.now_s - 1000)

    def bucket(self, per_s: float = 5, burst: int = 1) -> TokenBucket:
        return TokenBucket(per_s, burst, self.monotonic, self.sleep, clock=self.clock)


def within(time: Time, seconds: float) -> datetime:
    return time.clock() + timedelta(seconds=seconds)


def test_the_first_request_goes_at_once_and_the_next_waits_its_turn() -> None:
    time = Time()
    bucket = time.bucket()
    assert [bucket(within(time, 60)) for _ in range(4)] == [True] * 4
    assert time.slept == pytest.approx([0.2, 0.2, 0.2])


def test_a_burst_goes_at_once_and_is_paid_for_later() -> None:
    time = Time()
    bucket = time.bucket(per_s=2, burst=3)
    for _ in range(5):
        bucket(within(time, 60))
    assert time.slept == pytest.approx([0.5, 0.5])


def test_an_idle_bucket_fills_up_to_its_burst_and_no_further() -> None:
    time = Time()
    bucket = time.bucket(per_s=2, burst=2)
    time.now_s += 3600
    for _ in range(3):
        bucket(within(time, 60))
    assert time.slept == pytest.approx([0.5])


def test_a_request_that_would_go_after_its_deadline_is_told_so_at_once() -> None:
    time = Time()
    bucket = time.bucket()
    bucket(within(time, 60))
    assert not bucket(within(time, 0.1))
    assert not bucket(within(time, 0.2))
    assert not bucket(within(time, -1))
    assert time.slept == []


def test_a_request_that_does_not_go_takes_nobodys_place() -> None:
    time = Time()
    bucket = time.bucket()
    bucket(within(time, 60))
    for _ in range(10):
        bucket(within(time, 0.1))
    assert bucket(within(time, 0.25))
    assert time.slept == pytest.approx([0.2])


def test_a_moment_that_has_passed_is_never_worth_waiting_for() -> None:
    time = Time()
    assert not time.bucket()(time.clock())


@pytest.mark.parametrize(("per_s", "burst"), [(0, 1), (-1, 1), (5, 0)])
def test_a_bucket_that_never_fills_is_refused(per_s: float, burst: int) -> None:
    with pytest.raises(ValueError, match="never fills"):
        TokenBucket(per_s, burst)


def test_threads_share_one_bucket() -> None:
    """Nobody sleeps here: time stands still, so each wait is a place in the row."""
    lock, waits = Lock(), [0.0]

    def sleep(seconds: float) -> None:
        with lock:
            waits.append(seconds)

    bucket = TokenBucket(5, 1, lambda: 1000.0, sleep, clock=lambda: NOON)
    later = NOON + timedelta(minutes=1)
    threads = [
        Thread(target=lambda: [bucket(later) for _ in range(25)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([n * 0.2 for n in range(200)])


@given(st.floats(0.5, 50), st.integers(1, 5), st.lists(st.floats(0, 2), max_size=40))
def test_no_stretch_of_time_sees_more_than_it_may(
    per_s: float, burst: int, pauses: list[float]
) -> None:
    time = Time()
    bucket = time.bucket(per_s, burst)
    sent: list[float] = []
    for pause in pauses:
        time.now_s += pause
        bucket(within(time, 1e6))
        sent.append(time.now_s)
    for first, start in enumerate(sent):
        for last, end in enumerate(sent[first:], first):
            assert last - first + 1 <= burst + (end - start) * per_s + 1e-3
