"""Raises alerts and ends them: each holds as long as its reason does, whoever looks and however often."""

from datetime import datetime

from readiness import clock
from readiness.alerting import blindness, evaluations, feeds, waivers
from readiness.alerting.keeping import Changed, keep, open_alerts
from readiness.models import Service

__all__ = ["Changed", "watch", "watch_evaluations"]

OF_EVALUATIONS = (evaluations.missed, evaluations.failed)
WATCHES = (*OF_EVALUATIONS, feeds.silent, blindness.blind, waivers.ending)
"""One a kind: each tells what holds at a moment, in a constant number of queries."""


def watch(now: datetime | None = None) -> Changed:
    """Raise what holds at the clock's now and is not raised yet, end what holds no more; how many of each.

    Done twice, or by two at once, it does the same as done once. A site without services has no alerts.
    """
    moment = now or clock.now()
    known = open_alerts()
    if not known and not Service.objects.exists():
        return Changed()
    return sum((keep(each(moment), known, moment) for each in WATCHES), start=Changed())


def watch_evaluations(now: datetime | None = None) -> Changed:
    """As :func:`watch`, for the fleet's evaluations alone, in at most five queries while nothing changes.

    For what asks from outside: without a worker or beat no sweep would tell that they are missing.
    """
    moment = now or clock.now()
    known = open_alerts(service=None)
    return sum((keep(each(moment), known, moment) for each in OF_EVALUATIONS), start=Changed())
