"""Days as PAYNET counts them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet.istanbul import business_days_later, day_after, day_of

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001 - zoned below
    lambda naive: naive.replace(tzinfo=UTC)
)


@pytest.mark.parametrize(
    ("hour", "minute", "second", "day"), [(20, 59, 59, 23), (21, 0, 0, 24)]
)
def test_a_day_ends_at_midnight_in_istanbul(
    hour: int, minute: int, second: int, day: int
) -> None:
    moment = datetime(2026, 11, 23, hour, minute, second, tzinfo=UTC)
    assert day_of(moment) == date(2026, 11, day)


def test_istanbul_has_no_summer_time() -> None:
    assert day_of(datetime(2026, 7, 1, 20, 59, tzinfo=UTC)) == date(2026, 7, 1)
    assert day_of(datetime(2026, 7, 1, 21, 0, tzinfo=UTC)) == date(2026, 7, 2)


@given(MOMENTS)
def test_the_day_after_begins_for_refunds_half_an_hour_after_midnight(
    moment: datetime,
) -> None:
    begins = day_after(moment)
    assert day_of(begins) == day_of(moment) + timedelta(days=1)
    assert day_of(begins - timedelta(minutes=31)) == day_of(moment)
    assert timedelta(0) < begins - moment <= timedelta(hours=24, minutes=30)
    assert begins.tzinfo is UTC


@pytest.mark.parametrize(
    ("days", "on"), [(0, 27), (1, 30), (2, 31), (3, 32), (5, 34), (6, 37)]
)
def test_a_weekend_is_no_working_day(days: int, on: int) -> None:
    friday = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    wanted = friday + timedelta(days=on - 27)
    assert business_days_later(friday, days) == wanted


@given(MOMENTS, st.integers(1, 20))
def test_so_many_working_days_end_on_one_and_hold_so_many(
    moment: datetime, days: int
) -> None:
    end = business_days_later(moment, days)
    between = [moment + timedelta(days=n) for n in range(1, (end - moment).days + 1)]
    working = [day for day in between if (day + timedelta(hours=3)).weekday() < 5]
    assert len(working) == days
    assert working[-1] == end
