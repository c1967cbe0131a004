"""Alerts about waivers that end soon: when they are raised, who should act, and how each ends."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readiness import alerting
from readiness.models import Alert, Service, Waiver
from tests.factories import NOW, EvaluationFactory, ServiceFactory, TeamFactory, WaiverFactory, ago

DAY = dt.timedelta(days=1)
TICK = dt.timedelta(microseconds=1)
ENDS = NOW + 40 * DAY
SOON = ENDS - 14 * DAY

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _judged() -> None:
    """The fleet was judged, and will have been."""
    EvaluationFactory.create(at=NOW + 400 * DAY, state="done")


@pytest.fixture
def service() -> Service:
    """A service with two teams."""
    made: Service = ServiceFactory.create(slug="pay", ops_team=TeamFactory.create())
    return made


def waiver(service: Service, **values: Any) -> Waiver:
    """A live waiver of its telemetry for 40 days."""
    made: Waiver = WaiverFactory.create(service=service, **{"ends_at": ENDS, **values})
    return made


def raised() -> list[tuple[str, str]]:
    """What is open, as service and target."""
    rows = Alert.objects.open().filter(kind=Alert.Kind.WAIVER_ENDS).order_by("service__slug", "subject")
    return [(alert.service.slug, alert.subject) for alert in rows.select_related("service") if alert.service]


@pytest.mark.parametrize(("moment", "due"), [(SOON - TICK, False), (SOON, True), (ENDS - TICK, True)])
def test_it_is_raised_14_days_before_the_end(service: Service, moment: dt.datetime, due: bool) -> None:
    waiver(service)
    alerting.watch(moment)

    assert bool(raised()) is due


def test_it_tells_the_owner_team_what_ends_when_and_what_to_do(service: Service) -> None:
    made = waiver(service)
    alerting.watch(SOON)
    alert = Alert.objects.get()

    assert (alert.service, alert.subject, alert.team) == (service, "telemetry", service.owner)
    assert alert.began_at == SOON
    assert alert.text == (
        "The waiver of telemetry ends on 2026-08-10 00:00 UTC: from then on telemetry counts again. Mend it, "
        "or ask for another waiver in time for somebody to decide."
    )
    assert alert.numbers == {"waiver": made.pk, "ends_at": ENDS.isoformat()}


def test_it_ends_when_the_waiver_does(service: Service) -> None:
    waiver(service)
    alerting.watch(SOON)
    alerting.watch(ENDS)

    assert raised() == []
    assert Alert.objects.get().ended_at == ENDS


def test_it_ends_when_the_waiver_is_revoked(service: Service) -> None:
    made = waiver(service)
    alerting.watch(SOON)
    Waiver.objects.filter(pk=made.pk).update(revoked_at=SOON + DAY)
    alerting.watch(SOON + DAY)

    assert raised() == []


@pytest.mark.parametrize(
    ("values", "due"),
    [
        ({"ends_at": ENDS + 90 * DAY}, False),
        ({"ends_at": ENDS + TICK}, False),  # for so long
        ({"ends_at": ENDS - DAY}, True),
        ({"ends_at": ENDS + 90 * DAY, "asked": True}, True),  # nobody approved it yet
        ({"ends_at": ENDS + 90 * DAY, "approved_at": SOON + DAY}, True),  # approved tomorrow
        ({"ends_at": ENDS + 90 * DAY, "revoked_at": SOON - DAY}, True),
        ({"ends_at": ENDS + 90 * DAY, "target": "defects"}, True),
        ({"ends_at": ENDS + 90 * DAY, "service": None}, True),
    ],
)
def test_a_later_live_one_of_the_same_takes_the_reason_away(
    service: Service,
    values: dict[str, Any],
    due: bool,
) -> None:
    waiver(service)
    other = {"service": service, **values}
    WaiverFactory.create(**{**other, "service": other["service"] or ServiceFactory.create(slug="quote")})
    alerting.watch(SOON)

    assert bool(raised()) is due
    assert len(raised()) < 2


def test_once_a_later_one_is_approved_it_ends_and_speaks_up_again_before_the_later_end(
    service: Service,
) -> None:
    waiver(service)
    alerting.watch(SOON)
    later = waiver(service, asked=True, ends_at=ENDS + 60 * DAY)
    alerting.watch(SOON + DAY)
    assert raised() == [("pay", "telemetry")]

    Waiver.objects.filter(pk=later.pk).update(approver="7 grace", approved_at=SOON + 2 * DAY)
    alerting.watch(SOON + 2 * DAY)
    assert raised() == []
    alerting.watch(ENDS + 46 * DAY)
    assert raised() == [("pay", "telemetry")]
    assert Alert.objects.count() == 2


def test_what_it_says_follows_the_one_that_ends_last(service: Service) -> None:
    waiver(service)
    alerting.watch(SOON)
    longer = waiver(service, ends_at=ENDS + DAY)
    alerting.watch(SOON + DAY)
    alert = Alert.objects.get()

    assert "ends on 2026-08-11" in alert.text
    assert (alert.numbers["waiver"], alert.began_at) == (longer.pk, SOON)


def test_each_target_of_each_service_has_its_own(service: Service) -> None:
    waiver(service)
    waiver(service, target="missing_signal:latency")
    waiver(ServiceFactory.create(slug="quote"))
    waiver(ServiceFactory.create(slug="old", lifecycle="retired"))
    alerting.watch(SOON)

    assert raised() == [("pay", "missing_signal:latency"), ("pay", "telemetry"), ("quote", "telemetry")]


def test_two_that_end_at_the_same_moment_are_one_reason(service: Service) -> None:
    waiver(service)
    waiver(service, approved_at=ago(days=3))

    assert [alerting.watch(SOON).raised, alerting.watch(SOON).raised] == [1, 0]


def test_a_fleet_of_many_waivers_takes_as_many_queries_as_one_of_few() -> None:
    def queries() -> int:
        alerting.watch(SOON)
        with CaptureQueriesContext(connection) as captured:
            alerting.watch(SOON)
        return len(captured)

    for _ in range(3):
        waiver(ServiceFactory.create())
    few = queries()
    for _ in range(200):
        waiver(ServiceFactory.create())

    assert queries() == few
    assert len(raised()) == 203
