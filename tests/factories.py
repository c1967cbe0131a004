"""Factories of every model: a test says what matters to it, and where in life its service is."""

import datetime as dt
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import factory
from factory.django import DjangoModelFactory

from handoff import models as decisions
from handoff.models.notification import TOPICS
from readiness import clock, models
from readiness.models.scorecard import Kind as JudgementKind

Model = TypeVar("Model")

NOW = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
"""The moment of the tests: when factories' rows were received, and what they are judged as of."""


DEFAULT_POLICY = Path(__file__).parent.parent / "readiness/policies/default.yaml"


def ago(**span: float) -> dt.datetime:
    """A moment before ``NOW``: ``ago(days=3)``."""
    return NOW - dt.timedelta(**span)


class ModelFactory(DjangoModelFactory[Model]):
    """Calling a factory makes a model's row; factory_boy's own types say that it makes a factory."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:

        def __new__(cls, *args: Any, **kwargs: Any) -> Model: ...  # type: ignore[misc] # not one of its own


class TeamFactory(ModelFactory[models.Team]):
    """A team with default hours, in UTC."""

    class Meta:
        model = models.Team

    slug = factory.Sequence(lambda n: f"team-{n}")


def _join(person: models.Person, create: bool, teams: Any, **_: Any) -> None:
    if create and teams:
        person.teams.set(teams)


class PersonFactory(ModelFactory[models.Person]):
    """A developer; ``teams=[…]`` makes a member."""

    class Meta:
        model = models.Person
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"person-{n}")
    name = factory.LazyAttribute(lambda person: person.slug.replace("-", " ").title())
    role = "developer"

    teams = factory.PostGeneration(_join)


class IdentityFactory(ModelFactory[models.Identity]):
    """Who a person is in a pager."""

    class Meta:
        model = models.Identity

    person = factory.SubFactory(PersonFactory)
    source = "pager"
    external_id = factory.Sequence(lambda n: f"user-{n}")


class SystemFactory(ModelFactory[models.System]):
    """A system that nobody owns."""

    class Meta:
        model = models.System

    slug = factory.Sequence(lambda n: f"system-{n}")


class ServiceFactory(ModelFactory[models.Service]):
    """A live service, launched long ago, without management state; traits say where else in life it is."""

    class Meta:
        model = models.Service
        skip_postgeneration_save = True

    class Params:
        developer_managed = factory.Trait(
            management=factory.RelatedFactory("tests.factories.ManagementChangeFactory", "service")
        )
        ops_managed = factory.Trait(
            management=factory.RelatedFactory(
                "tests.factories.ManagementChangeFactory", "service", state="ops_managed"
            )
        )
        pre_launch = factory.Trait(lifecycle="pre_launch", launched_on=None)
        retired = factory.Trait(lifecycle="retired")

    slug = factory.Sequence(lambda n: f"service-{n}")
    owner = factory.SubFactory(TeamFactory)
    lifecycle = "live"
    launched_on = dt.date(2024, 1, 1)


class ServiceAliasFactory(ModelFactory[models.ServiceAlias]):
    """Another name of a service."""

    class Meta:
        model = models.ServiceAlias

    name = factory.Sequence(lambda n: f"alias-{n}")
    service = factory.SubFactory(ServiceFactory)


class ManagementChangeFactory(ModelFactory[models.ManagementChange]):
    """Developer-managed from the launch on, adopted without review."""

    class Meta:
        model = models.ManagementChange

    service = factory.SubFactory(ServiceFactory)
    state = "developer_managed"
    effective_at = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    way = "adoption"
    actor = "import"
    recorded_at = NOW


class WaiverFactory(ModelFactory[models.Waiver]):
    """A waiver of a criterion that is live at ``NOW``, or waits for a decision."""

    class Meta:
        model = models.Waiver

    class Params:
        asked = factory.Trait(approver="", approved_at=None)

    service = factory.SubFactory(ServiceFactory)
    target = "telemetry"
    reason = "Moves to the new collector in August."
    author = "ada"
    asked_at = factory.LazyAttribute(lambda row: (row.approved_at or NOW) - dt.timedelta(days=1))
    approver = "grace"
    approved_at = ago(days=10)
    ends_at = NOW + dt.timedelta(days=20)


class ConsultantFactory(ModelFactory[decisions.Consultant]):
    """An ops engineer who has advised for 100 days on a service that its developers run, and still does."""

    class Meta:
        model = decisions.Consultant

    class Params:
        ended = factory.Trait(ended_at=ago(days=5))

    service = factory.SubFactory(ServiceFactory, developer_managed=True)
    person = factory.SubFactory(PersonFactory, role="ops")
    began_at = ago(days=100)


class AdviceNoteFactory(ModelFactory[decisions.AdviceNote]):
    """An hour and a half of advice, ten days ago."""

    class Meta:
        model = decisions.AdviceNote

    consultant = factory.SubFactory(ConsultantFactory)
    given_on = ago(days=10).date()
    hours = Decimal("1.5")
    text = "Alert on symptoms, not on causes."
    author = "1 ada"
    written_at = ago(days=10)


class _ReceivedFactory(ModelFactory[Any]):
    """What was received; it rests on one statement, as most rows do."""

    class Meta:
        abstract = True

    service = factory.SubFactory(ServiceFactory)
    source = "tests"
    first_received_at = NOW
    last_received_at = factory.SelfAttribute("first_received_at")
    changed_at = factory.SelfAttribute("first_received_at")
    stated_at = factory.SelfAttribute("first_received_at")


class EvidenceFactory(_ReceivedFactory):
    """What every evidence row has."""

    class Meta:
        abstract = True

    external_id = factory.Sequence(lambda n: f"row-{n}")


class DeploymentFactory(EvidenceFactory):
    """A deployment to production that succeeded."""

    class Meta:
        model = models.Deployment

    environment = "production"
    started_at = ago(days=10)
    finished_at = factory.LazyAttribute(lambda row: row.started_at + dt.timedelta(minutes=6))
    outcome = "succeeded"


class IncidentFactory(EvidenceFactory):
    """An incident of severity 3 that was resolved after an hour."""

    class Meta:
        model = models.Incident

    severity = 3
    title = "Slow answers"
    started_at = ago(days=10)
    resolved_at = factory.LazyAttribute(lambda row: row.started_at + dt.timedelta(hours=1))


class PageFactory(EvidenceFactory):
    """A page that was acknowledged after two minutes."""

    class Meta:
        model = models.Page

    paged_at = ago(days=10)
    acknowledged_at = factory.LazyAttribute(lambda row: row.paged_at + dt.timedelta(minutes=2))


class DefectFactory(EvidenceFactory):
    """An open defect of severity 3."""

    class Meta:
        model = models.Defect

    severity = 3
    title = "Wrong total"
    opened_at = ago(days=10)


class SignalFactory(EvidenceFactory):
    """The latency of production, seen for a year and until now."""

    class Meta:
        model = models.Signal

    signal = "latency"
    first_seen_at = ago(days=365)
    last_seen_at = NOW


class DependencyFactory(EvidenceFactory):
    """A synchronous call of a service that the catalogue knows."""

    class Meta:
        model = models.Dependency

    target = factory.SubFactory(ServiceFactory)
    on = factory.LazyAttribute(lambda row: row.target.slug)
    type = "sync"
    first_seen_at = ago(days=365)
    last_seen_at = NOW


class PipelineRunFactory(EvidenceFactory):
    """A run of the main branch that succeeded."""

    class Meta:
        model = models.PipelineRun

    pipeline = "build"
    branch = "main"
    started_at = ago(days=10)
    finished_at = factory.LazyAttribute(lambda row: row.started_at + dt.timedelta(minutes=10))
    outcome = "succeeded"


class ShiftFactory(EvidenceFactory):
    """A week of a developer's on-call duty."""

    class Meta:
        model = models.Shift

    person = "ada"
    role = "developer"
    starts_at = ago(days=20)
    ends_at = factory.LazyAttribute(lambda row: row.starts_at + dt.timedelta(days=7))


