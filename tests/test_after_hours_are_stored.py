"""Whether a page or incident fell after hours is decided when it is stored, and again when hours change."""

import datetime as dt
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from readiness.backstage import Catalogue, ServiceEntry, TeamEntry
from readiness.evidence import Kind, Record, Rejection, parse_object
from readiness.hours import Classifier, Hours, classifier
from readiness.ingest import CatalogueImport, Ingest
from readiness.models import Incident, Page, Rejudgement, Service, Team
from readiness.reclassify import reclassify_services, reclassify_team
from tests.factories import NOW, IncidentFactory, PageFactory, ServiceFactory, TeamFactory

pytestmark = pytest.mark.django_db

# A Wednesday. Berlin is two hours ahead of UTC then, Tokyo nine.
MORNING_IN_BERLIN = "2026-06-17T07:30:00Z"
NIGHT_IN_BERLIN = "2026-06-17T21:30:00Z"


@pytest.fixture
def berlin() -> Team:
    team = TeamFactory(slug="berlin", time_zone="Europe/Berlin", country="DE", subdivision="BE")
    ServiceFactory(slug="pay", owner=team)
    ServiceFactory(slug="ship", owner=TeamFactory(slug="tokyo", time_zone="Asia/Tokyo", country="JP"))
    return team


def store(kind: Kind, *, at: str, **values: Any) -> None:
    """Store one record of a page or an incident."""
    moment = "paged_at" if kind is Kind.PAGE else "started_at"
    required = {"severity": 2, "title": "down"} if kind is Kind.INCIDENT else {}
    values = {"service": "pay", "source": "t", "id": "1", **required, **values, moment: at}
    record = parse_object(kind, values, NOW)
    assert not isinstance(record, Rejection), record

    def refuse(_: object, rejection: Rejection) -> None:
        raise AssertionError(rejection)

    records: list[tuple[int, Record]] = [(1, record)]
    Ingest(NOW).store(kind, records, refuse=refuse)


def flags(model: type[Page] | type[Incident]) -> tuple[bool, bool]:
    """After hours, and at night, of the one row."""
    row = model.objects.get()
    return row.after_hours, row.night


@pytest.mark.parametrize(("kind", "model"), [(Kind.PAGE, Page), (Kind.INCIDENT, Incident)])
class TestStoring:
    """Pages and incidents alike."""

    def test_the_owner_teams_hours_decide(
        self, berlin: Team, kind: Kind, model: type[Page] | type[Incident]
    ) -> None:
        store(kind, at=MORNING_IN_BERLIN)
        assert flags(model) == (False, False)
        store(kind, at=NIGHT_IN_BERLIN)
        assert flags(model) == (True, True)

    def test_a_row_that_moves_to_another_service_falls_under_its_hours(
        self, berlin: Team, kind: Kind, model: type[Page] | type[Incident]
    ) -> None:
        store(kind, at=MORNING_IN_BERLIN)
        store(kind, at=MORNING_IN_BERLIN, service="ship")  # 16:30 in Tokyo
        assert flags(model) == (False, False)
        store(kind, at="2026-06-17T10:00:00Z", service="ship")  # 19:00 in Tokyo, noon in Berlin
        assert flags(model) == (True, False)

    def test_a_public_holiday_is_after_hours(
        self, berlin: Team, kind: Kind, model: type[Page] | type[Incident]
    ) -> None:
        store(kind, at="2026-05-01T07:30:00Z")
        assert flags(model) == (True, False)


def test_changed_hours_are_applied_to_what_is_stored(berlin: Team) -> None:
    store(Kind.PAGE, at=MORNING_IN_BERLIN)
    store(Kind.INCIDENT, at=MORNING_IN_BERLIN)
    berlin.business_hours, berlin.hours_changed_at = "10:00-18:00", NOW
    berlin.save()

    assert reclassify_team(berlin.pk) == 2
    assert flags(Page) == flags(Incident) == (True, False)
    berlin.refresh_from_db()
    assert Team.objects.filter(hours_changed_at=None).contains(berlin)
    assert Rejudgement.objects.get().service == berlin.services.get()
    assert reclassify_team(berlin.pk) == 0


def test_only_the_teams_own_rows_are_touched(berlin: Team) -> None:
    elsewhere = PageFactory(paged_at=dt.datetime(2026, 6, 17, 3, tzinfo=dt.UTC), after_hours=False)

    assert reclassify_team(berlin.pk) == 0
    elsewhere.refresh_from_db()
    assert not elsewhere.after_hours


def test_hours_that_change_again_meanwhile_stay_marked(berlin: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    later = NOW + dt.timedelta(minutes=1)
    berlin.hours_changed_at = NOW
    berlin.save()
    PageFactory(service=berlin.services.get())

    def look_while_somebody_changes_them(hours: Hours) -> Classifier:
        Team.objects.update(hours_changed_at=later)
        return classifier(hours)

    monkeypatch.setattr("readiness.reclassify.classifier", look_while_somebody_changes_them)
    reclassify_team(berlin.pk)
    berlin.refresh_from_db()
    assert berlin.hours_changed_at == later


@pytest.mark.parametrize("rows", [3, 30])
def test_reclassifying_needs_a_constant_number_of_queries(
    berlin: Team, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    service = berlin.services.get()
    for n in range(rows):
        PageFactory(service=service, paged_at=NOW - dt.timedelta(hours=7 * n))
        IncidentFactory(service=service, started_at=NOW - dt.timedelta(hours=7 * n))

    with django_assert_max_num_queries(24):
        reclassify_team(berlin.pk)


def test_a_catalogue_that_changes_hours_or_owners_changes_the_flags_at_once(berlin: Team) -> None:
    store(Kind.PAGE, at=MORNING_IN_BERLIN)

    def describe(owner: str, hours: Hours) -> None:
        teams = (TeamEntry("berlin", hours=hours), TeamEntry("tokyo", hours=Hours("Asia/Tokyo", "JP")))
        catalogue = Catalogue(teams=teams, services=(ServiceEntry("pay", owner=owner),))
        CatalogueImport("tests", now=NOW, note=print).store(catalogue)

    describe("berlin", Hours("Europe/Berlin", "DE", opens=dt.time(11)))
    assert flags(Page) == (True, False)
    describe("tokyo", Hours("Europe/Berlin", "DE", opens=dt.time(11)))
    assert flags(Page) == (False, False)
    berlin.refresh_from_db()
    assert berlin.hours_changed_at is None


def test_services_of_several_owners_are_reclassified_by_their_own_owners_hours(berlin: Team) -> None:
    noon = dt.datetime(2026, 6, 17, 10, tzinfo=dt.UTC)
    for service in Service.objects.all():
        PageFactory(service=service, paged_at=noon, after_hours=False)

    reclassify_services(list(Service.objects.values_list("pk", flat=True)))

    stored = dict(Page.objects.values_list("service__slug", "after_hours"))
    assert stored == {"pay": False, "ship": True}
