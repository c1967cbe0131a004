"""Waivers in the admin: the list, asking from a service's page, deciding on the page of one."""

import datetime as dt
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from handoff import actions
from handoff.admin import waiver_page
from handoff.models import Transition
from readiness import evaluation
from readiness.models import Evaluation, Scorecard, Waiver
from tests.admin_pages import Visitor, exported, page_of, text
from tests.factories import (
    NOW,
    DefectFactory,
    FeedFactory,
    ScorecardFactory,
    ServiceFactory,
    WaiverFactory,
    ago,
)
from tests.waivers import DAY, Clock, People, in_state, judged, people, story

pytestmark = pytest.mark.django_db

LIST = "/admin/readiness/waiver/"


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock stands at the moment of the tests."""
    return Clock(monkeypatch)


@pytest.fixture
def around(at: Clock) -> People:
    """Everybody around a service."""
    return people()


class Somebody(Visitor):
    """A log-in that is there already, in the admin."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user)


def page(waiver: Waiver) -> str:
    """The address of a waiver's page."""
    return f"{LIST}{waiver.pk}/change/"


def asking(around: People) -> str:
    """The address of the form that asks."""
    return f"{LIST}ask/?service={around.service.pk}"


def buttons(said: str) -> list[str]:
    """What can be done on a page."""
    return re.findall(r'name="move" value="(\w+)">', said)


# The list --------------------------------------------------------------------------------------------


def test_the_list_tells_what_is_set_aside_by_whom_and_for_how_long() -> None:
    WaiverFactory.create(service__slug="pay", ends_at=NOW + 9 * DAY)
    WaiverFactory.create(service__slug="quote", target="missing_signal:latency", asked=True)
    said = Visitor().get(LIST)

    assert "Telemetry coverage" in said
    assert "missing signal latency (blocker)" in said
    assert "! </span>9 days</span>" in said  # loud: it ends soon
    assert "20 days" in said
    assert "Moves to the new collector in August." in said


@pytest.mark.parametrize("state", ["asked", "live", "refused", "withdrawn", "revoked", "expired"])
def test_the_list_is_filtered_by_state(state: str) -> None:
    ways: dict[str, dict[str, Any]] = {
        "asked": {"asked": True},
        "live": {},
        "refused": {"asked": True, "refused_at": ago(hours=1)},
        "withdrawn": {"asked": True, "withdrawn_at": ago(hours=1)},
        "revoked": {"revoked_at": ago(days=1)},
        "expired": {"ends_at": ago(days=1)},
    }
    for name, values in ways.items():
        WaiverFactory.create(service__slug=f"it-is-{name}", **values)
    said = Visitor().get(LIST, state=state)
    rows = said[said.index("result_list") :]

    assert set(re.findall(r"it-is-\w+", rows)) == {f"it-is-{state}"}


@pytest.mark.parametrize("query", [{"state": "lively"}, {"state": "' OR 1=1"}])
def test_a_state_that_is_none_finds_nothing(query: dict[str, str]) -> None:
    WaiverFactory.create(service__slug="pay")

    assert "result_list" not in Visitor().get(LIST, **query)


