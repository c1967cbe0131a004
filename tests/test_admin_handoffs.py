"""Handoffs in the admin: each step by its form, the page of a case, and its shadow's pages on a phone."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from handoff import actions
from handoff.admin import shadow_pages
from handoff.admin.case_forms import STEPS
from handoff.checklists import Side
from handoff.models import Case, LookBack, PageAssessment
from readiness.models import Page, Service
from tests.admin_pages import Visitor, page_of, text
from tests.factories import PageFactory, ServiceFactory
from tests.handing_back import DAY
from tests.handing_off import Handover, sign

pytestmark = pytest.mark.django_db
CASES = "/admin/handoff/case/"
BAD_DAY = "has a day off"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Handover:
    """A service that is ready."""
    return Handover(monkeypatch)


class Desk:
    """Somebody of the story before a browser."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user)

    def read(self, case: Case, path: str = "change/") -> str:
        """A page of a case; where it leads elsewhere, that one."""
        return text(self.client.get(f"{CASES}{case.pk}/{path}", follow=True))

    def take(self, case: Case, step: str, **said: Any) -> str:
        """The page that a form leads to; the form again where it was refused."""
        return text(self.client.post(f"{CASES}{case.pk}/do/{step}/", said, follow=True))

    def assess(self, case: Case, page: Page, **said: Any) -> str:
        """The list of pages after one was assessed."""
        sent = {"page": page.pk, **said}
        return text(self.client.post(f"{CASES}{case.pk}/pages/", sent, follow=True))

    def queries(self, case: Case, path: str) -> int:
        """How many a page takes, once what this person may do is known."""
        self.read(case, path)
        with CaptureQueriesContext(connection) as found:
            self.read(case, path)
        return len(found)


def desks(place: Handover) -> Mapping[str, Desk]:
    """Everybody, by name."""
    everybody = (place.lead, place.dev, place.dan, place.eng, place.other, place.stranger)
    return {user.username: Desk(user) for user in everybody}


def buttons(page: str) -> list[str]:
    """The steps that are open."""
    return re.findall(r'/do/([\w-]+)/"', page)


def state(case: Case) -> str:
    """Where it is by now."""
    case.refresh_from_db()
    return case.state


# Steps -----------------------------------------------------------------------------------------------


def test_every_step_to_the_end_is_taken_through_its_form(place: Handover) -> None:
    at, case = desks(place), place.offered()
    assert buttons(at["lena"].read(case)) == ["open-review", "decline", "comment"]

    page = at["lena"].take(case, "open-review", reason="Now is a good time.")
    assert "The review is open." in page
    assert "The handoff that it decides about" in page, "it leads to the review, and from there back"
    assert f"{CASES}{case.pk}/change/" in text(at["lena"].client.get(page_of(place.service)))
    case.refresh_from_db()
    assert re.search(r"open</span> \d+ items left", at["dora"].read(case))
    settle(place, case)

    assert "It has room for it" in at["otto"].read(case, "do/accept/")
    assert "what you saw is on record" in at["otto"].take(case, "accept")
    assert "accept" not in buttons(at["olga"].read(case))
    assert "The shadow runs." in at["olga"].take(case, "begin-shadow")
    be_due(place, case)
    confirm(place, at, case)

    page = at["dora"].read(case)
    assert "Developers are paged second until" in page
    assert "Stay reachable until" in page
    assert "Completed." in at["olga"].take(case, "complete", reason="Nobody needed them.")
    assert state(case) == "completed"
    assert "This case has ended" in at["olga"].read(case)


def settle(place: Handover, case: Case) -> None:
    """Its review is signed."""
    assert case.review is not None
    for item in case.review.items.exclude(days=None):
        actions.attest_item(item, name="Ada", said_on=place.now.date(), by=place.dev, remark="We looked.")
    sign(case.review, Side.DEVELOPERS, place.dev)
    sign(case.review, Side.OPERATIONS, place.eng)


