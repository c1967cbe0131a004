"""A service that was known before its launch goes live by the catalogue: told of, and made good by a review;
and one that was launched here stays so, whatever a catalogue says."""

import datetime as dt
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext

from handoff import actions, tasks
from handoff.actions.refusals import InvalidError
from handoff.admin.reviews import part
from handoff.models import Review
from readiness.models import Alert, ManagementChange, Service
from tests.admin_pages import Visitor, page_of, text
from tests.factories import NOW, ManagementChangeFactory, ServiceFactory
from tests.handing_back import unheard
from tests.machines import Machine, reasons
from tests.reviewing import Desk, item
from tests.sheets import Import, as_csv

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
TICK = dt.timedelta(microseconds=1)
WORDS = {"live": "production", "pre_launch": "experimental", "retired": "retired"}

CATALOGUE = """
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {{name: payments}}
spec: {{type: team, children: []}}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: pay, annotations: {{{annotations}}}}}
spec: {{type: service, lifecycle: {lifecycle}, owner: "group:default/payments"}}
"""


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A service before its launch, its people, and a clock."""
    return Desk(monkeypatch)


class Writer:
    """Every way in which somebody may say where in life the service is."""

    def __init__(self, desk: Desk, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.desk = desk
        self.path = path / "shop"
        self.path.mkdir()
        self.capsys = capsys

    def imported(self, lifecycle: str, **annotations: str) -> str:
        """A folder; what the import says."""
        said = ", ".join(f'handoff/{name.replace("_", "-")}: "{word}"' for name, word in annotations.items())
        text = CATALOGUE.format(lifecycle=WORDS[lifecycle], annotations=said)
        (self.path / "catalog-info.yaml").write_text(text)
        self.capsys.readouterr()
        call_command("import_fleet", str(self.path))
        return self.capsys.readouterr().err

    def sent(self, lifecycle: str, **fields: str) -> str:
        """A machine's request; why it was refused."""
        body = {"slug": "pay", "lifecycle": lifecycle, **fields}
        answer = Machine().post("services", body).json()
        return str(reasons(answer["results"][0]) or "") if answer["results"][0]["errors"] else ""

    def uploaded(self, lifecycle: str, **fields: str) -> str:
        """A row of a sheet; what is wrong with it."""
        visitor = Visitor("add_service", "change_service")
        sheet = Import(visitor, "service", as_csv([{"slug": "pay", "lifecycle": lifecycle, **fields}]))
        if not sheet.mistakes:
            sheet.confirm()
        return str(sheet.mistakes or "")

    def typed(self, lifecycle: str, **fields: str) -> str:
        """The form; the page that comes after, where it was not saved."""
        service = Service.objects.get(slug="pay")
        form = {
            "slug": "pay",
            "owner": str(service.owner_id),
            "ops_team": str(service.ops_team_id),
            "tier": "3",
            "lifecycle": lifecycle,
            "launched_on": str(service.launched_on or ""),
            "state": "developer_managed",
        }
        visitor = Visitor("add_service", "change_service")
        answer = visitor.client.post(page_of(service, "edit"), {**form, **fields})
        return "" if answer.status_code == 302 else text(answer)


@pytest.fixture
def writer(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Writer:
    """Whoever writes the catalogue."""
    return Writer(desk, tmp_path, capsys)


def watch() -> list[str]:
    """Services of which it is told now."""
    tasks.keep_alerts_of_cases()
    alerts = Alert.objects.open().filter(kind="launched_without_review").select_related("service")
    return sorted(str(alert.service) for alert in alerts)


def go_live(writer: Writer) -> None:
    """By a machine's word, which takes the least time to say."""
    assert writer.sent("live") == ""


# Told of ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "word"),
    [
        (Writer.imported, "import (catalogue of shop)"),
        (Writer.sent, "token pager-sync (written over REST)"),
        (Writer.uploaded, "ada (spreadsheet rows.csv)"),
        (Writer.typed, "ada (edited by hand)"),
    ],
)
def test_whoever_says_that_it_is_live_it_is_told_of(
    writer: Writer, way: Callable[[Writer, str], str], word: str
) -> None:
    assert watch() == []
    said = way(writer, "live")
    assert watch() == ["pay"]
    assert watch() == ["pay"]

    alert = Alert.objects.get()
    assert (alert.team, alert.began_at, alert.subject) == (writer.desk.developers, NOW, "")
    assert alert.text == (
        f"It was known here before its launch, and since 2026-07-01 it is live by the word of {word}, "
        "without a signed launch review. Open its launch review now and have both sides sign it; if it is "
        "not live, correct the catalogue."
    )
    assert ("pay is live now, and was known before" in said) is (way is Writer.imported)


