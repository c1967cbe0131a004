"""The story's regressed service goes back and is stabilised: once through the admin, once over REST."""

import datetime as dt
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import QuerySet
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from handoff import actions
from handoff.models import Case
from readiness import clock, evaluation, rights
from readiness.models import Defect, Dependency, Feed, Incident, MachineToken, Person, Service, Signal
from tests.admin_pages import Visitor, page_of, text
from tests.handing_back import DAY, Place
from tests.members import member
from tests.rest import ROOT, Asker, fields, problem
from tests.story.importing import undecided
from tests.story.plot import END

pytestmark = pytest.mark.django_db
LIST = "/admin/handoff/case/"


class Story:
    """The made-up shop at the moment its data ends, and two people of each side."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.now = END
        monkeypatch.setattr(clock, "real_now", lambda: self.now)
        call_command("import_fleet", str(folder), stdout=StringIO())
        self.service = Service.objects.get(slug="regressed")
        ops, owner = self.service.ops_team, self.service.owner
        assert ops is not None
        self.proposer = member(rights.OPS_ENGINEER, name="olga", teams=[ops])
        self.decider = member(rights.OPS_ENGINEER, name="otto", teams=[ops])
        self.developer = member(rights.DEVELOPER, name="dora", teams=[owner])
        self.judge()

    def judge(self) -> None:
        """A live evaluation of now."""
        evaluation.run(evaluation.request(self.now, [self.service.pk]))
        self.now += dt.timedelta(minutes=1)

    def person(self, name: str) -> Person:
        """Who a log-in is."""
        return Person.objects.get(identities__external_id=name, identities__source="handoff")

    def mend(self) -> None:
        """35 quiet days later: feeds went on, and the defects were none."""
        Defect.objects.filter(service=self.service).update(excluded=True)
        Incident.objects.filter(service=self.service, resolved_at=None).update(resolved_at=self.now)
        self.pass_time(35)

    def pass_time(self, days: int) -> None:
        """Days on which all that was heard goes on to be heard; then it is judged."""
        self.now += days * DAY
        for model in (Feed, Signal, Dependency):
            model.objects.filter(service=self.service).update(last_seen_at=self.now)
        actions.follow_handbacks()
        self.judge()

    def references(self) -> tuple[str, str]:
        """An incident and a defect of the service."""
        rows: list[QuerySet[Any]] = [Incident.objects.all(), Defect.objects.all()]
        first = [each.filter(service=self.service).latest("pk") for each in rows]
        return f"{first[0].source}:{first[0].external_id}", f"{first[1].source}:{first[1].external_id}"


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Story:
    """Imported and judged: below."""
    return Story(monkeypatch, undecided(tmp_path))


def log_in(user: Any) -> Client:
    """A browser of theirs."""
    client = Client()
    client.force_login(user)
    return client


def step(client: Client, case: Case, name: str, **said: Any) -> str:
    """The page that a form of a case leads to."""
    answer = client.post(f"{LIST}{case.pk}/do/{name}/", said, follow=True)
    page = text(answer)
    assert answer.redirect_chain, page
    return page


def test_the_whole_path_through_the_admin(story: Story) -> None:
    olga, otto, dora = map(log_in, (story.proposer, story.decider, story.developer))
    assert "Propose a handback" in text(olga.get(page_of(story.service)))
    said = {"kind": "repair", "reason": "Faults pile up since April."}
    page = text(olga.post(f"{LIST}propose/{story.service.pk}/", said, follow=True))
    case = Case.objects.get()
    assert "Faults pile up since April." in page
    assert "“Confirm”, “Repair jointly” and “Reject” are not open to you now: Who proposed it cannot" in page

    rest(story, otto, case)
    prepare(story, dora, case)
    page = step(otto, case, "confirm", reason="We agree.", consultants=[story.person("otto").pk])
    assert "its developers run it now" in page
    story.judge()
    actions.follow_handbacks()

    story.now += 7 * DAY
    assert "Take the cache out., due" in text(dora.get(page_of(story.service))), "overdue, with its owner"
    assert "1 plan item" in text(dora.get(LIST, {"open": "overdue"}))
    step(dora, case, "finish", item=case.plan.get().pk)
    step(dora, case, "close-finding", finding=case.findings.get().pk)
    page = text(otto.get(f"{LIST}{case.pk}/change/"))
    assert "“Stabilised” is not open to you now: Defects must reach" in page
    story.mend()
    actions.follow_handbacks()
    assert "This case has ended" in step(otto, case, "stabilise")
    told_on_paper(otto, case)


def rest(story: Story, client: Client, case: Case) -> None:
    """Joint repair that comes to its end without help."""
    ends_at = (story.now + 27 * DAY).date()
    step(client, case, "joint-repair", plan="Mend together.", owner=story.person("dora").pk, ends_at=ends_at)
    story.pass_time(28)


def prepare(story: Story, client: Client, case: Case) -> None:
    """A finding, a plan, a word."""
    incident, defect = story.references()
    found = {"kind": "design", "severity": 1, "text": "Rebuilt in haste.", "review_item": "coupling"}
    assert incident in step(client, case, "finding", incidents=incident, defects=defect, **found)
    due_on = (story.now + 5 * DAY).date()
    step(client, case, "plan", text="Take the cache out.", owner=story.person("dora").pk, due_on=due_on)
    step(client, case, "comment", text="We are at it.")
    story.now += dt.timedelta(minutes=1)


def told_on_paper(client: Client, case: Case) -> None:
    """The printable page and the command tell all of it."""
    printed, out = text(client.get(f"{LIST}{case.pk}/print/")), StringIO()
    for said in (
        "Trigger",
        "Evidence",
        "coupling",
        "Take the cache out.",
        "stability clock",
        "We are at it.",
    ):
        assert said in printed
    call_command("handback-report", "regressed", stdout=out)
    assert "coupling" in out.getvalue()
    with pytest.raises(CommandError, match="never proposed"):
        call_command("handback-report", "ops-managed-holds", stdout=out)


def test_the_whole_path_over_rest(story: Story) -> None:
    clients = {}
    for user in (story.proposer, story.decider, story.developer):
        clients[user.username] = APIClient()
        clients[user.username].force_authenticate(user)

    def post(name: str, path: str, status: int = 200, **said: Any) -> Any:
        answer = clients[name].post(f"{ROOT}handbacks/{path}", said, format="json")
        assert answer.status_code == status, answer.content
        return answer.json() if status < 300 else problem(answer)

    made = post("olga", "", 201, service="regressed", reason="Faults pile up.")
    one = f"{made['id']}/"
    assert (made["state"], made["verdict"], len(made["scorecards"])) == ("proposed", "below", 1)
    refused = clients["otto"].post(
        f"{ROOT}handbacks/", {"service": "regressed", "reason": "Too."}, format="json"
    )
    assert (refused.status_code, refused.json()["state"]) == (409, "open")
    post("olga", f"{one}confirm/", 403, reason="I say so.")
    assert fields(post("otto", f"{one}confirm/", 400, reason="We agree.")) == ["findings"]
    incident, defect = story.references()
    post(
        "dora",
        f"{one}findings/",
        kind="code",
        severity=2,
        text="A leak.",
        incidents=[incident],
        defects=[defect],
    )
    assert fields(
        post("dora", f"{one}findings/", 400, kind="code", severity=2, text="x", defects=["no:1"])
    ) == ["defects"]
    post("dora", f"{one}plan/", text="Mend.", owner=story.person("dora").slug, due_on="2026-07-30")
    ends = (story.now + 14 * DAY).isoformat()
    rest = post("otto", f"{one}joint-repair/", plan="Both.", owner=story.person("dora").slug, ends_at=ends)
    assert rest["state"] == "joint_repair"
    story.pass_time(15)
    done = post("otto", f"{one}confirm/", reason="We agree.", consultants=[story.person("otto").slug])
    assert (
        done["state"],
        {each["measure"] for each in done["exit_criteria"]} >= {"defects", "clock_days"},
    ) == (
        "stabilising",
        True,
    )
    slower = clients["otto"].post(f"{ROOT}handbacks/{one}reject/", {"reason": "No."}, format="json")
    assert (slower.status_code, slower.json()["state"]) == (409, "stabilising")
    assert fields(post("otto", f"{one}stabilise/", 400)) == ["exit_criteria"]
    post("dora", f"{one}comment/", text="At it.")
    post("dora", f"{one}close-finding/", finding=done["findings"][0]["id"])
    post("dora", f"{one}close-finding/", 404, finding=10**6)
    post("dora", f"{one}finish-plan-item/", item=done["plan"][0]["id"])
    story.mend()
    actions.follow_handbacks()
    ended = post("otto", f"{one}stabilise/")
    assert (ended["state"], all(each["met"] for each in ended["exit_criteria"])) == ("stabilised", True)
    assert clients["otto"].get(f"{ROOT}handbacks/{one}").json()["ended_at"]


# Reading, and who may --------------------------------------------------------------------------------


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """A service that operations run and its people."""
    return Place(monkeypatch)


@pytest.mark.parametrize("rows", [1, 6])
def test_lists_take_as_many_queries_for_many_rows(
    place: Place, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        place.service = place.another(f"shop-{number}")
        place.confirmed()
    asker = Asker()
    with django_assert_num_queries(2 + 1 + 6):  # rights, rows, and what belongs to them
        assert len(asker.rows("handbacks/", page_size=500)) == rows
    assert len(asker.rows("handbacks/", service="shop-0", open="true", state="stabilising")) == 1
    visitor = Visitor(name="vera")
    visitor.get(LIST)
    with django_assert_num_queries(LIST_QUERIES):
        visitor.get(LIST)


LIST_QUERIES = 8


def test_a_token_decides_nothing(place: Place) -> None:
    case = place.proposed()
    client = APIClient()
    client.force_authenticate(place.lead, token=MachineToken())
    answer = client.post(f"{ROOT}handbacks/{case.pk}/reject/", {"reason": "No."}, format="json")
    assert (answer.status_code, problem(answer)["detail"]) == (
        403,
        "A token decides nothing: people do, with their own log-in.",
    )


def test_who_may_not_view_cases_sees_none(place: Place) -> None:
    place.proposed()
    visitor = Visitor("view_service", views=False, name="vera")
    assert "It wakes us every night." not in visitor.get(page_of(place.service))
    assert visitor.client.get(LIST).status_code == 403
    asker = Asker(views=False, name="rob")
    assert asker.problem("handbacks/")["status"] == 403


@pytest.mark.parametrize("user", ["stranger", "dev"])
def test_a_form_that_is_not_for_this_person_sends_them_back_with_the_reason(place: Place, user: str) -> None:
    case = place.prepared()
    answer = log_in(getattr(place, user)).post(f"{LIST}{case.pk}/do/reject/", {"reason": "No."}, follow=True)
    assert "may not decide about cases of pay" in text(answer)
    case.refresh_from_db()
    assert case.state == "proposed"


def test_what_is_refused_stands_beside_its_field(place: Place) -> None:
    case = place.prepared()
    said = {"kind": "code", "severity": 1, "text": "A leak.", "incidents": "pager:NO-1"}
    page = text(log_in(place.dev).post(f"{LIST}{case.pk}/do/finding/", said))
    assert "Nobody reported pager:NO-1" in page


@pytest.mark.parametrize(
    "path", ["9999/change/", "9999/print/", "9999/do/reject/", "propose/9999/", "x/change/"]
)
def test_what_is_not_there_is_not_found(place: Place, path: str) -> None:
    assert log_in(place.lead).get(LIST + path).status_code == 404


def test_a_step_that_is_none_is_not_found(place: Place) -> None:
    assert log_in(place.lead).get(f"{LIST}{place.proposed().pk}/do/dance/").status_code == 404
