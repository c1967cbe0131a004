"""Lists of evidence, catalogue and judgement: read-only, filtered, with few queries."""

import datetime as dt
from typing import Any

import pytest
from django.apps import apps
from pytest_django import DjangoAssertNumQueries

from readiness.admin import readonly
from readiness.models import Evidence, Incident
from tests import factories
from tests.admin_pages import Visitor

pytestmark = pytest.mark.django_db

EVIDENCE = {
    "deployment": factories.DeploymentFactory,
    "incident": factories.IncidentFactory,
    "page": factories.PageFactory,
    "defect": factories.DefectFactory,
    "signal": factories.SignalFactory,
    "dependency": factories.DependencyFactory,
    "pipelinerun": factories.PipelineRunFactory,
    "shift": factories.ShiftFactory,
    "observation": factories.ObservationFactory,
    "workitem": factories.WorkItemFactory,
}
OTHERS = {
    "feed": factories.FeedFactory,
    "team": factories.TeamFactory,
    "person": factories.PersonFactory,
    "system": factories.SystemFactory,
    "managementchange": factories.ManagementChangeFactory,
    "waiver": factories.WaiverFactory,
    "exclusion": factories.ExclusionFactory,
    "policyversion": factories.PolicyVersionFactory,
    "simulation": factories.SimulationFactory,
    "evaluation": factories.EvaluationFactory,
    "scorecard": factories.ScorecardFactory,
    "alert": factories.AlertFactory,
}
EVERY: list[tuple[str, Any]] = [*EVIDENCE.items(), *OTHERS.items()]


def at(model: str, rest: str = "") -> str:
    """The address of a list, or of something beneath it."""
    return f"/admin/readiness/{model}/{rest}"


def test_every_kind_of_evidence_has_its_list() -> None:
    kinds = {model._meta.model_name for model in apps.get_models() if issubclass(model, Evidence)}

    assert kinds == set(EVIDENCE)


@pytest.mark.parametrize(("model", "factory"), EVERY)
def test_nobody_adds_or_deletes_rows_not_even_with_all_rights(model: str, factory: Any) -> None:
    row = factory.create()
    visitor = Visitor()
    visitor.user.is_superuser = True
    visitor.user.save()

    assert visitor.client.get(at(model, "add/")).status_code == 403
    assert visitor.client.post(at(model, f"{row.pk}/delete/"), {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(("model", "factory"), EVERY)
def test_a_row_has_a_page_of_its_own(model: str, factory: Any) -> None:
    row = factory.create(**({"digest": "0" * 64} if model == "scorecard" else {}))
    visitor = Visitor()

    assert visitor.client.get(at(model, f"{row.pk}/change/")).status_code in (200, 302)


@pytest.mark.parametrize("model", [*EVIDENCE, *OTHERS])
def test_an_empty_list_says_so(model: str) -> None:
    assert "Nothing here yet" in Visitor().get(at(model))


@pytest.mark.parametrize("rows", [5, 60])
@pytest.mark.parametrize(("model", "factory"), EVERY)
def test_a_list_takes_few_queries_and_as_many_for_60_rows_as_for_5(
    rows: int, model: str, factory: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(1, rows + 1):
        own: dict[str, dict[str, Any]] = {
            "policyversion": {"version": number},
            "evaluation": {"at": factories.ago(days=number)},
        }
        factory.create(**own.get(model, {}))
    visitor = Visitor()

    with django_assert_num_queries({"person": 10, "alert": 9}.get(model, 8)):
        visitor.get(at(model))


def test_beyond_what_is_counted_a_list_says_that_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readonly, "COUNTED", 3)
    service = factories.ServiceFactory.create()
    factories.IncidentFactory.create_batch(5, service=service)

    assert "more than 3 incidents: filter to come to the others" in Visitor().get(at("incident"))


@pytest.fixture
def incidents() -> list[Incident]:
    """Four incidents on four days, each with something of its own."""
    service = factories.ServiceFactory.create(slug="pay")
    ways: list[dict[str, Any]] = [
        {"external_id": "INC-1", "title": "Card payments fail", "severity": 1, "resolved_at": None},
        {"external_id": "INC-2", "drill": True, "after_hours": True},
        {"external_id": "INC-3", "withdrawn": True},
        {"external_id": "OPS-4", "excluded": True, "service": factories.ServiceFactory.create()},
    ]
    return [
        factories.IncidentFactory.create(
            **{"service": service, "started_at": dt.datetime(2026, 6, day, 12, tzinfo=dt.UTC), **way}
        )
        for day, way in enumerate(ways, start=1)
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"INC-1", "INC-2", "INC-3", "OPS-4"}),
        ({"q": "INC"}, {"INC-1", "INC-2", "INC-3"}),
        ({"q": "payments"}, {"INC-1"}),
        ({"severity": "1"}, {"INC-1"}),
        ({"open": "yes"}, {"INC-1"}),
        ({"counts": "yes"}, {"INC-1"}),
        ({"counts": "drill"}, {"INC-2"}),
        ({"counts": "withdrawn"}, {"INC-3"}),
        ({"counts": "excluded"}, {"OPS-4"}),
        ({"after_hours__exact": "1"}, {"INC-2"}),
        ({"started_at_from": "2026-06-02", "started_at_to": "2026-06-03"}, {"INC-2", "INC-3"}),
        ({"started_at_from": "soon"}, {"INC-1", "INC-2", "INC-3", "OPS-4"}),
        ({"source__icontains": "nobody"}, set()),
    ],
)
def test_incidents_are_found_by_what_they_are(
    incidents: list[Incident], query: dict[str, str], found: set[str]
) -> None:
    page = Visitor().get(at("incident"), **query)

    assert {row.external_id for row in incidents if f">{row.external_id}</td>" in page} == found


def test_evidence_of_one_service_is_listed_from_its_page(incidents: list[Incident]) -> None:
    page = Visitor().get(at("incident"), service__id__exact=incidents[3].service_id)

    assert ">OPS-4</td>" in page
    assert ">INC-1</td>" not in page


def test_a_link_that_is_none_is_not_linked() -> None:
    factories.DefectFactory.create(url="javascript:alert(1)")

    assert "javascript:alert" not in Visitor().get(at("defect"))


def test_an_evaluation_shows_its_progress_and_its_errors() -> None:
    run = factories.EvaluationFactory.create(failed=1, errors=[{"service": "pay", "error": "ValueError: no"}])
    factories.EvaluationBatchFactory.create(evaluation=run, done=True)
    factories.EvaluationBatchFactory.create(evaluation=run)
    visitor = Visitor()

    assert "1 of 2 batches" in visitor.get(at("evaluation"))
    assert "ValueError: no" in visitor.get(at("evaluation", f"{run.pk}/change/"))


@pytest.mark.parametrize(
    ("tier", "words"), [("1", "none"), ("3", "slo, traces"), ("nonsense", "slo, traces")]
)
def test_a_policy_shows_the_rubric_of_a_tier_and_its_text(tier: str, words: str) -> None:
    version = factories.PolicyVersionFactory.create()
    page = Visitor().get(at("policyversion", f"{version.pk}/change/"), tier=tier)

    assert "Loosely coupled architecture" in page
    assert "0 → 100, 4 → 85" in page
    assert f"<dt>not required</dt><dd>{words}</dd>" in page
    assert "golden_signals: [latency, traffic, errors, saturation]" in page