def be_due(place: Handover, case: Case) -> None:
    """14 days and a turn of the rota later, one page came and is assessed."""
    case.refresh_from_db()
    place.pass_time(DAY)
    place.turn()
    actions.assess_page(case, place.page(), critical=True, actionable=True, by=place.eng)
    place.pass_time(14 * DAY)
    place.judge_ready()
    place.pass_time(dt.timedelta(minutes=1))


def confirm(place: Handover, at: Mapping[str, Desk], case: Case) -> None:
    """Both sides say that it went well."""
    one, two = (place.person(user).pk for user in (place.dev, place.dan))
    assert "Nothing is lacking" in at["dora"].read(case)
    page = at["dora"].take(case, "confirm-developers", reachable=[one], reason="Quiet.")
    assert "Name 2 developers who stay reachable" in page
    assert re.search(rf'value="{one}"[^>]* checked[ >]', page), "what was chosen is still chosen"
    assert not re.search(rf'value="{two}"[^>]* checked[ >]', page)
    assert "Quiet.</textarea>" in page
    page = at["dora"].take(case, "confirm-developers", reachable=[one, two], reason="Quiet.")
    assert "Confirmed for developers" in page
    assert "Confirmed for operations." in at["olga"].take(case, "confirm-operations")
    assert state(case) == "backed_up"


def test_who_accepts_reads_what_is_carried_and_says_why_where_there_is_no_room(place: Handover) -> None:
    case, desk = place.offered(), Desk(place.other)
    ServiceFactory.create(slug="orders", owner=place.owner, ops_team=place.ops, ops_managed=True)

    page = desk.read(case, "do/accept/")
    assert "sre runs 1 service with 6 people" in page
    assert cells(page, "Services per engineer") == ["0.17", "0.33", "–"]
    assert "Nobody can tell how many events after hours orders would bring." in page
    assert "say why you accept it" in page
    assert "This field is required" in desk.take(case, "accept", reason=" ")
    desk.take(case, "accept", reason="We make room.")

    page = desk.read(case)
    assert f"by {place.other.pk} otto" in page
    assert "We make room." in page
    assert cells(page, "Services per engineer") == ["0.17", "0.33", "–"], "as it was seen"


def test_a_shadow_is_stopped_and_the_handoff_withdrawn(place: Handover) -> None:
    at = desks(place)
    case, _ = place.shadowed()

    assert "This field is required" in at["olga"].take(case, "stop-shadow", reason="")
    page = at["olga"].take(case, "stop-shadow", reason="The alerts come too late.")
    assert state(case) == "approved"
    assert "Shadow: stopped" in page
    assert "begin-shadow" in buttons(page)

    assert "Withdrawn." in at["dan"].take(case, "take-back", reason="We mend them first.")
    assert state(case) == "withdrawn"


def test_another_person_rejects_what_was_proposed(place: Handover) -> None:
    case = place.offered()
    assert "Rejected." in Desk(place.eng).take(case, "decline", reason="No room.")
    assert state(case) == "rejected"


REFUSED = {
    "proposed": [
        ("stan", "open-review", "its own teams and SRE leads do"),
        ("dora", "accept", "Only an engineer of its ops team accepts"),
        ("dan", "decline", "Who proposed it cannot decide"),
        ("olga", "take-back", "Only who proposed it can withdraw it"),
        ("stan", "comment", "may not work on cases of pay"),
        ("olga", "begin-shadow", "The case is proposed by now"),
    ],
    "shadowing": [
        ("stan", "stop-shadow", "may not work on cases of pay"),
        ("otto", "confirm-developers", "Only somebody of that team speaks for developers"),
        ("dora", "confirm-operations", "Only somebody of that team speaks for operations"),
        ("dora", "confirm-developers", "It lasts until 2026-"),
        ("dan", "confirm-developers", "Who proposed it cannot decide"),
        ("olga", "complete", "The case is shadowing by now"),
        ("otto", "accept", "The case is shadowing by now"),
    ],
}


