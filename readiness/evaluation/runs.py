"""Runs of an evaluation: asked for as rows, done batch by batch, taken up again wherever they stopped."""

import gc
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, QuerySet, Sum

from readiness import clock, rejudging
from readiness.evaluation.judging import Judged, judge_services, scope_of
from readiness.evaluation.policies import in_force, parsed
from readiness.evaluation.writing import write
from readiness.measures import Cycles
from readiness.measures.graph import cycles
from readiness.models import Evaluation, EvaluationBatch, PolicyVersion, Rejudgement, Service
from readiness.models.scorecard import Kind

FLEET = "fleet"
LEASE = timedelta(minutes=15)
"""A batch that somebody works on is left alone for so long; after that its worker is taken for dead."""
CYCLES_KEEP = timedelta(days=2)
"""The last fleet-wide pass's answer about cycles serves single services for so long."""
ATTEMPTS = 5


def request(
    at: datetime,
    service_ids: Sequence[int] | None = None,
    requested_by: str = "",
    *,
    kind: str | None = None,
    policy: PolicyVersion | None = None,
) -> Evaluation:
    """Ask for an evaluation of the fleet, or of these services; who asks twice gets the same run.

    Without a kind it is live; while the clock stands for a recorded decision, it is a replay of that moment.
    Nothing is judged yet: the batches are rows that :func:`run`, a task or the sweep takes up.
    """
    kind = kind or (Kind.LIVE if clock.standing() is None else Kind.REPLAY)
    version = policy or in_force()
    scope = FLEET if service_ids is None else _scope_name(service_ids)
    ids = (
        list(Service.objects.order_by("pk").values_list("pk", flat=True))
        if service_ids is None
        else sorted(service_ids)
    )
    same = {"at": at, "kind": kind, "policy": version, "scope": scope, "state": Evaluation.State.RUNNING}
    for _ in range(ATTEMPTS):
        under_way = Evaluation.objects.filter(**same).select_related("policy").first()
        asked = under_way or _start(
            Evaluation(
                **same,
                started_at=clock.real_now(),
                clock_offset=clock.offset(),
                cycles=_cycles(at, version, fleet=service_ids is None),
                services=len(ids),
                requested_by=requested_by,
            ),
            ids,
        )
        if asked is not None:
            return asked
    raise RuntimeError("the same run was started, and ended, by others each time this one looked")


def _start(evaluation: Evaluation, ids: Sequence[int]) -> Evaluation | None:
    """Store a run with its batches; ``None`` when somebody else started the same meanwhile."""
    try:
        with transaction.atomic():
            if evaluation.kind == Kind.LIVE:  # it sees every change that is noted by now
                _noted(evaluation, ids).delete()
            evaluation.save(force_insert=True)
            EvaluationBatch.objects.bulk_create(_batches(evaluation, ids))
    except IntegrityError:
        return None
    # no batch will ever close a run that has none
    return evaluation if ids else _close(evaluation)


def _noted(evaluation: Evaluation, ids: Sequence[int]) -> QuerySet[Rejudgement]:
    noted = Rejudgement.objects.all()
    return noted if evaluation.scope == FLEET else noted.filter(service__in=ids)


def rejudge_due() -> Evaluation | None:
    """Ask for an evaluation of the services whose evidence changed and has settled; ``None`` without any.

    What is taken is deleted with the asking, in one transaction: a change that comes in meanwhile waits for
    it, and is noted anew.
    """
    with transaction.atomic():
        due = rejudging.due().select_for_update(
            skip_locked=connection.features.has_select_for_update_skip_locked
        )
        ids = list(due.values_list("pk", flat=True)[: settings.EVALUATION_BATCH_SIZE])
        return request(clock.now(), ids, "evidence changed") if ids else None


def _scope_name(service_ids: Iterable[int]) -> str:
    return hashlib.sha256(",".join(map(str, sorted(service_ids))).encode()).hexdigest()


def _batches(evaluation: Evaluation, ids: Sequence[int]) -> list[EvaluationBatch]:
    size = settings.EVALUATION_BATCH_SIZE
    return [
        EvaluationBatch(
            evaluation=evaluation,
            number=number,
            service_ids=ids[start : start + size],
            due_at=clock.real_now(),
        )
        for number, start in enumerate(range(0, len(ids), size))
    ]


def _cycles(at: datetime, version: PolicyVersion, *, fleet: bool) -> dict[str, int]:
    """Cycles over the whole fleet; a few services borrow the answer of the last pass where it is fresh."""
    if not fleet:
        last: dict[str, int] | None = (
            Evaluation.objects.filter(
                kind=Kind.LIVE, scope=FLEET, policy=version, at__lte=at, at__gt=at - CYCLES_KEEP
            )
            .exclude(state=Evaluation.State.FAILED)
            .order_by("-at", "-pk")
            .values_list("cycles", flat=True)
            .first()
        )
        if last is not None:
            return last
    return {str(pk): number for pk, number in cycles(scope_of(parsed(version), at, [])).items()}