class ObservationFactory(EvidenceFactory):
    """A developer watched a client."""

    class Meta:
        model = models.Observation

    observer_role = "developer"
    observed = "client"
    observed_at = ago(days=10)
    finding = "Slow to open"


class WorkItemFactory(EvidenceFactory):
    """A feature that was closed after five days."""

    class Meta:
        model = models.WorkItem

    category = "feature"
    title = "Pay by card"
    opened_at = ago(days=20)
    closed_at = factory.LazyAttribute(lambda row: row.opened_at + dt.timedelta(days=5))


class FeedFactory(_ReceivedFactory):
    """A span of a year, heard until now."""

    class Meta:
        model = models.Feed

    class Params:
        declared = factory.Trait(origin="declared", declared_by="import", reason="feeds.jsonl of tests")

    kind = "deployment"
    since = ago(days=365)
    last_seen_at = NOW


class ExclusionFactory(ModelFactory[models.Exclusion]):
    """An incident that was taken out of judgement."""

    class Meta:
        model = models.Exclusion

    service = factory.SubFactory(ServiceFactory)
    kind = "incident"
    row_id = factory.Sequence(lambda n: n + 1)
    row = factory.LazyAttribute(lambda change: f"tests:row-{change.row_id}")
    excluded = True
    actor = "1 ada"
    reason = "A test of the pager."
    at = NOW