@pytest.mark.parametrize("rows", [3, 40])
def test_the_list_takes_as_many_queries_for_many_rows_as_for_few(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        WaiverFactory.create(asked=number % 2 == 0)
    visitor = Visitor()
    with django_assert_num_queries(8):
        visitor.get(LIST, state="live")


def test_the_list_is_exported_as_it_is_filtered() -> None:
    WaiverFactory.create(service__slug="pay", author="1 Ada")
    WaiverFactory.create(service__slug="quote", asked=True)
    said = exported(Visitor(), LIST, file="csv", state="asked").getvalue().decode()

    assert "quote" in said
    assert "pay" not in said
    assert "asked_at" in said.splitlines()[0]


# Asking ----------------------------------------------------------------------------------------------


def test_the_page_of_a_service_has_the_button_for_those_who_may_ask(around: People) -> None:
    address = page_of(around.service)
    for user in (around.developer, around.ops, around.lead):
        assert asking(around) in Somebody(user).get(address)
    for user in (around.viewer, around.stranger):
        assert "Ask for a waiver" not in Somebody(user).get(address)


def test_the_page_of_a_service_shows_what_is_live_or_asked_for_with_the_days_left(
    around: People, at: Clock
) -> None:
    live, asked = around.live(days=9), around.ask("defects", days=30)
    refused = around.ask("coupling")
    actions.refuse_waiver(refused, by=around.lead, reason="Mend it.")
    said = Somebody(around.viewer).get(page_of(around.service))
    part = said[said.index('id="waivers"') : said.index('id="decisions"')]

    assert f'href="{page(live)}"' in part
    assert f'href="{page(asked)}"' in part
    assert f'href="{page(refused)}"' not in part
    assert "9 days" in part
    assert "30 days" in part
    assert "asked for" in part

    at.now = live.ends_at  # no sweep came yet
    assert f'href="{page(live)}"' not in Somebody(around.viewer).get(page_of(around.service))


def test_who_may_not_view_waivers_sees_none_on_a_service_page(around: People) -> None:
    around.live()
    said = Visitor("view_service", "add_waiver", views=False).get(page_of(around.service))

    assert 'id="waivers"' not in said
    assert "new collector" not in said


def test_what_stands_against_the_service_is_offered_first(around: People) -> None:
    FeedFactory.create(service=around.service, kind="defect", last_seen_at=NOW)
    DefectFactory.create(service=around.service, severity=1, opened_at=ago(days=100), external_id="BUG-1")
    evaluation.run(evaluation.request(NOW))
    said = Somebody(around.developer).get(asking(around))
    first, rest = said.split('label="All others"')

    assert 'label="Stand against it by its newest scorecard"' in first
    assert re.search(r'value="defects"[^>]*> *Defects: [\d.]+ of 70', first)
    assert re.search(r'value="telemetry"[^>]*> *Telemetry coverage: cannot be judged', first)
    assert 'value="open_sev1_defect"' in first
    assert 'value="open_sev1_defect"' not in rest
    assert 'value="missing_signal:latency"' in rest
    assert 'value="missing_signal:logs"' not in rest  # the policy blocks on none


def test_before_the_first_judgement_everything_is_offered(around: People) -> None:
    said = Somebody(around.developer).get(asking(around))

    assert 'label="All"' in said
    assert 'value="pipeline_broken"' in said


def test_asking_leads_to_the_waiver_which_says_that_another_person_decides(around: People) -> None:
    said = Somebody(around.developer).post(
        asking(around),
        target="telemetry",
        reason="Moves to the new collector in August.",
        url="tickets.example/PAY-1",
        ends_on="2026-08-01",
    )
    waiver = Waiver.objects.get()

    assert "The waiver is asked for. It counts once another person approves it." in said
    assert "Who asked for a waiver cannot decide about it: another person does." in said
    assert buttons(said) == ["withdraw"]
    assert (waiver.state, waiver.ends_at) == ("asked", dt.datetime(2026, 8, 1, tzinfo=dt.UTC))
    assert waiver.url == "https://tickets.example/PAY-1"


GOOD = {"target": "telemetry", "reason": "Moving.", "ends_on": "2026-08-01"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target": "smell"}, "Select a valid choice"),
        ({"target": ""}, "This field is required"),
        ({"reason": " "}, "This field is required"),
        ({"url": "javascript:alert(1)"}, "Enter a valid URL"),
        ({"url": "ftp://tickets.example/"}, "A link begins with https://"),
        ({"ends_on": "2026-07-01"}, "A waiver ends after now"),
        ({"ends_on": "2026-12-29"}, "within 180 days"),
        ({"ends_on": "soon"}, "Enter a valid date"),
    ],
)
def test_what_is_wrong_is_said_in_the_form_and_nothing_is_asked(
    around: People, changes: dict[str, str], said: str
) -> None:
    shown = Somebody(around.developer).post(asking(around), **{**GOOD, **changes})

    assert said in shown
    assert not Waiver.objects.exists()


@pytest.mark.parametrize(("ends_on", "number"), [("2026-07-02", 1), ("2026-12-28", 1), ("2026-12-29", 0)])
def test_the_first_and_the_last_day_that_the_form_offers_are_taken(
    around: People, at: Clock, ends_on: str, number: int
) -> None:
    at.now += dt.timedelta(hours=15)
    form = Somebody(around.developer).get(asking(around))
    assert 'min="2026-07-02"' in form
    assert 'max="2026-12-28"' in form
    Somebody(around.developer).post(asking(around), **{**GOOD, "ends_on": ends_on})

    assert Waiver.objects.count() == number


def test_what_is_asked_for_already_is_said(around: People) -> None:
    around.ask()

    assert "is asked for already" in Somebody(around.lead).post(asking(around), **GOOD)


