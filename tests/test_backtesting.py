"""What came after a judgement is counted by the rules that judge, and judgements are those of the moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readiness import clock, evaluation, simulation
from readiness.foretelling import Observation, Tally
from readiness.models import Evaluation, Scorecard, Service
from readiness.simulation.backtesting import observed, packed, unpacked
from readiness.simulation.trial import Fleet
from tests.candidates import policy_with
from tests.factories import (
    NOW,
    DefectFactory,
    DeploymentFactory,
    FeedFactory,
    IncidentFactory,
    PageFactory,
    ServiceFactory,
    ago,
)
from tests.judged import default_policy
from tests.worked_fleet import FOLDER

HORIZON = timedelta(days=90)
AT = ago(days=120)
"""The horizon ends 30 days before now."""

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Service:
    """A developer-managed service whose feeds are heard for the year before now."""
    service: Service = ServiceFactory.create(slug="shop", developer_managed=True)
    for kind in ("incident", "page", "defect", "deployment"):
        FeedFactory.create(service=service, kind=kind)
    return service


def seen(at: datetime = AT, **ways: Any) -> Observation:
    """The one service that is judged at a moment, with what came after."""
    (found,) = observed(ways.get("policy", default_policy()), at, horizon=HORIZON, fleet=Fleet.of(None))
    return found


def after(at: datetime = AT, **ways: Any) -> dict[str, Tally]:
    """What came after it."""
    return {
        name: Tally(each.events, round(each.exposure, 6)) for name, each in seen(at, **ways).after.items()
    }


def day(number: float) -> datetime:
    """A moment so many days after the judgement."""
    return AT + timedelta(days=number)


def test_incidents_of_the_horizon_count_those_before_after_lesser_and_drills_do_not(shop: Service) -> None:
    for began, severity in ((0, 1), (0.5, 1), (60, 3), (90, 2), (90.1, 1), (20, 4)):
        IncidentFactory.create(service=shop, started_at=day(began), severity=severity)
    IncidentFactory.create(service=shop, started_at=day(5), severity=1, drill=True)
    IncidentFactory.create(service=shop, started_at=day(5), severity=1, excluded=True)

    assert after()["incidents"] == Tally(3, 90)


def test_what_happened_while_nobody_listened_is_neither_counted_nor_exposure(shop: Service) -> None:
    shop.feeds.filter(kind="incident").update(since=day(30))
    for began in (10, 40):
        IncidentFactory.create(service=shop, started_at=day(began))

    assert after()["incidents"] == Tally(1, 60)


def test_changes_and_those_that_failed_in_the_horizon(shop: Service) -> None:
    deployed = [
        DeploymentFactory.create(service=shop, started_at=day(number)) for number in (-5, 1, 2, 3, 95)
    ]
    for blamed in (deployed[0], deployed[2]):
        IncidentFactory.create(
            service=shop,
            started_at=blamed.started_at + timedelta(hours=1),
            caused_by_source=blamed.source,
            caused_by_id=blamed.external_id,
        )

    assert after()["failed_changes"] == Tally(1, 3)


def test_where_nobody_reports_failures_no_change_could_be_seen_to_fail(shop: Service) -> None:
    DeploymentFactory.create(service=shop, started_at=day(1))
    shop.feeds.filter(kind="incident").delete()

    assert after()["failed_changes"] == Tally(0, 0)
    assert after()["incidents"] == Tally(0, 0)


def test_defects_opened_in_the_horizon_but_not_those_found_before_production(shop: Service) -> None:
    for opened, found_in in ((-1, "production"), (1, "production"), (50, None), (60, "pre_production")):
        DefectFactory.create(service=shop, opened_at=day(opened), found_in=found_in)

    assert after()["defects"] == Tally(2, 90)


def test_after_hours_are_events_not_pages(shop: Service) -> None:
    night = {"service": shop, "after_hours": True, "incident_source": "tests", "incident_id": "INC"}
    PageFactory.create_batch(4, **night, paged_at=day(10))
    PageFactory.create(service=shop, paged_at=day(11), after_hours=True)
    PageFactory.create(service=shop, paged_at=day(12), after_hours=False)
    PageFactory.create(service=shop, paged_at=day(-1), after_hours=True)

    assert after()["after_hours"] == Tally(2, 90)


def test_a_policy_without_the_criterion_knows_no_events_after_hours(shop: Service) -> None:
    def silent(document: dict[str, Any]) -> None:
        document["criteria"]["after_hours"]["enabled"] = False

    assert "after_hours" not in after(policy=policy_with(silent))


def test_the_judgement_is_that_of_the_moment_and_knows_nothing_of_what_came(shop: Service) -> None:
    before = seen()
    IncidentFactory.create(service=shop, started_at=day(10), severity=1, resolved_at=None)
    DefectFactory.create(service=shop, opened_at=day(10), severity=1)

    assert seen().scores == before.scores
    assert seen().after != before.after
    evaluation.run(evaluation.request(AT, kind="replay"))
    card = Scorecard.objects.get()
    assert before.scores["overall"] == card.score
    assert (before.of, before.verdict) == ("handoff", card.handoff)


def test_a_service_without_a_verdict_is_left_out(shop: Service) -> None:
    Service.objects.update(lifecycle="retired")
    assert observed(default_policy(), AT, horizon=HORIZON, fleet=Fleet.of(None)) == []


def test_moments_whose_horizon_has_not_passed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    every = timedelta(days=28)

    found = simulation.moments_before(ago(days=150), NOW, every, horizon=HORIZON)
    assert [(NOW - at).days for at in found] == [150, 122, 94]
    with pytest.raises(ValueError, match="the horizon of 2026-05-02 has not passed"):
        simulation.moments_before(ago(days=60), NOW, every, horizon=HORIZON)


@pytest.fixture
def fleet(db: None) -> None:
    """The worked fleet."""
    call_command("import_fleet", FOLDER, verbosity=0)


@pytest.mark.usefixtures("fleet")
def test_a_report_says_what_it_rests_on_and_stores_nothing() -> None:
    at = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)]
    result = simulation.backtest(default_policy(), at, horizon=HORIZON)

    assert result["moments"] == [each.isoformat() for each in at]
    assert result["horizon_days"] == 90
    assert result["observations"] > result["services"] > 20
    assert {row["score"] for row in result["relations"]} >= {"overall", "defects", "stability"}
    assert any(
        words.startswith("Incidents of severity 1 to 3 per 30 observed days") for words in result["words"]
    )
    assert [model.objects.count() for model in (Scorecard, Evaluation)] == [0, 0]


@pytest.mark.parametrize(("days", "said"), [(89, True), (90, False)])
def test_horizons_that_overlap_count_twice_and_that_is_said(shop: Service, days: int, said: bool) -> None:
    IncidentFactory.create(service=shop, started_at=AT)
    at = [ago(days=120 + days), AT]
    report = simulation.backtest(default_policy(), at, horizon=HORIZON)
    IncidentFactory.create(service=shop, started_at=day(-0.5))

    assert any(words.startswith("Horizons overlap") for words in report["words"]) is said
    again = simulation.backtest(default_policy(), at, horizon=HORIZON)
    assert _incidents(again) == _incidents(report) + 1  # in the horizon of the first moment alone


def _incidents(report: dict[str, Any]) -> int:
    """All incidents that a report counts."""
    return sum(each["events"] for each in report["rates"] if each["consequence"] == "incidents")


@pytest.mark.usefixtures("fleet")
def test_queries_are_as_many_for_all_services_as_for_a_few() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)

    def queries(ids: list[int]) -> int:
        with CaptureQueriesContext(connection) as captured:
            observed(default_policy(), at, horizon=HORIZON, fleet=Fleet.of(ids))
        return len(captured)

    everybody = list(Service.objects.order_by("pk").values_list("pk", flat=True))
    assert queries(everybody) == queries(everybody[:6])


@pytest.mark.usefixtures("fleet")
def test_what_is_kept_between_steps_loses_nothing() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    found = observed(default_policy(), at, horizon=HORIZON, fleet=Fleet.of(None))
    assert unpacked(packed(found)) == found
