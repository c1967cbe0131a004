"""When a team is at work: business hours, weekend, public holidays and time zone (SCORING.md section 1).

Time zones need the IANA database; where the system has none (slim containers) the package ``tzdata`` is it.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

NIGHT_BEGINS = 22
NIGHT_ENDS = 7
MIDNIGHT = time(0)
COUNTRY_LENGTH = 2
WEEKEND = frozenset({5, 6})
"""Saturday and Sunday; Monday is 0."""

_BUSINESS_HOURS = re.compile(r"\s*(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\s*")


def parse_business_hours(text: str) -> tuple[time, time]:
    """Read ``09:00-18:00``: start included, end not. An end of ``24:00`` is midnight, ``time(0)``.

    Raises ``ValueError`` when the text is not that, or the hours do not lie within one day.
    """
    found = _BUSINESS_HOURS.fullmatch(text)
    if found is None:
        raise ValueError(f"Business hours are written like 09:00-18:00, not {text!r}.")
    hour, minute, end_hour, end_minute = map(int, found.groups())
    if (end_hour, end_minute) == (24, 0):
        end_hour = 0
    try:
        opens, closes = time(hour, minute), time(end_hour, end_minute)
    except ValueError:
        raise ValueError(f"Business hours {text!r} name a time that no clock shows.") from None
    _must_be_ordered(opens, closes)
    return opens, closes


def _must_be_ordered(opens: time, closes: time) -> None:
    if closes != MIDNIGHT and closes <= opens:
        raise ValueError(
            f"Business hours must end after they begin, on the same day: {opens:%H:%M}-{closes:%H:%M}."
        )


@dataclass(frozen=True, slots=True)
class Hours:
    """A team's hours. ``closes`` of ``time(0)`` is the day's end; ``weekend`` has weekdays, Monday is 0."""

    time_zone: str = "UTC"
    country: str | None = None
    subdivision: str | None = None
    opens: time = time(9)
    closes: time = time(18)
    weekend: frozenset[int] = WEEKEND

    @property
    def business_hours(self) -> str:
        """As people write it: ``09:00-18:00``."""
        return f"{self.opens:%H:%M}-{'24:00' if self.closes == MIDNIGHT else format(self.closes, '%H:%M')}"

    def validate(self) -> None:
        """Raise ``ValueError``, in words for people, when these hours cannot be computed with."""
        time_zone(self.time_zone)
        public_holidays(self.country, self.subdivision)
        _must_be_ordered(self.opens, self.closes)
        if any(type(day) is not int or not 0 <= day <= 6 for day in self.weekend):
            raise ValueError("Weekend days are numbers from 0 (Monday) to 6 (Sunday).")

    def as_json(self) -> dict[str, object]:
        """As a scorecard shows the hours it was judged by."""
        return {
            "time_zone": self.time_zone,
            "country": self.country,
            "subdivision": self.subdivision,
            "business_hours": self.business_hours,
            "weekend": sorted(self.weekend),
        }


@cache
def time_zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name; raises ``ValueError`` when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone (they are written like Europe/Berlin).") from None


@cache
def public_holidays(country: str | None, subdivision: str | None) -> Collection[date]:
    """The public holidays of a country and subdivision, by the library's defaults; years fill in when asked.

    Raises ``ValueError`` for a country or subdivision that the library does not know.
    """
    if country is None:
        if subdivision is not None:
            raise ValueError(f"A subdivision ({subdivision}) needs its country.")
        return ()
    if len(country) != COUNTRY_LENGTH:
        raise ValueError(f"A country is written as two letters (ISO 3166-1), not {country!r}.")
    try:
        return holidays.country_holidays(country, subdiv=subdivision)
    except NotImplementedError:
        where = country if subdivision is None else f"{country}-{subdivision}"
        raise ValueError(f"The public holidays of {where} are not known.") from None


class Classifier:
    """Says whether a moment is after hours, or at night. Raises ``ValueError`` for impossible hours."""

    def __init__(self, hours: Hours) -> None:
        hours.validate()
        self.hours = hours
        self._zone = time_zone(hours.time_zone)
        self._holidays = public_holidays(hours.country, hours.subdivision)
        self._opens = _minute(hours.opens)
        self._closes = _minute(hours.closes) or 24 * 60
        self._days_off: dict[date, bool] = {}

    def after_hours(self, moment: datetime) -> bool:
        """Whether nobody should have to work then: weekend, public holiday, or outside business hours."""
        local = self._local(moment)
        minute = local.hour * 60 + local.minute
        return self.day_off(local.date()) or not self._opens <= minute < self._closes

    def day_off(self, day: date) -> bool:
        """Whether a day, by the team's own calendar, is one of the weekend or a public holiday."""
        off = self._days_off.get(day)
        if off is None:
            off = self._days_off[day] = day.weekday() in self.hours.weekend or day in self._holidays
        return off

    def today(self, moment: datetime) -> date:
        """The day that it is then where the team is."""
        return self._local(moment).date()

    def night(self, moment: datetime) -> bool:
        """Whether it is between 22:00 and 07:00, on any day."""
        hour = self._local(moment).hour
        return hour >= NIGHT_BEGINS or hour < NIGHT_ENDS

    def _local(self, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            raise ValueError("A moment without offset is neither in nor after hours.")
        return moment.astimezone(self._zone)


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute


@lru_cache(maxsize=4096)
def classifier(hours: Hours) -> Classifier:
    """The classifier of these hours; teams with equal hours share one, with what it learned of days off."""
    return Classifier(hours)
