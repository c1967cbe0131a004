"""What somebody promised by a day that has passed: items of plans, and conditions of reviews."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from handoff.models import Condition, Review, StabilisationItem
from readiness.alerting.keeping import Holding, Key, Words
from readiness.criteria.wording import counted
from readiness.models import Alert, Lifecycle, Person, Service
from readiness.rendering.sentences import listed

NAMED: Final = 5
"""So many are named in an alert, the oldest first; of the rest, how many."""
STANDING: Final = (Review.State.OPEN, Review.State.SIGNED, Review.State.USED)
"""States of reviews whose conditions are still to be fulfilled."""


class Promise(NamedTuple):
    """Something that is to be done by a day, and by whom."""

    key: int
    about: int
    """Key of the case or review."""
    text: str
    owner: Person
    due_on: dt.date
    service: Service


Found = Mapping[Key, Sequence[Promise]]


def plan_overdue(now: dt.datetime) -> Holding:
    """Open cases with items of their plan that are overdue: an alert a case. Two queries."""
    today = now.astimezone(dt.UTC).date()
    items = StabilisationItem.objects.filter(
        case__ended_at__isnull=True, done_at__isnull=True, due_on__lt=today
    )
    found: dict[Key, list[Promise]] = defaultdict(list)
    for item in items.select_related("case__service", "owner").prefetch_related("owner__teams"):
        service = item.case.service
        found[service.pk, ""].append(
            Promise(item.pk, item.case_id, item.text, item.owner, item.due_on, service)
        )
    return _holding(Alert.Kind.PLAN_OVERDUE, found, _plan_text, today=today)


def condition_overdue(now: dt.datetime) -> Holding:
    """Services with overdue conditions of reviews that stand: an alert for each kind of review. Two queries.

    Those that led to a move count, too: it was made on that promise. Retired services are left in peace.
    """
    today = now.astimezone(dt.UTC).date()
    conditions = (
        Condition.objects.filter(
            fulfilled_at__isnull=True, due_on__lt=today, item__review__state__in=STANDING
        )
        .exclude(item__review__service__lifecycle=Lifecycle.RETIRED)
        .select_related("item__review__service", "owner")
        .prefetch_related("owner__teams")
        .order_by("due_on", "pk")
    )
    found: dict[Key, list[Promise]] = defaultdict(list)
    for row in conditions:
        review = row.item.review
        found[review.service_id, review.kind].append(
            Promise(row.pk, review.pk, row.text, row.owner, row.due_on, review.service)
        )
    return _holding(Alert.Kind.CONDITION_OVERDUE, found, _condition_text, today=today)


def _holding(kind: str, found: Found, text: Callable[[str, str, int], str], *, today: dt.date) -> Holding:
    words = {
        key: Words(
            text(key[1], _named(promises, today), len(promises)),
            {
                "about": sorted({each.about for each in promises}),
                "overdue": [[each.key, each.owner.slug, (today - each.due_on).days] for each in promises],
            },
        )
        for key, promises in found.items()
    }
    teams = {key: _who(promises) for key, promises in found.items()}
    return Holding(kind, teams, lambda keys: words, reworded=True)


def _who(promises: Sequence[Promise]) -> int | None:
    """The owner team, unless those who promised are all of the ops team alone."""
    service = promises[0].service
    teams = [{team.pk for team in each.owner.teams.all()} for each in promises]
    ops = all(service.ops_team_id in theirs and service.owner_id not in theirs for theirs in teams)
    return service.ops_team_id if ops else service.owner_id


def _named(promises: Iterable[Promise], today: dt.date) -> str:
    return listed(
        (
            f"“{each.text.rstrip('.')}” of {each.owner} for {counted((today - each.due_on).days, 'day')}"
            for each in promises
        ),
        most=NAMED,
    )


def _plan_text(_: str, named: str, number: int) -> str:
    what = (
        "An item of the plan of its handback is"
        if number == 1
        else (f"{number} items of the plan of its handback are")
    )
    return f"{what} overdue: {named}. Do what was planned, then say on the page of the case that it is done."


def _condition_text(kind: str, named: str, number: int) -> str:
    what = "A condition of its" if number == 1 else f"{number} conditions of its"
    review = Review.Kind(kind).label
    return (
        f"{what} {review} {'is' if number == 1 else 'are'} overdue: {named}. What was accepted is open "
        "again: fulfil it, then say so on the page of the review."
    )