def test_asking_takes_the_right_and_a_service(around: People) -> None:
    for user in (around.viewer, around.stranger):
        client = Somebody(user).client
        assert client.get(asking(around)).status_code == 403
        assert client.post(asking(around), GOOD).status_code == 403
    lead = Somebody(around.lead).client
    for key in ("", "x", "999999", "9" * 30):
        assert lead.get(f"{LIST}ask/?service={key}").status_code == 404
    viewer = Somebody(around.viewer).client
    assert viewer.get(f"{LIST}ask/?service=999999").status_code == 403
    assert not Waiver.objects.exists()


# The page of one -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "by", "may", "told"),
    [
        ("asked", "lead", ["approve", "refuse"], ["Only who asked for a waiver can withdraw it"]),
        ("asked", "ops", ["approve", "refuse"], ["Only who asked"]),
        ("asked", "developer", ["withdraw"], ["Approve: Who asked", "Refuse: Who asked"]),
        ("asked", "viewer", [], ["Approve: Deciding about a waiver of pay takes an SRE lead", "Only who"]),
        ("live", "lead", ["revoke"], []),
        ("live", "developer", ["revoke"], []),
        ("live", "stranger", [], ["Revoke: Deciding about a waiver of pay takes an SRE lead"]),
        ("refused", "lead", [], []),
        ("withdrawn", "developer", [], []),
        ("revoked", "lead", [], []),
        ("expired", "lead", [], []),
    ],
)
def test_it_offers_what_is_legal_now_for_this_person_and_says_why_not_the_rest(
    around: People, at: Clock, state: str, by: str, may: list[str], told: list[str]
) -> None:
    waiver = in_state(around, state, at)
    said = Somebody(getattr(around, by)).get(page(waiver))

    assert buttons(said) == may
    for each in told:
        assert each in said
    assert ("What can be done now" in said) is bool(may or told)


@pytest.mark.parametrize(
    ("state", "move", "by", "reached", "said"),
    [
        ("asked", "approve", "lead", "live", "counts from now on"),
        ("asked", "refuse", "ops", "refused", "is refused"),
        ("asked", "withdraw", "developer", "withdrawn", "is withdrawn"),
        ("live", "revoke", "lead", "revoked", "counts no more"),
    ],
)
def test_a_button_does_it_and_the_page_tells_the_story(
    around: People, at: Clock, state: str, move: str, by: str, reached: str, said: str
) -> None:
    waiver = in_state(around, state, at)
    shown = Somebody(getattr(around, by)).post(
        f"{LIST}{waiver.pk}/decide/", move=move, reason="Looked at it."
    )

    assert said in shown
    assert "Looked at it." in shown
    assert story(waiver)[-1] == f"{move}: {state} > {reached}"
    assert Waiver.objects.get().state == reached


@pytest.mark.parametrize(("state", "move"), [("asked", "refuse"), ("live", "revoke")])
def test_without_a_reason_it_says_so_and_nothing_is_done(
    around: People, at: Clock, state: str, move: str
) -> None:
    waiver = in_state(around, state, at)
    shown = Somebody(around.lead).post(f"{LIST}{waiver.pk}/decide/", move=move, reason=" ")

    assert "Say why" in shown
    assert Waiver.objects.get().state == state


def test_who_may_not_is_refused_whatever_they_send(around: People) -> None:
    waiver = around.ask()
    for user in (around.developer, around.viewer, around.stranger):
        client = Somebody(user).client
        answer = client.post(f"{LIST}{waiver.pk}/decide/", {"move": "approve"})
        assert answer.status_code == 403
    assert Visitor(views=False).client.get(page(waiver)).status_code == 403
    assert story(waiver) == ["ask:  > asked"]


def test_who_was_slower_is_told_what_it_is_by_now(around: People) -> None:
    waiver = around.ask()
    actions.refuse_waiver(Waiver.objects.get(), by=around.other_lead, reason="Mend it.")
    shown = Somebody(around.lead).post(f"{LIST}{waiver.pk}/decide/", move="approve")

    assert "The waiver is refused by now." in shown
    assert story(waiver)[-1] == "refuse: asked > refused"


@pytest.mark.parametrize("move", ["expire", "", "delete"])
def test_what_is_no_move_of_people_is_none(around: People, move: str) -> None:
    waiver = around.live()
    Somebody(around.lead).post(f"{LIST}{waiver.pk}/decide/", move=move, reason="x")

    assert Waiver.objects.get().state == "live"