@pytest.mark.parametrize("stage", REFUSED)
def test_a_step_that_is_not_for_somebody_is_refused_and_keeps_what_was_typed(
    place: Handover, stage: str
) -> None:
    at = desks(place)
    case = place.offered() if stage == "proposed" else place.shadowed()[0]

    for name, step, why in REFUSED[stage]:
        words = {"reason": f"{name} typed.", "text": f"{name} typed."}
        page = at[name].take(case, step, **words)
        assert why in page, (name, step)
        assert f"{name} typed.</textarea>" in page, (name, step)
        page = at[name].read(case, f"do/{step}/")
        assert why in page, "who may not is sent back with the reason"
        assert "</textarea>" not in page
    assert state(case) == stage


def test_the_page_says_why_steps_are_not_open_once_for_each_reason(place: Handover) -> None:
    case, _ = place.shadowed()

    page = Desk(place.stranger).read(case)
    assert buttons(page) == []
    assert (
        "“Confirm for developers”, “Confirm for operations”, “Stop the shadow” and “Comment” are not" in page
    )
    assert "“Withdraw” is not open to you now: Who proposed it withdraws it, or an SRE lead." in page


def test_steps_of_the_other_kind_are_not_found(place: Handover) -> None:
    place.another("orders")
    orders = Service.objects.get(slug="orders")
    handback = actions.propose_handback(orders, kind="repair", reason="Loud.", by=place.eng)
    other = {"handback": place.offered(), "handoff": handback}
    client = Desk(place.other).client

    for name, step in STEPS.items():
        if step.kind:
            address = f"{CASES}{other[step.kind].pk}/do/{name}/"
            assert client.post(address, {"reason": "x"}).status_code == 404, name
    assert [state(case) for case in other.values()] == ["proposed", "proposed"]


@pytest.mark.parametrize(("day", "warned"), [(dt.date(2026, 7, 3), True), (dt.date(2026, 7, 6), False)])
def test_before_a_weekend_forms_warn_and_stop_nobody(place: Handover, day: dt.date, *, warned: bool) -> None:
    case = place.accepted()
    place.now = dt.datetime.combine(day, dt.time(9), dt.UTC)
    desk = Desk(place.eng)

    assert (BAD_DAY in desk.read(case, "do/begin-shadow/")) == warned
    desk.take(case, "begin-shadow")
    assert state(case) == "shadowing"
    assert (BAD_DAY in desk.take(case, "confirm-operations")) == warned
    assert BAD_DAY not in desk.read(case, "do/stop-shadow/")


# The page of a case ----------------------------------------------------------------------------------


def test_a_shadow_is_told_in_numbers_pictures_and_sentences(place: Handover) -> None:
    case, _ = place.shadowed()
    for critical in (True, True, True, False):
        place.pass_time(dt.timedelta(hours=1))
        actions.assess_page(case, place.page(), critical=critical, actionable=True, by=place.eng)

    page = Desk(place.dev).read(case)

    assert "Critical: 3 of 4 (75 %)" in page
    assert 'aria-label="score 75, threshold 80"' in page
    assert "75 % of the assessed pages are critical: at least 80 % must be." in page
    assert "The rota has not turned once: oda, odin, ola, olga, oscar and 1 more had no shift yet." in page
    assert "Assess its pages" in page


def test_the_report_tells_the_whole_handoff_on_paper_too(place: Handover) -> None:
    case = place.moved()
    page = Desk(place.dev).read(case)
    assert "it is looked back 30 and 90 days after the move" in page
    look_back(case, 30, incidents=4, change_fail_rate=0.125)
    look_back(case, 90, incidents=2, score=91.5)

    for path in ("change/", "print/"):
        page = Desk(place.dev).read(case, path)
        for section in ("Review", "Acceptance", "Pages", "Look back", "Decisions"):
            assert f"<h3>{section}</h3>" in page
        assert re.search(r"<h3[^>]*>Shadow", page)
        assert "Signed for operations" in page
        assert "who saw this. sre runs 0 services" in page
        assert "operations took over" in page
        assert "30 days after" in page
        assert cells(page, "Incidents") == ["50", "4", "50", "2"]
        assert cells(page, "Score") == ["50", "unknown", "50", "91.5"]
        assert cells(page, "Change fail rate")[1] == "12.5 %"


