"""What a replay says otherwise than the judgement made at the time rests on rows received after that one."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readiness import clock, evaluation
from readiness.measures.arrivals import Arrival, received_after
from readiness.models import Incident, Scorecard, Service
from readiness.models.scorecard import Kind
from readiness.scoring import differences
from readiness.scoring.document import Change
from tests.factories import DependencyFactory, DeploymentFactory, IncidentFactory, PageFactory, ServiceFactory

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 6, 1, 9, tzinfo=UTC)
DAYS = 10
BEHIND = timedelta(days=100)
"""The clock stands so far behind the real time, as in a demo."""
SERVICES = ("shop", "till", "quiet")
FEEDS = ("defect", "incident", "deployment", "page", "signal", "dependency")
CATALOGUE = """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: builders}
spec: {type: team, children: []}
""" + "".join(
    f"""---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: {slug}, annotations: {{handoff/launched-on: "2025-01-01"}}}}
spec: {{type: service, lifecycle: production, owner: builders}}
"""
    for slug in SERVICES
)


def day(number: float) -> str:
    """A moment of the story as records state it: the evening of a day is its number and a half."""
    return (FIRST + timedelta(days=number)).isoformat()


def row(service: str, name: str, **fields: Any) -> dict[str, Any]:
    """A record."""
    return {"service": service, "source": "tools", "id": name, **fields}


INCIDENT = row("shop", "INC-1", severity=1, title="Shop is down", started_at=day(1.5), resolved_at=day(1.6))
BUG = row("till", "BUG-1", severity=1, title="Wrong change", opened_at=day(-3))
ROLLBACK = row(
    "shop",
    "dep-late",
    environment="production",
    started_at=day(6.5),
    outcome="succeeded",
    remediates="dep-6",
    remediation="rollback",
)
ON_TIME: Mapping[int, dict[str, list[dict[str, Any]]]] = {
    0: {"defects": [BUG]},
    5: {"incidents": [row("quiet", "INC-2", severity=4, title="Slow", started_at=day(4.9))]},
}
LATE: Mapping[int, dict[str, list[dict[str, Any]]]] = {
    # of the evening of day 1: days 2 and 3 were judged without it
    4: {"incidents": [INCIDENT]},
    # closed in the evening of day 3: days 4 to 6 were judged with it open
    7: {"defects": [{**BUG, "closed_at": day(3.5)}]},
    # of the evening of day 6: day 7 was judged without it
    8: {"deployments": [ROLLBACK]},
}
MISSED = {
    ("shop", 2): {"INC-1"},
    ("shop", 3): {"INC-1"},
    ("till", 4): {"BUG-1"},
    ("till", 5): {"BUG-1"},
    ("till", 6): {"BUG-1"},
    ("shop", 7): {"dep-late"},
}
"""Which judgements could not know which rows."""


class Story:
    """Ten days: each morning rows come in, then the fleet is judged; receive times follow the days."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        self.folder = folder
        self.real_now = FIRST + BEHIND
        settings.CLOCK_OFFSET = -BEHIND
        monkeypatch.setattr(clock, "real_now", lambda: self.real_now)

    def tell(self) -> None:
        """Live through the days."""
        for number in range(DAYS):
            self.real_now = FIRST + BEHIND + timedelta(days=number)
            self._receive(number)
            self.real_now += timedelta(minutes=10)
            evaluation.run(evaluation.request(FIRST + timedelta(days=number), kind=Kind.LIVE))

    def replay(self) -> None:
        """Judge the same days with what is known at the end."""
        self.real_now += timedelta(hours=1)
        for number in range(DAYS):
            evaluation.run(evaluation.request(FIRST + timedelta(days=number), kind=Kind.REPLAY))

    def _receive(self, number: int) -> None:
        arriving = self.folder / f"day-{number}"
        arriving.mkdir()
        if not number:
            (arriving / "catalog-info.yaml").write_text(CATALOGUE)
        files: dict[str, list[dict[str, Any]]] = {"feeds": list(_heartbeats(number)), **_routine(number)}
        for told in (ON_TIME, LATE):
            for name, rows in told.get(number, {}).items():
                files[name] = [*files.get(name, []), *rows]
        for name, rows in files.items():
            (arriving / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        call_command("import_fleet", arriving, "--strict", verbosity=0)


def _heartbeats(number: int) -> Iterator[dict[str, Any]]:
    for kind in FEEDS:
        heard = {"since": day(-200), "last_seen_at": day(number)}
        yield {"source": "tools", "kind": kind, "services": list(SERVICES), **heard}


def _routine(number: int) -> dict[str, list[dict[str, Any]]]:
    """What comes in each morning, on time: a deployment, and signals that are still there."""
    deployments = [
        row(
            slug,
            f"dep-{number}" if slug == "shop" else f"{slug}-{number}",
            environment="production",
            started_at=day(number - 0.5),
            outcome="succeeded",
        )
        for slug in SERVICES
    ]
    signals = [
        row(slug, f"{slug}-latency", signal="latency", first_seen_at=day(-90), last_seen_at=day(number))
        for slug in SERVICES
    ]
    return {"deployments": deployments, "signals": signals}


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Story:
    """The days, lived and replayed."""
    story = Story(tmp_path, monkeypatch, settings)
    story.tell()
    story.replay()
    return story


def compared() -> Iterator[tuple[str, int, list[Change], list[Arrival]]]:
    """Service, day, what the replay says otherwise, and the rows received since the judgement of the day."""
    cards = Scorecard.objects.select_related("service").order_by("at", "service__slug")
    replayed = {(card.service_id, card.at): card for card in cards.filter(kind=Kind.REPLAY)}
    for live in cards.filter(kind=Kind.LIVE):
        again = replayed[live.service_id, live.at]
        changes = differences(live.numbers, again.numbers)
        arrivals = received_after(live.service_id, live.created_at, live.at)
        yield live.service.slug, (live.at - FIRST).days, changes, arrivals


@pytest.mark.usefixtures("story")
def test_each_difference_stands_beside_the_rows_received_after_the_judgement_of_the_day() -> None:
    told = {(slug, number): (changes, arrivals) for slug, number, changes, arrivals in compared()}
    assert len(told) == DAYS * len(SERVICES)

    print("\n".join(line for key, found in told.items() for line in listed(*key, *found)))  # noqa: T201 - for -s
    assert {key for key, (changes, _) in told.items() if changes} == set(MISSED)
    for key, names in MISSED.items():
        assert names <= {arrival.ref.id for arrival in told[key][1]}


def listed(slug: str, number: int, changes: list[Change], arrivals: list[Arrival]) -> Iterator[str]:
    """The differences of a day, and what was received since; nothing for a day without differences."""
    if changes:
        yield f"{slug}, day {number}"
        yield from (f"    {path}: {before} became {after}" for path, before, after in changes)
        for ref, happened, _, changed in arrivals:
            came = f"{changed - BEHIND:%m-%d %H:%M}"
            yield f"    {ref.kind} {ref.name} of {happened:%m-%d %H:%M} came in, or changed, at {came}"


@pytest.mark.usefixtures("story")
def test_a_day_that_missed_nothing_of_its_time_is_replayed_as_it_was_judged() -> None:
    calm = [told for told in compared() if told[:2] not in MISSED]
    assert len(calm) == DAYS * len(SERVICES) - len(MISSED)
    for slug, number, changes, arrivals in calm:
        assert changes == [], (slug, number)
        # what came in since is known longer than the judgement: spans that grew, a defect closed later
        assert {each.ref.kind for each in arrivals} <= {"feed", "signal", "defect"}
        assert all(each.first_received_at < each.changed_at for each in arrivals)


@pytest.mark.usefixtures("story")
def test_what_was_missed_is_what_changed() -> None:
    changed = {(slug, number): dict(_after(changes)) for slug, number, changes, _ in compared()}

    assert changed["shop", 2]["criteria.stability.parts.clock_days.value"] is not None
    assert changed["till", 4]["criteria.defects.parts.open_load.value"] == 0
    assert changed["shop", 7]["criteria.change_safety.parts.change_fail_rate.value"] > 0
    # what was said at the time stays as it was said
    assert Scorecard.objects.filter(kind=Kind.LIVE).count() == DAYS * len(SERVICES)
    assert set(Scorecard.objects.values_list("revision", flat=True)) == {1}
    assert set(Scorecard.objects.values_list("clock_offset", flat=True)) == {-BEHIND}


def _after(changes: list[Change]) -> Iterator[tuple[str, Any]]:
    for path, _, after in changes:
        yield path, after


def test_rows_of_others_that_speak_of_a_service_are_listed_too() -> None:
    now = FIRST
    service, other = ServiceFactory.create(), ServiceFactory.create()
    deployed = DeploymentFactory.create(service=service, started_at=day_before(now), first_received_at=now)
    later = now + timedelta(hours=1)
    named: dict[str, Any] = {"service": other, "first_received_at": later}
    incident = IncidentFactory.create(
        started_at=now, caused_by_source="tests", caused_by_id=deployed.external_id, **named
    )
    remedy = DeploymentFactory.create(
        started_at=now, remediates_source="tests", remediates_id=deployed.external_id, **named
    )
    edge = DependencyFactory.create(target=service, first_seen_at=None, **named)
    PageFactory.create(paged_at=now, **named)
    IncidentFactory.create(started_at=now, **named)

    found = {arrival.ref.id for arrival in received_after(service.pk, now, now)}
    assert found == {incident.external_id, remedy.external_id, edge.external_id}


def day_before(moment: datetime) -> datetime:
    """A day earlier."""
    return moment - timedelta(days=1)


def test_neither_rows_known_before_nor_rows_of_later_are_listed() -> None:
    service: Service = ServiceFactory.create()
    later = FIRST + timedelta(hours=1)
    IncidentFactory.create(service=service, started_at=day_before(FIRST), first_received_at=FIRST)
    IncidentFactory.create(service=service, started_at=later, first_received_at=later)
    assert received_after(service.pk, FIRST, FIRST) == []

    Incident.objects.update(changed_at=later)
    assert len(received_after(service.pk, FIRST, FIRST)) == 1


def test_the_list_takes_one_query_a_table() -> None:
    service: Service = ServiceFactory.create()
    with CaptureQueriesContext(connection) as captured:
        received_after(service.pk, FIRST, FIRST)
    assert len(captured) == 11
