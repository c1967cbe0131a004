"""Measuring and evaluating take the same number of statements, however many services there are."""

from collections import Counter
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readiness import evaluation
from readiness.evaluation.judging import scope_of
from readiness.measures import measure, rows_of
from readiness.measures.graph import cycles
from readiness.models import Service
from readiness.models.scorecard import Kind
from tests import factories
from tests.factories import NOW, ago
from tests.worked_fleet import FOLDER

pytestmark = pytest.mark.django_db

KINDS = (
    "deployment",
    "incident",
    "page",
    "defect",
    "signal",
    "dependency",
    "pipeline_run",
    "shift",
    "work_item",
)


def grow(services: int) -> None:
    """So many more services, each with some of all: failed changes, edges, feeds that began late."""
    before: Service | None = None
    for _ in range(services):
        service = factories.ServiceFactory.create(developer_managed=True)
        for kind in KINDS:
            factories.FeedFactory.create(service=service, kind=kind, since=ago(days=90))
        failed = factories.DeploymentFactory.create(service=service, verification="failed")
        factories.DeploymentFactory.create(
            service=service,
            started_at=ago(days=5),
            remediates_source="tests",
            remediates_id=failed.external_id,
        )
        factories.IncidentFactory.create(
            service=service, severity=2, caused_by_source="tests", caused_by_id=failed.external_id
        )
        factories.PipelineRunFactory.create(service=service, outcome="failed")
        factories.DependencyFactory.create(service=service, target=before or service)
        factories.DefectFactory.create(service=service, severity=1, kind="code", found_in="production")
        for name in ("Page", "Signal", "Shift", "Observation", "WorkItem", "Waiver"):
            getattr(factories, f"{name}Factory").create(service=service)
        before = service


def statements(act: Callable[[], object]) -> Counter[str]:
    """How many statements of each kind an act takes; what is written may come in chunks of rows."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return Counter(query["sql"].split(maxsplit=1)[0] for query in captured)


def measuring() -> Counter[str]:
    """The statements of measuring all services."""
    ids = list(Service.objects.order_by("pk").values_list("pk", flat=True))
    scope = scope_of(evaluation.parsed(evaluation.in_force()), NOW, ids, whole=True)
    looped = cycles(scope)
    return statements(lambda: measure(scope, looped))


def explaining() -> Counter[str]:
    """The statements of fetching all rows of all services."""
    ids = list(Service.objects.order_by("pk").values_list("pk", flat=True))
    scope = scope_of(evaluation.parsed(evaluation.in_force()), NOW, ids)
    looped = cycles(scope)
    return statements(lambda: rows_of(scope, looped))


def evaluating(kind: str = Kind.LIVE) -> Counter[str]:
    """The statements of a whole run of one batch."""
    return statements(lambda: evaluation.run(evaluation.request(NOW, kind=kind)))


@pytest.mark.parametrize("taking", [measuring, explaining])
def test_the_same_number_for_3_services_and_for_60(taking: Callable[[], Counter[str]]) -> None:
    evaluation.in_force()
    grow(3)
    few = taking()
    grow(57)

    assert taking() == few
    assert not set(few) & {"INSERT", "UPDATE", "DELETE"}
    assert few.total() <= 40


def test_a_run_reads_the_same_number_of_times_for_3_services_and_for_60() -> None:
    evaluation.in_force()
    grow(3)
    few = evaluating()
    grow(57)
    many = evaluating()
    # the second run finds three judgements of the first: what it does must not depend on that
    again = evaluating()

    for word in ("SELECT", "WITH", "UPDATE"):
        assert many[word] == again[word] == few[word]
    # 60 rows of 19 columns are two statements where 999 values are the limit, and COPY is none
    assert many["INSERT"] <= few["INSERT"] + 1
    assert few.total() <= 60


def test_a_worked_fleet_takes_no_more_than_a_made_up_one() -> None:
    """No rare case has a statement of its own."""
    evaluation.in_force()
    grow(3)
    made_up = measuring()
    call_command("import_fleet", FOLDER, verbosity=0)

    assert measuring() == made_up
