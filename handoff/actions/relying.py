"""What decisions rest on: the newest live scorecard; for a recorded decision, the judgement of its moment."""

import datetime as dt
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.db.models import QuerySet

from readiness import clock, evaluation
from readiness.evaluation.runs import FLEET
from readiness.models import CurrentScore, Evaluation, Scorecard, Service
from readiness.models.scorecard import Kind

ASKED_BY: Final = "recorded decision"
_judged: ContextVar[dict[int, Scorecard | None] | None] = ContextVar("judged", default=None)


def newest(service: Service) -> Scorecard | None:
    """The scorecard that decisions about a service rest on now; ``None`` where it was not judged.

    It is the newest live one under the policy in force. While a decision is applied :func:`as_recorded` it
    is the judgement as of that moment, by what is known now: a replay, made once however often it is asked
    for.
    """
    return newest_of([service.pk]).get(service.pk)


def newest_of(ids: Collection[int]) -> dict[int, Scorecard]:
    """As :func:`newest`, of many services at once, by key; who was not judged is not there.

    One query; as recorded, one replay of those that nobody asked for before.
    """
    judged = _judged.get()
    if judged is None:
        current = CurrentScore.objects.filter(service__in=ids).select_related("scorecard__policy")
        return {each.service_id: each.scorecard for each in current}
    if missing := [pk for pk in ids if pk not in judged]:
        judged.update(_judge(missing))
    return {pk: card for pk in ids if (card := judged[pk]) is not None}


@contextmanager
def as_recorded(moment: dt.datetime) -> Iterator[None]:
    """Act as of a moment: the clock stands there, and decisions rest on judgements of it.

    What was decided is judged, too, as of the same moment, before the clock goes on.
    """
    with clock.standing_at(moment):
        token = _judged.set({})
        try:
            yield
            for run in _asked_for(moment):
                evaluation.run(run)
        finally:
            _judged.reset(token)


def _asked_for(moment: dt.datetime) -> "QuerySet[Evaluation]":
    """What actions asked for, which is some services; a replay of the fleet is somebody else's."""
    asked = Evaluation.objects.filter(at=moment, kind=Kind.REPLAY, state=Evaluation.State.RUNNING)
    return asked.exclude(scope=FLEET)


def _judge(ids: Collection[int]) -> dict[int, Scorecard | None]:
    """The judgement of each as of now; ``None`` of one that broke."""
    run = evaluation.run(evaluation.request(clock.now(), list(ids), ASKED_BY))
    cards = Scorecard.objects.filter(service__in=ids, policy=run.policy_id, at=run.at, kind=run.kind)
    newest_last = cards.select_related("policy").order_by("revision")
    return {**dict.fromkeys(ids), **{card.service_id: card for card in newest_last}}
