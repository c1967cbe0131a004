"""How many queries a list takes: as many for thirty rows as for three."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from handoff.models import Case
from tests import factories
from tests.rest import Asker

pytestmark = pytest.mark.django_db

RIGHTS = 2
"""What every request takes first: the permissions of the log-in, its own and those of its groups."""


def _judged(number: int) -> None:
    for _ in range(number):
        score = factories.CurrentScoreFactory.create()
        factories.ServiceAliasFactory.create_batch(2, service=score.service)
        score.service.ops_team = factories.TeamFactory.create()
        score.service.system = factories.SystemFactory.create(owner=factories.TeamFactory.create())
        score.service.save()


def _evaluated(number: int) -> None:
    for each in range(number):
        evaluation = factories.EvaluationFactory.create(at=factories.ago(days=each))
        factories.EvaluationBatchFactory.create_batch(2, evaluation=evaluation)


def _versions(number: int) -> None:
    for version in range(1, number + 1):
        factories.PolicyVersionFactory.create(version=version).activations.create(at=factories.NOW)


def _cases(number: int) -> None:
    for service in factories.ServiceFactory.create_batch(number):
        Case.objects.create(
            service=service,
            kind="handoff",
            trigger="person",
            reason="It is quiet.",
            proposer="1 Ada",
            proposer_side="developers",
            opened_at=factories.NOW,
        )


def _many(factory: Any) -> Callable[[int], Any]:
    create: Callable[[int], Any] = factory.create_batch
    return create


LISTS: dict[str, tuple[Callable[[int], Any], int]] = {
    "teams": (_many(factories.TeamFactory), 1),
    "systems": (_many(factories.SystemFactory), 1),
    # the rows with all that belongs to one of them, and the aliases
    "services": (_judged, 2),
    "dependencies": (_many(factories.DependencyFactory), 1),
    "deployments": (_many(factories.DeploymentFactory), 1),
    "incidents": (_many(factories.IncidentFactory), 1),
    "pages": (_many(factories.PageFactory), 1),
    "defects": (_many(factories.DefectFactory), 1),
    "signals": (_many(factories.SignalFactory), 1),
    "pipeline-runs": (_many(factories.PipelineRunFactory), 1),
    "feeds": (_many(factories.FeedFactory), 1),
    "shifts": (_many(factories.ShiftFactory), 1),
    "observations": (_many(factories.ObservationFactory), 1),
    "work-items": (_many(factories.WorkItemFactory), 1),
    "scorecards": (_many(factories.ScorecardFactory), 1),
    "evaluations": (_evaluated, 1),
    "alerts": (_many(factories.AlertFactory), 1),
    "waivers": (_many(factories.WaiverFactory), 1),
    "cases": (_cases, 1),
    # the versions, and when each was put in force
    "policies": (_versions, 2),
}


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize("path", LISTS)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    path: str, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make, queries = LISTS[path]
    make(rows)
    asker = Asker()

    with django_assert_num_queries(RIGHTS + queries):
        found = asker.rows(f"{path}/", page_size=500)
    assert len(found) >= rows


@pytest.mark.parametrize("rows", [3, 30])
def test_a_filter_by_name_takes_one_query_for_all_its_names(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    services = factories.ServiceFactory.create_batch(rows)
    for service in services:
        factories.IncidentFactory.create(service=service)
    asker = Asker()

    with django_assert_num_queries(RIGHTS + 2):
        found = asker.rows("incidents/", service=[service.slug for service in services])
    assert len(found) == rows


@pytest.mark.parametrize("rows", [3, 30])
def test_a_history_takes_two_queries_however_long_it_is(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    service = factories.ServiceFactory.create()
    for day in range(rows):
        numbers = {"criteria": {"defects": {"score": 80.0}}}
        factories.ScorecardFactory.create(service=service, at=factories.ago(days=day), numbers=numbers)
    asker = Asker()

    # the service by its name, and its scorecards
    with django_assert_num_queries(RIGHTS + 2):
        found = asker.get(f"services/{service.slug}/history/")
    assert len(found["points"]) == rows