def looped(evaluation: Evaluation) -> Cycles:
    """The cycles an evaluation judged with, by service key."""
    return {int(pk): number for pk, number in evaluation.cycles.items()}


def run(evaluation: Evaluation, *, advanced: Callable[[int], None] = lambda services: None) -> Evaluation:
    """Do every batch that is not done, and close the run; ``advanced`` hears of the services behind us."""
    for batch in evaluation.batches.filter(done=False).order_by("number"):
        batch.evaluation = evaluation
        _do(batch)
        advanced(len(batch.service_ids))
    return _close(evaluation)


def run_batch(batch_id: int) -> bool:
    """Do one batch unless somebody else is at it; whether it was ours. The last batch closes the run."""
    now = clock.real_now()
    taken = EvaluationBatch.objects.filter(pk=batch_id, done=False, due_at__lte=now).update(
        due_at=now + LEASE, attempts=F("attempts") + 1
    )
    if not taken:
        return False
    batch = EvaluationBatch.objects.select_related("evaluation__policy").get(pk=batch_id)
    if batch.attempts > ATTEMPTS:
        _give_up(batch)
    else:
        _do_or_release(batch)
    _close(batch.evaluation)
    return True


def _do_or_release(batch: EvaluationBatch) -> None:
    try:
        _do(batch)
    except Exception:
        # nobody is at it any more: who tries again must not wait until the lease runs out
        EvaluationBatch.objects.filter(pk=batch.pk, done=False).update(due_at=clock.real_now())
        raise


def due_batches() -> "QuerySet[EvaluationBatch]":
    """What the sweep takes up: batches nobody has done and nobody is at, oldest first."""
    return EvaluationBatch.objects.filter(done=False, due_at__lte=clock.real_now()).order_by("due_at", "pk")


def close_finished() -> int:
    """Close runs whose last worker died between its batch and the closing; how many are closed."""
    finished = Evaluation.objects.filter(state=Evaluation.State.RUNNING).exclude(batches__done=False)
    return sum(_close(each).state != Evaluation.State.RUNNING for each in finished)


def _do(batch: EvaluationBatch) -> None:
    """Do a batch. When somebody else writes the same moment meanwhile, look again: theirs is there then."""
    for _ in range(ATTEMPTS - 1):
        try:
            return _judge_and_write(batch)
        except IntegrityError:
            continue
    return _judge_and_write(batch)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the cyclic collector: a batch makes millions of tuples, without cycles, that live till its end.

    Walking them again and again took more than half of an evaluation's time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


# Around the whole function, so that its millions of tuples are gone before the collector comes back.
@uncollected()
def _judge_and_write(batch: EvaluationBatch) -> None:
    """Judge a batch, and write it with its mark in one transaction: done twice or half, it does no harm."""
    evaluation = batch.evaluation
    policy = parsed(evaluation.policy)
    scope = scope_of(policy, evaluation.at, sorted(batch.service_ids), whole=evaluation.scope == FLEET)
    judged = judge_services(scope, policy, looped(evaluation))
    with transaction.atomic():
        written = write(evaluation, policy, judged.judgements)
        _mark(batch, judged, written=written.written, unchanged=written.unchanged)


def _mark(batch: EvaluationBatch, judged: Judged, *, written: int, unchanged: int) -> None:
    slugs = dict(Service.objects.filter(pk__in=[pk for pk, _ in judged.failures]).values_list("pk", "slug"))
    errors = [{"service": slugs.get(pk, str(pk)), "error": error} for pk, error in judged.failures]
    EvaluationBatch.objects.filter(pk=batch.pk, done=False).update(
        done=True, written=written, unchanged=unchanged, errors=errors
    )


def _give_up(batch: EvaluationBatch) -> None:
    error = {"service": None, "error": f"batch {batch.number} was given up after {ATTEMPTS} attempts"}
    EvaluationBatch.objects.filter(pk=batch.pk, done=False).update(done=True, errors=[error])


def _close(evaluation: Evaluation) -> Evaluation:
    """Close a run whose batches are all done; guarded, so that of two who try one does it."""
    if evaluation.batches.filter(done=False).exists():
        return evaluation
    sums = evaluation.batches.aggregate(written=Sum("written"), unchanged=Sum("unchanged"))
    errors = [error for each in evaluation.batches.values_list("errors", flat=True) for error in each]
    given_up = any(error["service"] is None for error in errors)
    state = Evaluation.State.FAILED if given_up else Evaluation.State.DONE
    Evaluation.objects.filter(pk=evaluation.pk, state=Evaluation.State.RUNNING).update(
        state=state,
        finished_at=clock.real_now(),
        written=sums["written"] or 0,
        unchanged=sums["unchanged"] or 0,
        failed=len(errors),
        errors=errors[:1000],
    )
    evaluation.refresh_from_db()
    return evaluation
