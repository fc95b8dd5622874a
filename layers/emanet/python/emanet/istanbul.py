"""Days as PAYNET counts them: Istanbul's, at +03:00 all year. Its day decides whether a
refund may be partial, and in which of its lists a transaction stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

ISTANBUL = timezone(timedelta(hours=3))
_REFUNDS_BEGIN = time(0, 30, tzinfo=ISTANBUL)
_SATURDAY = 5


def day_of(moment: datetime) -> date:
    """The Istanbul day that a moment belongs to."""
    return moment.astimezone(ISTANBUL).date()


def day_after(moment: datetime) -> datetime:
    """00:30 in Istanbul on the day after; in UTC."""
    tomorrow = day_of(moment) + timedelta(days=1)
    return datetime.combine(tomorrow, _REFUNDS_BEGIN).astimezone(UTC)


def business_days_later(moment: datetime, days: int) -> datetime:
    """The same time of day, so many working days later. Saturdays and Sundays do not
    count; holidays do, because no calendar of ours knows them all."""
    while days:
        moment += timedelta(days=1)
        days -= moment.astimezone(ISTANBUL).weekday() < _SATURDAY
    return moment
