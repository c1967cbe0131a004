"""Importing is idempotent and order-safe: a second import changes nothing, any order gives the same rows."""

import datetime as dt
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handoff.management.commands.import_fleet import Command
from readiness.evidence import Kind, Record, Rejection, parse_object
from readiness.ingest import Ingest, Tally, store
from readiness.ingest.staging import Staging
from readiness.ingest.tables import TABLES
from readiness.models import (
    Dependency,
    Deployment,
    Feed,
    Incident,
    ManagementChange,
    Page,
    Service,
    Signal,
    Team,
)
from tests.factories import NOW, DeploymentFactory, PageFactory, ServiceFactory

pytestmark = pytest.mark.django_db

FIXTURES = Path(__file__).parent.parent / "fixtures"


def import_fleet(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, int]]:
    """Exit status and counts of an import."""
    command = Command()
    call_command(command, folder, "--format", "json")
    counts: dict[str, int] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return command.status, counts


def contents() -> dict[str, list[dict[str, Any]]]:
    """All that imports write, but for when it was received."""
    models = [table.model for table in TABLES.values()] + [Service, Team, ManagementChange]
    hidden = {"id", "last_received_at", "stated_at", "statements", "recorded_at"}
    return {
        model.__name__: [
            {name: value for name, value in row.items() if name not in hidden}
            for row in model._default_manager.order_by("pk").values()
        ]
        for model in models
    }


@pytest.mark.parametrize(("fleet", "rows"), [("govuk", 39_752), ("jenkins-infra", 12_824)])
def test_a_real_fleet_is_taken_whole_and_a_second_import_changes_nothing(
    fleet: str, rows: int, capsys: pytest.CaptureFixture[str]
) -> None:
    first = import_fleet(FIXTURES / fleet, capsys)
    assert first == (0, {"created": rows, "updated": 0, "unchanged": 0, "rejected": 0})
    before = contents()

    second = import_fleet(FIXTURES / fleet, capsys)
    assert second == (0, {"created": 0, "updated": 0, "unchanged": rows, "rejected": 0})
    assert contents() == before


def test_both_real_fleets_stand_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    for fleet in ("govuk", "jenkins-infra"):
        import_fleet(FIXTURES / fleet, capsys)

    assert Service.objects.filter(fleet="govuk").count() == 44
    assert Service.objects.filter(fleet="jenkins-infra").count() == 51
    assert Service.objects.filter(fleet="jenkins-infra", lifecycle="retired").count() == 5
    assert not ManagementChange.objects.filter(service__lifecycle="retired").exists()
    assert Incident.objects.filter(drill=True).count() == 655
    assert Service.objects.named("accountapp").get().slug == "accounts-jenkins-io"
    assert Feed.objects.filter(origin="declared", reason="feeds.jsonl of govuk").count() == 153
    assert Dependency.objects.exclude(target=None).filter(on__in=Service.objects.values("slug")).exists()


# Statements about a few rows, with and without moments ------------------------------------------------

MOMENTS = [NOW - dt.timedelta(days=days) for days in range(4)]
ABSENT = object()


def statements(
    kind: Kind, optional: dict[str, list[Any]], **required: Any
) -> st.SearchStrategy[dict[str, Any]]:
    """Records of two rows of two services; each optional field is absent, null or one of its values."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "kind": st.just(kind),
        "service": st.sampled_from(["pay", "ship"]),
        "source": st.just("t"),
        "id": st.sampled_from(["1", "2"]),
        "updated_at": st.sampled_from([moment.isoformat() for moment in MOMENTS]),
        **{name: st.sampled_from(values) for name, values in required.items()},
        **{name: st.sampled_from([ABSENT, None, *values]) for name, values in optional.items()},
    }
    return st.fixed_dictionaries(fields)


DEPLOYMENTS = statements(
    Kind.DEPLOYMENT,
    {"version": ["v1", "v2"], "automated": [True, False], "remediates": ["9"], "withdrawn": [True, False]},
    environment=["production", "staging"],
    started_at=["2026-06-01T10:00:00Z"],
    outcome=["succeeded", "failed"],
)
PAGES = statements(
    Kind.PAGE,
    {"actionable": [True, False], "incident": ["7", {"source": "s", "id": "7"}], "drill": [True, False]},
    paged_at=["2026-06-01T10:00:00Z", "2026-06-01T23:00:00Z"],
)
SIGNALS = statements(
    Kind.SIGNAL,
    {"component": ["web"], "query": ["up"]},
    signal=["latency"],
    first_seen_at=["2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z"],
    last_seen_at=["2026-06-01T00:00:00Z", "2026-06-30T00:00:00Z"],
)
DEPENDENCIES = statements(
    Kind.DEPENDENCY,
    {"first_seen_at": ["2026-01-01T00:00:00Z"], "criticality": ["hard", "soft"]},
    on=["ship", "elsewhere"],
    type=["sync"],
)
FEEDS = st.fixed_dictionaries(
    {
        "kind": st.just(Kind.FEED),
        "reports": st.sampled_from(["deployment", "page"]),
        "source": st.just("t"),
        "services": st.sampled_from([["pay"], ["ship", "pay"]]),
        "since": st.just("2026-01-01T00:00:00Z"),
        "last_seen_at": st.sampled_from(["2026-06-01T00:00:00Z", "2026-06-30T00:00:00Z"]),
        "reports_failures": st.sampled_from([ABSENT, None, True, False]),
        "updated_at": st.sampled_from([moment.isoformat() for moment in MOMENTS]),
    }
)


def unique_moments(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At equal moments the later arrival wins, so only different moments leave the order open."""
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for each in said:
        key = (each.get("id"), each["updated_at"])
        if key not in seen:
            seen.add(key)
            kept.append(each)
    return kept


