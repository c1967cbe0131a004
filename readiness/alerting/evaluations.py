"""The nightly evaluation: whether it came, and whether it could judge everything."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Min, QuerySet

from readiness import clock
from readiness.alerting.keeping import Holding, Key, Words
from readiness.alerting.schedule import last_due
from readiness.criteria.wording import counted
from readiness.evaluation.runs import FLEET
from readiness.models import Alert, Evaluation, Service
from readiness.models.scorecard import Kind
from readiness.rendering.sentences import listed

GRACE = timedelta(hours=2)
"""How long after its time an evaluation may end."""
WHOLE: Key = (None, "")
"""Of the fleet, and there is but one of it: the SRE leads act."""


def missed(now: datetime) -> Holding:
    """No evaluation of the fleet has ended as of a moment after the last nightly one was due."""
    due = _due(now)
    last = _finished().values_list("at", flat=True).first()
    if due is None or (last is not None and last >= due) or not Service.objects.exists():
        return Holding(Alert.Kind.EVALUATION_MISSED)
    before = f"the last one is as of {_said(last)}" if last else "there was never one"
    text = (
        f"No evaluation of the fleet has ended since the nightly one was due on {_said(due)}; {before}. "
        "See whether worker and beat run, then evaluate the fleet now."
    )
    numbers = {"due": due.isoformat(), "last": last and last.isoformat()}
    return Holding(
        Alert.Kind.EVALUATION_MISSED, {WHOLE: None}, lambda keys: {WHOLE: Words(text, numbers)}, reworded=True
    )


def failed(now: datetime) -> Holding:
    """The newest evaluation of the fleet that ended has failed, or could not judge every service."""
    run = _finished().filter(at__lte=now).defer("cycles").first()
    if run is None or not (run.failed or run.state == Evaluation.State.FAILED):
        return Holding(Alert.Kind.EVALUATION_FAILED)
    words = Words(_what_failed(run), {"evaluation": run.pk, "failed": run.failed})
    return Holding(Alert.Kind.EVALUATION_FAILED, {WHOLE: None}, lambda keys: {WHOLE: words}, reworded=True)


def _finished() -> "QuerySet[Evaluation]":
    runs = Evaluation.objects.filter(kind=Kind.LIVE, scope=FLEET).exclude(state=Evaluation.State.RUNNING)
    return runs.order_by("-at", "-pk")


def _due(now: datetime) -> datetime | None:
    """When the last nightly evaluation was due whose grace is over; ``None`` before this site's first night.

    Beat goes by the real time, judgements by the clock's.
    """
    due = last_due(settings.NIGHTLY_EVALUATION, now - clock.offset() - GRACE)
    born = _born()
    return None if due is None or born is None or due < born else due + clock.offset()


def _born() -> datetime | None:
    """Since when this site has existed (real time): its first migration."""
    born: datetime | None = MigrationRecorder(connection).migration_qs.aggregate(first=Min("applied"))[
        "first"
    ]
    return born


def _what_failed(run: Evaluation) -> str:
    services = [error["service"] for error in run.errors if error["service"]]
    batches = len(run.errors) - len(services)
    said = [f"{counted(len(services), 'service')} ({listed(services)})"] if services else []
    said += [f"{counted(batches, 'whole batch', 'whole batches')}"] if batches else []
    what = listed(said) or "everything"
    return (
        f"The evaluation of the fleet as of {_said(run.at)} could not judge {what}: the last scorecards "
        "stand. Look at the errors of that evaluation, mend the reason, then evaluate the fleet again."
    )


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