def look_back(case: Case, days: int, **now: float | None) -> None:
    """What it came to, so many days after."""
    assert case.moved_card is not None
    measures = ("incidents", "severe_incidents", "after_hours", "change_fail_rate", "score")
    numbers = {name: {"at_move": 50.0, "now": now.get(name)} for name in measures}
    LookBack.objects.create(
        case=case, days=days, scorecard=case.moved_card, numbers=numbers, at=case.moved_card.at
    )


def cells(page: str, head: str) -> list[str]:
    """What stands in the row of a table."""
    row = re.search(rf'<th scope="row">{head}</th>(.*?)</tr>', page)
    return re.findall(r"<td>(.*?)</td>", row[1]) if row else []


def test_before_anything_happened_sections_say_so(place: Handover) -> None:
    page = Desk(place.dev).read(place.offered())

    for said in ("It has not been opened.", "Nobody of its ops team has accepted", "It has not begun."):
        assert said in page
    assert "None came while a shadow ran." in page


# Pages of a shadow -----------------------------------------------------------------------------------


def rows(page: str) -> list[str]:
    """The alerts, in their order."""
    return re.findall(r'<h3 id="alert-\d+">([^<]*)</h3>', page)


def test_one_page_after_the_other_is_assessed(place: Handover) -> None:
    place.owner.time_zone = "Europe/Berlin"
    place.owner.save()
    case, _ = place.shadowed()
    place.now = place.now.replace(hour=1, minute=30)
    place.pass_time(DAY)
    first = place.page(alert="Queue is full", after_hours=True, night=True)
    place.pass_time(dt.timedelta(hours=8))
    second = place.page(alert="Disk is full", acknowledged_at=None)
    desk = Desk(place.eng)

    page = desk.read(case, "pages/")
    assert rows(page) == ["Disk is full", "Queue is full"]
    assert f"{(first.paged_at + dt.timedelta(hours=2)):%a %Y-%m-%d} 03:30" in page, "by the team's clock"
    assert "Acknowledged after 2 min" in page
    assert "Not acknowledged" in page
    assert "night</span>" in page

    page = desk.assess(case, first, critical="yes", actionable="no", remark="Just wait.")
    assert "1 of 2 assessed</strong>, 1 critical, 0 actionable" in page
    assert rows(page) == ["Disk is full", "Queue is full"], "what is left stands on top"
    assert "Critical, not actionable</strong>, says" in page
    assert ": Just wait." in page
    page = desk.assess(case, second, critical="no", actionable="yes")
    assert "2 of 2 assessed</strong>, 1 critical, 1 actionable" in page

    place.pass_time(dt.timedelta(hours=1))
    page = Desk(place.dev).assess(case, first, critical="yes", actionable="yes", remark="There is a switch.")
    assert "2 of 2 assessed</strong>, 1 critical, 2 actionable" in page
    assert page.index("There is a switch.") < page.index("Just wait."), (
        "the newest word first, the other kept"
    )
    assert PageAssessment.objects.filter(page=first).count() == 2


def test_an_answer_that_is_missing_is_asked_for_and_the_others_are_kept(place: Handover) -> None:
    case, _ = place.shadowed()
    first = place.page(alert="Queue is full")
    place.pass_time(dt.timedelta(hours=1))
    place.page(alert="Disk is full")

    page = Desk(place.eng).assess(case, first, critical="no", remark="Hm.")

    assert page.count("Say yes or no.") == 1
    assert "Hm.</textarea>" in page
    assert re.findall(r'name="(\w+)" value="(\w+)"[^>]* checked', page) == [("critical", "no")]
    assert rows(page) == ["Queue is full", "Disk is full"], "what was sent stands on top"
    assert not PageAssessment.objects.exists()


