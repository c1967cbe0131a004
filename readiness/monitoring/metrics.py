"""The numbers for Prometheus, read from the database when asked, so that all web processes say the same."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from django.db.models import Count, F, Max, Min, Q, Value
from django.db.models.functions import Concat
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from readiness import alerting, clock, evaluation, rejudging
from readiness.evaluation.runs import FLEET
from readiness.models import Alert, CurrentScore, Evaluation, Feed, Service
from readiness.models.evidence import KINDS
from readiness.models.scorecard import Kind
from readiness.monitoring import broker
from readiness.monitoring.counting import evidence_rows

NEVER_JUDGED = "never_judged"


class Numbers(Collector):
    """All of ours. A scrape takes a constant number of queries; none reads a whole table of evidence."""

    def collect(self) -> Iterator[Metric]:
        """One family after another."""
        for families in FAMILIES:
            yield from families()


def registry() -> CollectorRegistry:
    """A registry of our numbers alone: a process's own would differ from web process to web process."""
    made = CollectorRegistry()
    made.register(Numbers())
    return made


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"handoff_{name}", says, value=value)


def _gauges(
    name: str, says: str, *, labels: Sequence[str], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"handoff_{name}", says, labels=labels)
    for labelled, value in values.items():
        family.add_metric(labelled, value)
    return family


def _evaluations() -> Iterator[Metric]:
    live = Evaluation.objects.filter(kind=Kind.LIVE)
    failed = live.filter(state=Evaluation.State.FAILED).count()
    yield _gauge(
        "evaluations_failed", "Live evaluations of which a batch was given up, all that are kept.", failed
    )
    ended = live.filter(scope=FLEET, state=Evaluation.State.DONE)
    last = ended.order_by("-at").only("at", "started_at", "finished_at", "failed").first()
    if last is None or last.finished_at is None:
        return
    took = (last.finished_at - last.started_at).total_seconds()
    yield _gauge("evaluation_duration_seconds", "How long the last evaluation of the fleet took.", took)
    age = clock.age(last.at).total_seconds()
    yield _gauge("evaluation_age_seconds", "How old the last evaluation of the fleet is, by the clock.", age)
    yield _gauge("evaluation_services_failed", "Services that it could not judge.", last.failed)


def _evidence() -> Iterator[Metric]:
    rows: dict[tuple[str, ...], float] = {(kind,): number for kind, number in evidence_rows().items()}
    yield _gauges("evidence_rows", "Rows of evidence, about.", labels=["kind"], values=rows)


def _silence() -> Iterator[Metric]:
    """Of what the current judgements call silent; the longest runs from the oldest last word of a service."""
    kinds = [kind for kind, _ in KINDS]
    numbers = CurrentScore.objects.aggregate(
        **{kind: Count("pk", filter=Q(silent__contains=f" {kind} ")) for kind in kinds}
    )
    yield _gauges(
        "feed_silent_services",
        "Services of which a feed of this kind fell silent, as last judged.",
        labels=["kind"],
        values={(kind,): number for kind, number in numbers.items()},
    )
    named = Concat(Value(" "), F("kind"), Value(" "))
    last_words = (
        Feed.objects.filter(service__current__silent__contains=named)
        .order_by()
        .values("service", "kind")
        .annotate(last=Max("last_seen_at"))
    )
    oldest = last_words.aggregate(**{kind: Min("last", filter=Q(kind=kind)) for kind in kinds})
    silences = {kind: clock.age(at).total_seconds() if at else 0.0 for kind, at in oldest.items()}
    yield _gauges(
        "feed_silence_seconds",
        "The longest silence of a feed of this kind; 0 while none is silent.",
        labels=["kind"],
        values={(kind,): seconds for kind, seconds in silences.items()},
    )


def _services() -> Iterator[Metric]:
    columns = ("management_state", "verdict_of", "verdict")
    counted = CurrentScore.objects.order_by().values_list(*columns).annotate(number=Count("pk"))
    numbers = {tuple(word or "none" for word in words): number for *words, number in counted}
    numbers["unknown", "none", NEVER_JUDGED] = Service.objects.filter(current=None).count()
    yield _gauges(
        "services",
        "Services by who runs them and how they were last judged.",
        labels=["state", "of", "verdict"],
        values=numbers,
    )


def _queues() -> Iterator[Metric]:
    rejudgements, batches = rejudging.due().count(), evaluation.due_batches().count()
    yield _gauge("rejudgements_due", "Services whose evidence changed, to be judged again now.", rejudgements)
    yield _gauge("batches_due", "Batches of evaluations that nobody is at.", batches)
    try:
        messages = broker.waiting()
    except broker.BrokerAwayError:
        yield _gauge("broker_up", "Whether the broker answers.", 0)
    else:
        yield _gauge("broker_up", "Whether the broker answers.", 1)
        yield _gauge("broker_messages", "Messages at the broker that no worker has taken.", messages)


def _alerts() -> Iterator[Metric]:
    alerting.watch_evaluations()  # where no worker sweeps, nobody else would raise them
    counted = Alert.objects.open().order_by().values_list("kind").annotate(number=Count("pk"))
    numbers = {(kind,): 0 for kind in Alert.Kind.values} | {(kind,): number for kind, number in counted}
    yield _gauges("alerts_open", "Alerts whose reason still holds.", labels=["kind"], values=numbers)


FAMILIES: tuple[Callable[[], Iterable[Metric]], ...] = (
    _evaluations,
    _evidence,
    _silence,
    _services,
    _queues,
    _alerts,
)