def test_it_holds_for_180_days(writer: Writer) -> None:
    go_live(writer)
    held = {}
    for after in (dt.timedelta(0), 180 * DAY - TICK, 180 * DAY):
        writer.desk.now = NOW + after
        held[after] = watch()
    assert list(held.values()) == [["pay"], ["pay"], []]


def test_with_a_launch_day_ahead_it_holds_from_that_day_on(writer: Writer) -> None:
    assert writer.sent("live", launched_on="2026-07-03") == ""
    held = []
    for after in (dt.timedelta(0), 2 * DAY - TICK, 2 * DAY):
        writer.desk.now = NOW + after
        held.append(watch())
    assert held == [[], [], ["pay"]]


def test_what_was_live_when_it_became_known_is_adopted_and_nobody_is_told(writer: Writer) -> None:
    Machine(name="other").write("services", {"slug": "old", "owner": "payments", "lifecycle": "live"})
    for lifecycle in ("pre_launch", "live"):  # a slip of the catalogue, and taken back
        Machine(name=lifecycle).write("services", {"slug": "old", "lifecycle": lifecycle})
    assert Service.objects.get(slug="old").went_live_at is None
    assert watch() == []


@pytest.mark.parametrize("lifecycle", ["retired", "pre_launch"])
def test_it_ends_when_the_catalogue_says_that_it_is_not_live(writer: Writer, lifecycle: str) -> None:
    go_live(writer)
    assert watch() == ["pay"]
    assert writer.typed(lifecycle) == ""
    assert watch() == []


def test_that_it_was_retired_in_between_hides_nothing(writer: Writer) -> None:
    assert writer.typed("retired") == ""
    go_live(writer)
    assert watch() == ["pay"]


def test_it_ends_when_operations_take_over_on_their_own_review(writer: Writer) -> None:
    go_live(writer)
    assert watch() == ["pay"]
    ManagementChangeFactory.create(
        service=writer.desk.service, state="ops_managed", effective_at=NOW + DAY, way="handoff"
    )
    assert watch() == ["pay"]
    writer.desk.now = NOW + DAY
    assert watch() == []


def test_a_launch_on_its_review_raises_nothing(desk: Desk) -> None:
    actions.launch(desk.ready_to_launch(), by=desk.developer)
    assert Service.objects.get(pk=desk.service.pk).went_live_at == NOW
    assert watch() == []


def test_many_take_as_many_queries_as_few() -> None:
    def queries() -> int:
        watch()
        with CaptureQueriesContext(connection) as captured:
            tasks.keep_alerts_of_cases()
        return len(captured)

    ServiceFactory.create(went_live_at=NOW)
    few = queries()
    for _ in range(30):
        ServiceFactory.create(went_live_at=NOW)
    assert queries() == few


# Made good -------------------------------------------------------------------------------------------


def judged_live(desk: Desk, telemetry: float | None = 60.0) -> None:
    """A scorecard of a live service, which has no launch verdict."""
    document = deepcopy(unheard())
    document["criteria"]["telemetry"]["score"] = telemetry
    document["feeds"]["defect"] = {"status": "observed"}
    document["blockers"] = []
    desk.judge(document)


def offered(desk: Desk) -> tuple[bool, str]:
    """Whether the page of the service has a button that opens a launch review, and why not."""
    request = HttpRequest()
    request.user = desk.lead
    shown = part(request, desk.service)
    return bool(shown["open_url"]), shown["why_not"]


