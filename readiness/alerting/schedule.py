"""When a crontab line was last due."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from celery.schedules import crontab

LOOK_BACK_DAYS = 8 * 366
"""The 29th of February comes every eight years at the worst."""


def last_due(line: str, by: datetime) -> datetime | None:
    """The last moment at or before ``by`` at which a crontab line (UTC) was due; ``None``: not for years."""
    schedule: Any = crontab.from_string(line)  # its types leave out the sets that it is made of
    limit = by.astimezone(UTC)
    for days in range(LOOK_BACK_DAYS):
        day = (limit - timedelta(days=days)).date()
        if not (
            day.month in schedule.month_of_year
            and day.day in schedule.day_of_month
            and day.isoweekday() % 7 in schedule.day_of_week
        ):
            continue
        due = [
            moment
            for hour in schedule.hour
            for minute in schedule.minute
            if (moment := datetime.combine(day, time(hour, minute), UTC)) <= limit
        ]
        if due:
            return max(due)
    return None