class PolicyVersionFactory(ModelFactory[models.PolicyVersion]):
    """The default policy as its first version; the digest is made up."""

    class Meta:
        model = models.PolicyVersion
        django_get_or_create = ("name", "version")

    name = "default"
    version = 1
    text = factory.LazyFunction(DEFAULT_POLICY.read_text)
    digest = factory.LazyAttribute(lambda row: sha256(f"{row.name} {row.version}".encode()).hexdigest())
    created_at = NOW


class EvaluationFactory(ModelFactory[models.Evaluation]):
    """A live evaluation that runs."""

    class Meta:
        model = models.Evaluation

    at = NOW
    kind = JudgementKind.LIVE
    policy = factory.SubFactory(PolicyVersionFactory)
    started_at = NOW
    clock_offset = dt.timedelta(0)


class EvaluationBatchFactory(ModelFactory[models.EvaluationBatch]):
    """A batch that is due."""

    class Meta:
        model = models.EvaluationBatch

    evaluation = factory.SubFactory(EvaluationFactory)
    number = factory.Sequence(int)
    service_ids: Any = factory.List([])
    due_at = NOW


class ScorecardFactory(ModelFactory[models.Scorecard]):
    """A live scorecard; its numbers are the test's own."""

    class Meta:
        model = models.Scorecard

    service = factory.SubFactory(ServiceFactory)
    policy = factory.SubFactory(PolicyVersionFactory)
    at = NOW
    kind = JudgementKind.LIVE
    digest = factory.Sequence(lambda n: f"{n:064x}")
    created_at = NOW
    clock_offset = dt.timedelta(0)
    score = 50.0
    possible = 80.0
    evidence = 0.7
    level = "none"
    numbers: Any = factory.Dict({})


class CurrentScoreFactory(ModelFactory[models.CurrentScore]):
    """The newest judgement of a service, taken from its scorecard."""

    class Meta:
        model = models.CurrentScore

    scorecard = factory.SubFactory(ScorecardFactory)
    service = factory.SelfAttribute("scorecard.service")
    at = factory.SelfAttribute("scorecard.at")
    score = factory.SelfAttribute("scorecard.score")
    possible = factory.SelfAttribute("scorecard.possible")
    evidence = factory.SelfAttribute("scorecard.evidence")
    level = factory.SelfAttribute("scorecard.level")


class AlertFactory(ModelFactory[models.Alert]):
    """A feed that fell silent three days ago, and still is."""

    class Meta:
        model = models.Alert

    kind = models.Alert.Kind.FEED_SILENT
    service = factory.SubFactory(ServiceFactory)
    subject = "deployment"
    team = factory.SelfAttribute("service.owner")
    text = "Nothing was heard of deployments since 2026-06-20. Revive what reports them."
    numbers: Any = factory.Dict({"source": "jenkins"})
    began_at = ago(days=3)


class SimulationFactory(ModelFactory[models.Simulation]):
    """A simulation of one moment that waits for a worker."""

    class Meta:
        model = models.Simulation

    kind = models.Simulation.Kind.SIMULATION
    policy = factory.SubFactory(PolicyVersionFactory, version=2)
    baseline = factory.SubFactory(PolicyVersionFactory)
    since = NOW
    until = NOW
    every_days = 7
    steps = 1
    requested_by = "1 ada"
    started_at = NOW
    due_at = NOW


class SubscriptionFactory(ModelFactory[decisions.Subscription]):
    """A team is told of everything at once, by a webhook."""

    class Meta:
        model = decisions.Subscription

    team = factory.SubFactory(TeamFactory)
    topics: Any = factory.LazyFunction(lambda: [topic for topic, _ in TOPICS])
    channel = "webhook"
    address = "https://hooks.example.org/handoff"
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made_by = "1 ada"
    made_at = NOW
    due_at = NOW - dt.timedelta(days=365)


class MessageFactory(ModelFactory[decisions.Message]):
    """A test message that nobody has been given yet."""

    class Meta:
        model = decisions.Message

    event = "test"
    topic = "test"
    facts: Any = factory.Dict({"who": "1 Ada"})
    at = NOW
    written_at = factory.LazyFunction(clock.real_now)


class DeliveryFactory(ModelFactory[decisions.Delivery]):
    """A message that is due."""

    class Meta:
        model = decisions.Delivery

    message = factory.SubFactory(MessageFactory)
    subscription = factory.SubFactory(SubscriptionFactory)
    line = 0
    due_at = NOW - dt.timedelta(days=365)
