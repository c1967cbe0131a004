"""Keeps the alerts about cases, about what reviews were accepted under, and about launches without one."""

import datetime as dt
from typing import Final

from handoff.actions.case_stalling import case_stalled, stabilisation_stalled
from handoff.actions.overdue import condition_overdue, plan_overdue
from handoff.actions.unreviewed import launched_without_review
from readiness import clock
from readiness.alerting.keeping import Changed, keep, open_alerts
from readiness.models import Alert

KINDS: Final = (
    Alert.Kind.LAUNCHED_WITHOUT_REVIEW,
    Alert.Kind.CONDITION_OVERDUE,
    Alert.Kind.CASE_STALLED,
    Alert.Kind.PLAN_OVERDUE,
    Alert.Kind.STABILISATION_STALLED,
)


def keep_alerts_of_cases(now: dt.datetime | None = None) -> Changed:
    """Raise and end these alerts, so that those are open that hold; how many of each.

    Done twice, or by two at once, it does the same as done once; in a constant number of queries.
    """
    moment = now or clock.now()
    known = open_alerts(kind__in=KINDS)
    holdings = (
        launched_without_review(moment),
        condition_overdue(moment),
        case_stalled(moment),
        plan_overdue(moment),
        stabilisation_stalled(moment, known),
    )
    return sum((keep(each, known, moment) for each in holdings), start=Changed())
