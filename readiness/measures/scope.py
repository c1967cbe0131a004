"""What is measured: services, as of a moment, over a window; and the conditions all measures share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from readiness.facts import Period, RowKey
from readiness.folding import Spans


@dataclass(frozen=True, slots=True)
class Scope:
    """The services (primary keys) and the moment a measure is for; spans in days come from the policy."""

    ids: Sequence[int]
    period: Period
    spans: Spans
    silence_days: float = 7.0
    minimum_days: float = 30.0
    edge_stale_days: float = 30.0
    look_back_days: float = 270.0
    whole: bool = False
    """``ids`` are all services between the first and the last, so that a range names them."""

    @property
    def at(self) -> datetime:
        """The moment of judgement."""
        return self.period.at

    def days_ago(self, days: float) -> datetime:
        """The moment this many days before T."""
        return self.at - timedelta(days=days)

    def services(self, field: str = "service_id") -> Q:
        """Rows of these services. A range is planned better than a list of a thousand keys."""
        if self.whole and self.ids:
            return Q(**{f"{field}__gte": self.ids[0], f"{field}__lte": self.ids[-1]})
        return Q(**{f"{field}__in": list(self.ids)})

    def window(self, field: str) -> Q:
        """``T - W < field <= T``."""
        return Q(**{f"{field}__gt": self.period.start, f"{field}__lte": self.at})

    def ended(self, field: str = "finished_at") -> Q:
        """No end, or one by T."""
        return Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__lte": self.at})


COUNTS = Q(drill=False, withdrawn=False, excluded=False)
"""Rows that count: no drills, nothing withdrawn by its source or excluded by a person."""
DRILLS = Q(drill=True, withdrawn=False, excluded=False)
"""Rows of drills, otherwise as those that count."""


def until(moment: datetime | None, at: datetime) -> datetime | None:
    """A moment as it was known at T: what lies after T has not happened."""
    return moment if moment is not None and moment <= at else None


def key(source: str | None, external_id: str | None) -> RowKey | None:
    """A reference, where there is one."""
    return RowKey(source or "", external_id) if external_id is not None else None


def moment(value: datetime | str) -> datetime:
    """A moment as a statement of our own reads it: SQLite has it in UTC without saying so, or as text."""
    read = datetime.fromisoformat(value) if isinstance(value, str) else value
    return read if read.tzinfo else read.replace(tzinfo=UTC)