def test_who_may_not_assess_reads_why_and_loses_nothing(place: Handover) -> None:
    case, _ = place.shadowed()
    page = place.page(alert="Queue is full")
    said = {"critical": "yes", "actionable": "yes", "remark": "I looked."}

    read = Desk(place.stranger).read(case, "pages/")
    assert "may not work on cases of pay" in read
    assert "<textarea" not in read
    actions.stop_shadow(case, by=place.eng, reason="Too loud.")
    read = Desk(place.eng).assess(case, page, **said)
    assert "No shadow runs: the case is approved." in read
    assert "I looked.</textarea>" in read
    assert not PageAssessment.objects.exists()


def test_without_pages_it_says_that_a_drill_stands_for_one(place: Handover) -> None:
    case = place.accepted()
    desk = Desk(place.eng)
    assert "No shadow has begun" in desk.read(case, "pages/")
    actions.begin_shadow(case, by=place.eng)
    page = desk.read(case, "pages/")
    assert "No page has come yet" in page
    assert "drill: true" in page

    drill = place.page(alert="A drill", drill=True)
    page = desk.assess(case, drill, critical="yes", actionable="yes")
    assert "(drills: no other page came)" in page
    assert "drill</span>" in page


@pytest.mark.parametrize("key", ["other", "x", "", "9" * 30])
def test_what_is_no_page_of_the_service_is_not_found(place: Handover, key: str) -> None:
    case, _ = place.shadowed()
    other = PageFactory.create(service__slug="orders", paged_at=place.now)
    sent = {"page": other.pk if key == "other" else key, "critical": "yes", "actionable": "yes"}

    assert Desk(place.eng).client.post(f"{CASES}{case.pk}/pages/", sent).status_code == 404


def test_a_page_that_is_none_of_the_shadows_any_more_is_refused_with_what_was_typed(place: Handover) -> None:
    case, _ = place.shadowed()
    page = place.page()
    Page.objects.filter(pk=page.pk).update(withdrawn=True)

    read = Desk(place.eng).assess(case, page, critical="yes", actionable="yes", remark="I looked.")

    assert "none of the shadow&#x27;s" in read
    assert "I looked.</textarea>" in read


def test_who_may_not_view_cases_sees_no_pages(place: Handover) -> None:
    case, _ = place.shadowed()
    visitor = Visitor(views=False)

    assert visitor.client.get(f"{CASES}{case.pk}/pages/").status_code == 403
    assert visitor.client.post(f"{CASES}{case.pk}/pages/", {"page": 1}).status_code == 403


def test_many_pages_stand_on_several_sheets(place: Handover, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_pages, "SHOWN", 2)
    case, _ = place.shadowed()
    for alert in ("First", "Second", "Third"):
        place.pass_time(dt.timedelta(minutes=1))
        place.page(alert=alert)
    desk = Desk(place.eng)

    assert rows(desk.read(case, "pages/")) == ["Third", "Second"]
    assert "?p=2" in desk.read(case, "pages/")
    assert rows(desk.read(case, "pages/?p=2")) == ["First"]


@pytest.mark.parametrize("path", ["pages/", "change/"])
def test_pages_take_as_many_queries_for_many_pages_as_for_few(place: Handover, path: str) -> None:
    case, _ = place.shadowed()
    desk = Desk(place.eng)

    def come(number: int) -> None:
        for _ in range(number):
            place.pass_time(dt.timedelta(minutes=1))
            place.page(alert="Queue is full")
        newest = Page.objects.latest("paged_at")
        actions.assess_page(case, newest, critical=True, actionable=True, by=place.eng)

    come(3)
    few = desk.queries(case, path)
    come(27)

    assert desk.queries(case, path) == few
