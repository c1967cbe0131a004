"""Keeps the rows of one service as they are told, and finds moments for them in its team's days."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from tests.story.organisation import TEAM, members
from tests.story.plot import END, MADE_UP, SEED, Person, Plot, Span

Row = dict[str, Any]
Reference = dict[str, str]

SOURCES = {
    "deployment": f"{MADE_UP} delivery",
    "incident": f"{MADE_UP} incident log",
    "page": f"{MADE_UP} pager",
    "defect": f"{MADE_UP} tracker",
    "signal": f"{MADE_UP} telemetry",
    "dependency": f"{MADE_UP} service mesh",
    "pipeline_run": f"{MADE_UP} CI",
    "shift": f"{MADE_UP} rota",
    "observation": f"{MADE_UP} notebook",
    "work_item": f"{MADE_UP} board",
}
TIMES = {
    "deployment": "started_at",
    "incident": "started_at",
    "page": "paged_at",
    "defect": "opened_at",
    "signal": "first_seen_at",
    "dependency": "first_seen_at",
    "pipeline_run": "started_at",
    "shift": "starts_at",
    "observation": "observed_at",
    "work_item": "opened_at",
}
"""The field that says when a row happened."""
NAMES = {
    "deployment": "{key}-deploy-{number}",
    "incident": "INC-{KEY}-{number}",
    "page": "{key}-page-{number}",
    "defect": "{KEY}-{number}",
    "signal": "{key}-signal-{number}",
    "dependency": "{key}-edge-{number}",
    "pipeline_run": "{key}-run-{number}",
    "shift": "{key}-shift-{number}",
    "observation": "{key}-seen-{number}",
    "work_item": "{KEY}-W{number}",
}
"""How each system names its rows."""
WEEK = timedelta(weeks=1)


class Chronicle:
    """The rows of one service by kind. What would lie after the end, or in a feed's silence, is not told."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.team = TEAM[plot.team]
        self.rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._numbers: Counter[str] = Counter()

    def chance(self, aspect: str) -> Random:
        """Chance for one aspect of the service: to tell more of one changes nothing of the others."""
        return Random(f"{SEED} {self.plot.slug} {aspect}")

    def tell(self, kind: str, /, **fields: Any) -> str:
        """Keep a row; its id. Fields that are ``None`` are not stated, moments are written in UTC."""
        self._numbers[kind] += 1
        name = NAMES[kind].format(key=self.plot.key, KEY=self.plot.key.upper(), number=self._numbers[kind])
        at = fields[TIMES[kind]]
        if kind in self.plot.kinds and (kind == "shift" or at <= self.plot.heard_until(kind)):
            stated = {key: _stated(value) for key, value in fields.items() if value is not None}
            self.rows[kind].append({"service": self.plot.slug, "source": SOURCES[kind], "id": name, **stated})
        return name

    def weeks(self, begin: datetime | None = None) -> Iterator[date]:
        """The Mondays of its life."""
        monday = begin or self.plot.begin
        monday -= timedelta(days=monday.weekday())
        while monday < self.plot.ended_at:
            yield monday.date()
            monday += WEEK

    def working_moment(self, chance: Random, monday: date) -> datetime:
        """A moment of a working day, with the afternoon still ahead."""
        return self._moment(monday, chance.randrange(5), minutes=chance.randrange(10 * 60 + 10, 15 * 60))

    def resting_moment(self, chance: Random, monday: date, *, night: bool) -> datetime:
        """An evening or a weekend's day, or the night."""
        if night:
            minutes = (22 * 60 + 5 + chance.randrange(8 * 60)) % (24 * 60)
            return self._moment(monday, chance.randrange(7), minutes=minutes)
        if chance.random() < 0.5:
            return self._moment(
                monday, chance.randrange(5), minutes=chance.randrange(19 * 60 + 5, 21 * 60 + 50)
            )
        return self._moment(monday, 5 + chance.randrange(2), minutes=chance.randrange(8 * 60, 20 * 60))

    def _moment(self, monday: date, day: int, *, minutes: int) -> datetime:
        at = datetime.combine(monday + timedelta(days=day), time(*divmod(minutes, 60)), self.team.tz)
        return at.astimezone(UTC)

    def carriers(self, monday: date) -> tuple[Person, ...]:
        """Who takes turns on call: operations and two of those who build it, or these alone."""
        if self.plot.state_on(datetime.combine(monday, time(), UTC)) == "ops_managed":
            return (
                *members(self.plot.ops_team, ("ops",)),
                *members(self.plot.team, ("developer",))[:1],
                *members(self.plot.team, ("tester",)),
            )
        return members(self.plot.team, self.plot.carriers)

    def turn(self, monday: date) -> Person:
        """Whose week on call it is."""
        carriers = self.carriers(monday)
        return carriers[(monday.toordinal() // 7 + len(self.plot.slug)) % len(carriers)]

    def on_call(self, at: datetime) -> Person:
        """Who is on call; weeks change on Monday at nine, where the team is."""
        here = at.astimezone(self.team.tz) - timedelta(hours=9)
        return self.turn(here.date() - timedelta(days=here.weekday()))


def reference(kind: str, name: str | None) -> Reference | None:
    """Names a row of another source."""
    return {"source": SOURCES[kind], "id": name} if name else None


def how_many(chance: Random, rate: float) -> int:
    """A whole number that is the rate on average."""
    return int(rate * chance.uniform(0.5, 1.5) + chance.random())


def between(chance: Random, span: Span) -> float:
    """A number of the span, the smaller ones oftener."""
    low, high = span
    drawn = chance.random()
    return low + (high - low) * drawn * drawn


def minutes(number: float) -> timedelta:
    """So many minutes, to the second."""
    return timedelta(seconds=round(number * 60))


def by_now(at: datetime) -> datetime | None:
    """The moment, unless it lies after the story's end."""
    return at if at <= END else None


def written(at: datetime) -> str:
    """A moment as the files have it, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _stated(value: Any) -> Any:
    return written(value) if isinstance(value, datetime) else value