def test_looking_at_the_address_of_decisions_leads_to_the_page(around: People) -> None:
    waiver = around.ask()
    answer = Somebody(around.lead).client.get(f"{LIST}{waiver.pk}/decide/", {"move": "approve"})

    assert (answer.status_code, answer["Location"]) == (302, page(waiver))
    assert waiver.state == "asked"


def test_an_unknown_waiver_is_not_found(around: People) -> None:
    client = Somebody(around.lead).client
    for key in ("999", "x", "9" * 30):
        assert client.get(f"{LIST}{key}/change/").status_code == 404


def test_what_people_wrote_is_shown_as_text(around: People) -> None:
    waiver = actions.ask_waiver(
        around.service, target="defects", reason="<script>x</script>", ends_at=NOW + DAY, by=around.lead
    )
    for address in (page(waiver), LIST, page_of(around.service)):
        assert "<script>x" not in Somebody(around.lead).get(address)


# Scorecards that relied on it ------------------------------------------------------------------------


def card(waiver: Waiver, at: dt.datetime, *, named: bool = True, **values: Any) -> Scorecard:
    """A scorecard whose handoff verdict named a waiver, or not."""
    said = {"verdict": "ready", "reasons": [], "waivers": [waiver.pk] if named else [waiver.pk + 1]}
    numbers = {"verdicts": {"handoff": said, "handback": None, "launch": None, "deploy": None}}
    made: Scorecard = ScorecardFactory.create(
        **{"service": waiver.service, "at": at, "numbers": numbers, **values}
    )
    return made


def test_the_newest_scorecards_that_relied_on_it_are_named_and_all_are_counted() -> None:
    waiver = WaiverFactory.create(service__slug="pay")
    cards = [card(waiver, ago(days=day)) for day in range(8)]
    card(waiver, ago(days=2, hours=1), named=False)
    card(waiver, ago(days=2), service=ServiceFactory.create())  # another's number is not this one's
    said = Visitor().get(page(waiver))
    shown = [int(key) for key in re.findall(r"\?scorecard=(\d+)", said)]

    assert "8 scorecards named it in a verdict; the newest:" in said
    assert shown == [each.pk for each in cards[:5]]
    assert "live: handoff: ready" in said


def test_only_scorecards_of_the_time_when_it_was_live_are_looked_at() -> None:
    waiver = WaiverFactory.create(approved_at=ago(days=9), revoked_at=ago(days=3))
    for days in (9.1, 3, 1):
        card(waiver, ago(days=days))
    assert "None: no verdict named it." in Visitor().get(page(waiver))
    card(waiver, ago(days=9))
    assert "1 scorecard named it in a verdict:" in Visitor(name="bob").get(page(waiver))


def test_more_than_can_be_looked_at_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiver_page, "LOOKED_AT", 3)
    waiver = WaiverFactory.create()
    for day in range(4):
        card(waiver, ago(days=day))

    assert "3 scorecards of the newest 3 named it" in Visitor().get(page(waiver))


def test_a_waiver_that_real_verdicts_relied_on_tells_them(around: People) -> None:
    FeedFactory.create(service=around.service, kind="defect", last_seen_at=NOW)
    DefectFactory.create(service=around.service, severity=1, opened_at=ago(days=100))
    waiver = around.live("open_sev1_defect")
    newest = judged(around.service)
    said = Somebody(around.viewer).get(page(waiver))

    assert f"?scorecard={newest.pk}" in said
    assert f'href="{page(waiver)}">#{waiver.pk}</a>' in Somebody(around.viewer).get(page_of(around.service))


def test_the_page_takes_as_many_queries_for_many_scorecards_as_for_few() -> None:
    waiver, visitor = WaiverFactory.create(), Visitor()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            visitor.get(page(waiver))
        return len(captured)

    card(waiver, NOW)
    few = queries()
    for number in range(1, 60):
        card(waiver, ago(hours=number))
    assert queries() == few


def test_deciding_asks_for_a_judgement_at_once(around: People) -> None:
    waiver = around.ask()
    Somebody(around.lead).post(f"{LIST}{waiver.pk}/decide/", move="approve")
    run, transition = Evaluation.objects.get(), Transition.objects.latest("pk")

    assert (run.at, run.services) == (NOW, 1)
    assert transition.actor == f"{around.lead.pk} lead"
    assert text(Somebody(around.viewer).client.get("/admin/handoff/transition/")).count("approve") == 0