def record(said: dict[str, Any]) -> Record:
    """The record of a generated statement."""
    values = {name: value for name, value in said.items() if value is not ABSENT and name != "kind"}
    if "reports" in values:
        values["kind"] = values.pop("reports")
    read = parse_object(said["kind"], values, NOW)
    assert not isinstance(read, Rejection), read
    return read


def ingest(said: Iterable[dict[str, Any]], now: dt.datetime = NOW) -> Tally:
    """Store statements of one kind in this order."""
    records = [(number, record(each)) for number, each in enumerate(said)]

    def refuse(_: object, rejection: Rejection) -> None:
        raise AssertionError(rejection)

    kind = next((record.KIND for _, record in records), Kind.DEPLOYMENT)
    return Ingest(now).store(kind, records, refuse=refuse)


def rows(kind: Kind) -> list[dict[str, Any]]:
    """Values, moments and what they rest on, of all rows of a kind."""
    table = TABLES[kind]
    return sorted(
        table.rows().values(*table.names), key=lambda row: str([row[name] for name in table.key_names])
    )


@pytest.fixture
def services() -> None:
    ServiceFactory(slug="pay")
    ServiceFactory(slug="ship")


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize("kind", [Kind.DEPLOYMENT, Kind.PAGE, Kind.SIGNAL, Kind.DEPENDENCY, Kind.FEED])
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_repetition_and_split_gives_the_same_rows(kind: Kind, data: st.DataObject) -> None:
    strategies = {
        Kind.DEPLOYMENT: DEPLOYMENTS,
        Kind.PAGE: PAGES,
        Kind.SIGNAL: SIGNALS,
        Kind.DEPENDENCY: DEPENDENCIES,
        Kind.FEED: FEEDS,
    }
    said = unique_moments(data.draw(st.lists(strategies[kind], min_size=1, max_size=6)))
    TABLES[kind].rows().delete()
    ingest(said)
    expected = rows(kind)
    TABLES[kind].rows().delete()

    shuffled = data.draw(st.permutations(said + said[: len(said) // 2]))
    cut = data.draw(st.integers(0, len(shuffled)))
    ingest(shuffled[:cut])
    ingest(shuffled[cut:], NOW + dt.timedelta(hours=1))

    assert rows(kind) == expected


@pytest.mark.usefixtures("services")
def test_many_shuffled_chunks_give_the_rows_of_one_import(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(4)
    said = [
        {
            "kind": Kind.DEPLOYMENT,
            "service": chance.choice(["pay", "ship"]),
            "source": "t",
            "id": str(chance.randrange(30)),
            "environment": "production",
            "started_at": "2026-06-01T10:00:00Z",
            "outcome": chance.choice(["succeeded", "failed"]),
            "updated_at": (NOW - dt.timedelta(minutes=minutes)).isoformat(),
            **({"version": chance.choice([None, "v1", "v2"])} if chance.random() < 0.7 else {}),
        }
        for minutes in range(200)
    ]
    ingest(said)
    expected = rows(Kind.DEPLOYMENT)
    Deployment.objects.all().delete()

    monkeypatch.setattr(store, "CHUNKS", {"postgresql": 7, "sqlite": 7})
    for part in range(3):
        chance.shuffle(said)
        ingest(said, NOW + dt.timedelta(hours=part))

    assert rows(Kind.DEPLOYMENT) == expected


# What counts as a change ------------------------------------------------------------------------------

SAID: dict[str, Any] = {
    "kind": Kind.DEPLOYMENT,
    "service": "pay",
    "source": "t",
    "id": "1",
    "environment": "production",
    "started_at": "2026-06-01T10:00:00Z",
    "outcome": "succeeded",
    "version": "v1",
}
LATER = NOW + dt.timedelta(hours=1)


@pytest.mark.usefixtures("services")
class TestOneRow:
    """A row that is stored already."""

    def test_the_same_again_only_notes_that_it_was_received(self) -> None:
        ingest([SAID])
        assert ingest([SAID], LATER) == Tally(unchanged=1)
        row = Deployment.objects.get()
        assert (row.first_received_at, row.last_received_at, row.changed_at) == (NOW, LATER, NOW)
        assert row.stated_at == LATER

    def test_something_new_is_an_update(self) -> None:
        ingest([SAID])
        assert ingest([{**SAID, "version": "v2"}], LATER) == Tally(updated=1)
        row = Deployment.objects.get()
        assert (row.version, row.changed_at, row.first_received_at) == ("v2", LATER, NOW)

    def test_null_clears_and_absent_states_nothing(self) -> None:
        ingest([SAID])
        assert ingest([{**SAID, "version": ABSENT}], LATER) == Tally(unchanged=1)
        assert Deployment.objects.get().version == "v1"
        assert ingest([{**SAID, "version": None}], LATER) == Tally(updated=1)
        assert Deployment.objects.get().version is None
        assert ingest([{**SAID, "version": None}], LATER) == Tally(unchanged=1)

    def test_an_older_statement_changes_nothing_but_fills_what_was_never_said(self) -> None:
        ingest([{**SAID, "version": ABSENT}])
        older = {**SAID, "outcome": "failed", "updated_at": "2026-06-02T00:00:00Z"}
        assert ingest([older], LATER) == Tally(updated=1)
        row = Deployment.objects.get()
        assert (row.outcome, row.version) == ("succeeded", "v1")
        assert ingest([older], LATER) == Tally(unchanged=1)

    def test_it_may_move_to_another_service(self) -> None:
        ingest([SAID])
        assert ingest([{**SAID, "service": "ship"}], LATER) == Tally(updated=1)
        assert Deployment.objects.get().service.slug == "ship"

    def test_repetitions_in_one_file_are_one_row(self) -> None:
        assert ingest([SAID, {**SAID, "version": "v2"}, SAID]) == Tally(created=1, unchanged=2)
        assert Deployment.objects.get().version == "v1"
        assert ingest([SAID, {**SAID, "version": "v2"}, SAID], LATER) == Tally(unchanged=3)

    def test_what_a_person_excluded_stays_excluded(self) -> None:
        ingest([SAID])
        Deployment.objects.update(excluded=True)
        ingest([{**SAID, "version": "v2"}], LATER)
        assert Deployment.objects.get().excluded


@pytest.mark.usefixtures("services")
def test_a_row_that_another_writer_stores_meanwhile_is_merged_too(monkeypatch: pytest.MonkeyPatch) -> None:
    ingest([SAID])
    mark, looks = Staging.mark, iter([True])

    def first_look_too_early(stage: Staging, cursor: Any) -> int:
        return 0 if next(looks, False) else mark(stage, cursor)

    monkeypatch.setattr(Staging, "mark", first_look_too_early)
    changed = {**SAID, "version": "v2"}

    assert ingest([{**SAID, "id": "2"}, changed], LATER) == Tally(created=1, updated=1)
    assert dict(Deployment.objects.values_list("external_id", "version")) == {"1": "v2", "2": "v1"}


@pytest.mark.usefixtures("services")
def test_a_signal_seen_anew_is_another_row() -> None:
    said = {"kind": Kind.SIGNAL, "service": "pay", "source": "t", "id": "1", "signal": "latency"}
    first = {**said, "first_seen_at": "2026-01-01T00:00:00Z", "last_seen_at": "2026-02-01T00:00:00Z"}
    again = {**said, "first_seen_at": "2026-05-01T00:00:00Z", "last_seen_at": "2026-06-01T00:00:00Z"}

    assert ingest([first, again]) == Tally(created=2)
    assert ingest([{**again, "last_seen_at": "2026-06-02T00:00:00Z"}], LATER) == Tally(updated=1)
    assert Signal.objects.count() == 2


@pytest.mark.usefixtures("services")
def test_a_feed_is_never_unmade() -> None:
    feed = {"kind": Kind.FEED, "reports": "page", "source": "t", "services": ["pay"]}
    span = {**feed, "since": "2026-01-01T00:00:00Z", "last_seen_at": "2026-06-01T00:00:00Z"}

    assert ingest([span]) == Tally(created=1)
    assert ingest([{**span, "last_seen_at": "2026-03-01T00:00:00Z"}], LATER) == Tally(unchanged=1)
    assert ingest([{**span, "last_seen_at": "2026-07-01T00:00:00Z"}], LATER) == Tally(updated=1)
    assert Feed.objects.get().last_seen_at == NOW


def test_rows_of_factories_are_merged_like_imported_ones() -> None:
    row = DeploymentFactory(service=ServiceFactory(slug="pay"), source="t", external_id="1", version=None)
    page = PageFactory()

    assert ingest([SAID], LATER) == Tally(updated=1)
    row.refresh_from_db()
    assert row.version == "v1"
    assert Page.objects.get() == page