def test_a_launch_review_that_is_signed_afterwards_ends_it_for_good(writer: Writer) -> None:
    desk = writer.desk
    go_live(writer)
    assert watch() == ["pay"]
    desk.service.refresh_from_db()
    judged_live(desk)
    assert offered(desk) == (True, "")
    review = desk.attested(desk.open())
    assert offered(desk) == (False, "")
    assert watch() == ["pay"]
    desk.signed(review)
    assert watch() == []
    assert actions.why_not_launch(review, desk.developer).startswith("It is live already")

    desk.now = NOW + 89 * DAY
    tasks.follow_reviews()
    assert not Alert.objects.open().exists(), "nobody has to move it any more"
    desk.now = NOW + 91 * DAY
    tasks.follow_reviews()
    assert Review.objects.get().state == "lapsed"
    assert watch() == []


def test_one_that_was_signed_before_the_catalogue_said_so_counts_unless_it_is_withdrawn(
    writer: Writer,
) -> None:
    review = writer.desk.ready_to_launch()
    writer.desk.now = NOW + DAY
    go_live(writer)
    assert watch() == []
    actions.withdraw_review(review, by=writer.desk.lead)
    assert watch() == ["pay"]


def test_one_that_had_lapsed_before_does_not_count(writer: Writer) -> None:
    writer.desk.ready_to_launch()
    writer.desk.now = NOW + 90 * DAY
    actions.lapse_reviews()
    writer.desk.now += DAY
    go_live(writer)
    assert watch() == ["pay"]


@pytest.mark.parametrize(("score", "outcome"), [(60.0, "met"), (59.99, "not_met"), (None, "open")])
def test_its_telemetry_in_production_must_reach_what_a_launch_asks(
    writer: Writer, score: float | None, outcome: str
) -> None:
    go_live(writer)
    writer.desk.service.refresh_from_db()
    judged_live(writer.desk, score)
    assert item(writer.desk.open(), "launch_verdict").outcome == outcome


def test_no_launch_review_is_opened_of_what_was_live_from_the_start(desk: Desk) -> None:
    desk.service = ServiceFactory.create(slug="old", owner=desk.developers, ops_team=desk.operations)
    with pytest.raises(InvalidError):
        desk.open()


# Kept live -------------------------------------------------------------------------------------------


@pytest.fixture
def launched(writer: Writer) -> Writer:
    """It was launched here on its review, and a day has passed."""
    actions.launch(writer.desk.ready_to_launch(), by=writer.desk.developer)
    writer.desk.now += DAY
    return writer


def life() -> tuple[str, dt.date | None]:
    """Where in life it is, and since when."""
    service = Service.objects.get(slug="pay")
    return service.lifecycle, service.launched_on


@pytest.mark.parametrize("way", [Writer.imported, Writer.sent, Writer.uploaded, Writer.typed])
@pytest.mark.parametrize(
    ("lifecycle", "day", "says"),
    [
        ("pre_launch", "2026-07-01", "says that it is before its launch, and its review launched it on 2026"),
        ("live", "2026-07-03", "is still to come, and its review launched it on 2026-07-01"),
        ("live", "2026-07-02", ""),
    ],
)
def test_what_a_review_launched_stays_live_and_who_says_otherwise_is_told(
    launched: Writer, way: Callable[..., str], lifecycle: str, *, day: str, says: str
) -> None:
    said = way(launched, lifecycle, launched_on=day)
    assert says in said if says else "launched it" not in said
    assert life() == ("live", dt.date(2026, 7, 1) if says else dt.date(2026, 7, 2))
    assert ManagementChange.objects.get().way == "launch"


def test_a_catalogue_that_states_no_day_leaves_that_of_the_launch(launched: Writer) -> None:
    assert "launched it" not in launched.imported("live")
    assert life() == ("live", NOW.date())
    assert "that day stays known" in launched.typed("live", launched_on="")
    assert life() == ("live", NOW.date())


def test_what_a_review_launched_may_be_retired(launched: Writer) -> None:
    launched.imported("retired")
    assert life()[0] == "retired"
    assert watch() == []
