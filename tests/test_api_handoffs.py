"""Handoffs over REST: from proposal to end, what each step refuses, and what lists of them cost."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from handoff import actions
from handoff.models import Case, Review, Shadow
from readiness.models import MachineToken, Scorecard
from tests import factories
from tests.handing_back import DAY
from tests.handing_off import ROTA, Handover
from tests.members import member
from tests.rest import ROOT, Asker, fields, problem

pytestmark = pytest.mark.django_db
RIGHTS = 2
"""What every request of somebody new takes first: permissions of their own, and those of their groups."""


class Desk(Handover):
    """A :class:`Handover` whose people act over REST."""

    def post(self, by: User, path: str, status: int = 200, **told: Any) -> Any:
        """What they are answered, which must have this status."""
        return self.told(by, f"handoffs/{path}", told, status=status)

    def told(self, by: User, path: str, body: dict[str, Any], *, status: int = 200) -> Any:
        """Likewise, wherever it is."""
        answer = client(by).post(f"{ROOT}{path}", body, format="json")
        assert answer.status_code == status, answer.content
        return answer.json()

    def get(self, path: str) -> Any:
        """What dora reads."""
        answer = client(self.dev).get(f"{ROOT}handoffs/{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def begin(self) -> str:
        """Have a shadow begun; the address of its handoff below the list."""
        case, _ = self.shadowed()
        return f"{case.pk}/"


def client(by: User) -> APIClient:
    """Requests of this person."""
    made = APIClient()
    made.force_authenticate(by)
    return made


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A service that is ready, and its people."""
    return Desk(monkeypatch)


# The whole path --------------------------------------------------------------------------------------


def test_the_whole_path_over_rest(desk: Desk) -> None:
    made = desk.post(desk.dan, "", 201, service="pay", reason="It has been quiet.")
    one = f"{made['id']}/"
    assert (made["state"], made["review"], made["shadows"], made["tally"]) == ("proposed", None, [], None)
    reviewed(desk, desk.post(desk.lead, f"{one}open-review/"))
    assert desk.get(one)["state"] == "approved"

    room = desk.get(f"{one}room/")
    assert (room["team"], room["people"], room["services"]) == ("sre", 6, 0)
    assert room["says"][0].startswith("sre runs 0 services")
    accepted = desk.post(desk.other, f"{one}accept/", reason="We take it.")
    assert accepted["accepted_by"].endswith("otto")
    assert accepted["room_seen"] == {name: room[name] for name in room if name not in {"fits", "says"}}

    desk.pass_time(dt.timedelta(minutes=1))
    begun = desk.post(desk.eng, f"{one}begin-shadow/", reason="Off we go.")
    assert (begun["state"], begun["shadows"][0]["rota"]) == ("shadowing", sorted(ROTA))
    assert begun["tally"]["unturned"] == sorted(ROTA)
    shadow_ends_well(desk, one)

    two = [desk.person(each).slug for each in (desk.dev, desk.dan)]
    half = desk.post(desk.dev, f"{one}confirm/", side="developers", reachable=two)
    assert (half["state"], half["reachable"]) == ("shadowing", sorted(two))
    assert [each["side"] for each in half["shadows"][0]["confirmations"]] == ["developers"]
    desk.pass_time(dt.timedelta(minutes=1))
    moved = desk.post(desk.eng, f"{one}confirm/", side="operations", reason="It went well.")
    assert (moved["state"], moved["shadows"][0]["outcome"]) == ("backed_up", "took_over")
    assert moved["decider"].endswith("olga")
    assert moved["backup_ends_at"] > moved["confirmed_at"]
    assert moved["reachable_until"] == (desk.now + 180 * DAY).date().isoformat()
    assert moved["moved_card"] == Scorecard.objects.latest("pk").pk
    assert moved["tally"] is None

    ended = desk.post(desk.eng, f"{one}complete/", reason="Nobody was paged second.")
    assert ended["state"] == "completed"
    assert ended["ended_at"]


def reviewed(desk: Desk, case: Any) -> None:
    """The review of a handoff, attested and signed by both sides."""
    review = f"reviews/{case['review']}/"
    assert case["state"] == "in_review"
    attested = {"name": "Ada", "said_on": desk.now.date().isoformat(), "remark": "We looked at it."}
    for item in Review.objects.get().items.exclude(days=None):
        desk.told(desk.dev, f"{review}items/{item.pk}/attest/", attested)
    desk.told(desk.dev, f"{review}sign/", {"side": "developers"})
    signed = desk.told(desk.eng, f"{review}sign/", {"side": "operations"})
    assert (signed["state"], signed["case"]) == ("signed", case["id"])


def shadow_ends_well(desk: Desk, one: str) -> None:
    """A page that is assessed, corrected; a turn of the rota, 14 days, judged anew."""
    desk.pass_time(DAY)
    desk.turn()
    page = desk.page(alert="Queue is full", night=True, after_hours=True)
    (seen,) = desk.get(f"{one}pages/")["results"]
    assert (seen["key"], seen["id"], seen["alert"]) == (page.pk, page.external_id, "Queue is full")
    assert (seen["night"], seen["after_hours"], seen["drill"], seen["assessment"]) == (
        True,
        True,
        False,
        None,
    )
    assert "1 page of 1 not assessed." in desk.get(one)["tally"]["lacking"]
    desk.post(desk.dev, f"{one}assess-page/", page=page.pk, critical=True, actionable=False)
    desk.pass_time(14 * DAY)
    told = desk.post(
        desk.eng, f"{one}assess-page/", page=page.pk, critical=True, actionable=True, remark="Drained it."
    )["tally"]
    assert (told["pages"], told["assessed"], told["critical"], told["actionable"]) == (1, 1, 1, 1)
    assert (told["critical_share"], told["actionable_share"], told["drill"]) == (1.0, 1.0, False)
    assert told["lacking"] == []
    newest = desk.get(f"{one}pages/")["results"][0]["assessment"]
    assert (newest["actionable"], newest["remark"]) == (True, "Drained it.")
    assert newest["actor"].endswith("olga")
    desk.judge_ready()
    desk.pass_time(dt.timedelta(minutes=1))


def test_a_shadow_that_goes_badly_is_stopped_and_its_pages_stay_to_be_read(desk: Desk) -> None:
    one = desk.begin()
    page = desk.page()

    desk.pass_time(DAY)
    stopped = desk.post(desk.eng, f"{one}stop-shadow/", reason="Nothing can be done about its pages.")

    assert (stopped["state"], stopped["shadows"][0]["outcome"], stopped["tally"]) == (
        "approved",
        "stopped",
        None,
    )
    assert [each["key"] for each in desk.get(f"{one}pages/")["results"]] == [page.pk]


def test_one_handoff_warns_the_day_before_a_day_off(desk: Desk) -> None:
    one = f"{desk.approved().pk}/"
    assert desk.get(one)["warnings"] == []
    desk.now += (4 - desk.now.weekday()) % 7 * DAY  # to Friday

    (warning,) = desk.get(one)["warnings"]

    assert "builders has a day off" in warning
    assert not {"warnings", "tally"} & desk.get("")["results"][0].keys()
    Case.objects.update(state="rejected", ended_at=desk.now)
    assert desk.get(one)["warnings"] == []


def test_under_the_same_key_a_step_is_made_once(desk: Desk) -> None:
    case = desk.accepted()
    desk.pass_time(dt.timedelta(minutes=1))

    def begin() -> Any:
        path = f"{ROOT}handoffs/{case.pk}/begin-shadow/"
        return client(desk.eng).post(path, {}, format="json", headers={"Idempotency-Key": "k-1"})

    first, second = begin(), begin()

    assert (first.status_code, second.json(), second["Idempotency-Replayed"]) == (200, first.json(), "true")
    assert Shadow.objects.count() == 1


# What is refused -------------------------------------------------------------------------------------


def steps(page: int = 1) -> dict[str, dict[str, Any]]:
    """A good body of each step."""
    return {
        "open-review": {},
        "accept": {"reason": "We take it."},
        "begin-shadow": {},
        "assess-page": {"page": page, "critical": True, "actionable": True},
        "stop-shadow": {"reason": "Too loud."},
        "confirm": {"side": "operations"},
        "complete": {"reason": "We know it."},
    }


def test_nobody_acts_without_a_log_in_and_no_token_does(desk: Desk) -> None:
    one = f"{ROOT}handoffs/{desk.offered().pk}/"
    machine = APIClient()
    machine.force_authenticate(desk.lead, token=MachineToken())
    visitor = client(member(None, name="vera"))

    for step, told in steps().items():
        path = f"{one}{step}/"
        assert problem(APIClient().post(path, told, format="json"))["status"] == 401, step
        assert "A token decides nothing" in problem(machine.post(path, told, format="json"))["detail"]
        assert problem(visitor.post(path, told, format="json"))["status"] == 403, step
    for part in ("", "pages/", "room/"):
        assert problem(APIClient().get(one + part))["status"] == 401
        assert problem(visitor.get(one + part))["status"] == 403


def test_who_is_not_of_its_teams_may_make_no_step(desk: Desk) -> None:
    case = desk.offered()
    offered = f"{case.pk}/"
    for step in ("open-review", "accept"):
        desk.post(desk.stranger, f"{offered}{step}/", 403, **steps()[step])
    assert "Who proposed it" in desk.post(desk.dan, f"{offered}accept/", 403, reason="Mine.")["detail"]
    actions.withdraw_handoff(case, by=desk.dan, reason="Not yet.")

    case = desk.accepted()
    one = f"{case.pk}/"
    desk.post(desk.stranger, f"{one}begin-shadow/", 403)
    desk.pass_time(dt.timedelta(minutes=1))
    actions.begin_shadow(case, by=desk.eng)
    told = steps(desk.page().pk)
    for step in ("assess-page", "stop-shadow", "confirm"):
        desk.post(desk.stranger, f"{one}{step}/", 403, **told[step])
    desk.post(desk.dev, f"{one}confirm/", 403, side="operations")


def test_the_pages_of_a_shadow_are_for_those_who_may_view_pages(desk: Desk) -> None:
    one = f"handoffs/{desk.begin()}"
    asker = Asker("view_case", views=False)

    assert asker.get(one)["state"] == "shadowing"
    assert asker.problem(f"{one}pages/")["status"] == 403


def test_who_is_not_of_the_ops_team_does_not_end_the_back_up(desk: Desk) -> None:
    one = f"{desk.moved().pk}/"

    desk.post(desk.dev, f"{one}complete/", 403, reason="We want our nights back.")
    assert fields(desk.post(desk.eng, f"{one}complete/", 400)) == ["reason"]


def test_what_is_misspelt_or_missing_is_refused_with_its_field(desk: Desk) -> None:
    one = f"{desk.offered().pk}/"
    for step, told in steps(desk.page().pk).items():
        refused = desk.post(desk.eng, f"{one}{step}/", 400, **told, raeson="x")
        assert fields(refused) == ["raeson"], step
    for step, field in (("assess-page", "page"), ("stop-shadow", "reason"), ("confirm", "side")):
        assert field in fields(desk.post(desk.eng, f"{one}{step}/", 400)), step
    for side, field in (("manager", "side"), ("operations", "reachable")):
        assert fields(desk.post(desk.eng, f"{one}confirm/", 400, side=side, reachable=[])) == [field]
    unknown = desk.post(desk.dev, f"{one}confirm/", 400, side="developers", reachable=["nobody"])
    assert fields(unknown) == ["reachable"]


def test_what_does_not_do_is_refused_with_what_is_lacking(desk: Desk) -> None:
    case = desk.approved()
    one = f"{case.pk}/"
    desk.ops.members.set([desk.person(desk.eng), desk.person(desk.other)])  # too few
    assert fields(desk.post(desk.other, f"{one}accept/", 400)) == ["reason"]
    assert "has not accepted" in desk.post(desk.eng, f"{one}begin-shadow/", 400)["errors"][0]["reason"]
    actions.accept_handoff(case, by=desk.other, reason="We take it.")
    desk.pass_time(dt.timedelta(minutes=1))
    actions.begin_shadow(case, by=desk.eng)
    others = factories.PageFactory.create(paged_at=desk.now)
    for key in (others.pk, 10**12, 2**63, True):
        refused = desk.post(desk.eng, f"{one}assess-page/", 400, page=key, critical=True, actionable=True)
        assert fields(refused) == ["page"]
    early = desk.post(desk.eng, f"{one}confirm/", 400, side="operations")
    assert "It lasts until" in early["errors"][0]["reason"]
    assert fields(early) == ["case"]


def test_developers_name_who_stays_reachable(desk: Desk) -> None:
    case, _ = desk.due()
    slug = desk.person(desk.eng).slug

    for named in ([], [slug, desk.person(desk.dev).slug]):
        refused = desk.post(desk.dev, f"{case.pk}/confirm/", 400, side="developers", reachable=named)
        assert fields(refused) == ["reachable"]


def test_who_comes_too_late_is_told_the_state(desk: Desk) -> None:
    one = f"{desk.offered().pk}/"

    told = steps(desk.page().pk)

    def state(step: str) -> Any:
        return desk.post(desk.eng, f"{one}{step}/", 409, **told[step])["state"]

    assert {state(step) for step in told.keys() - {"open-review", "accept"}} == {"proposed"}
    desk.post(desk.eng, f"{one}reject/", reason="No room.")
    assert {state(step) for step in told} == {"rejected"}


def test_nobody_could_take_over_what_no_ops_team_is_named_for(desk: Desk) -> None:
    one = f"{desk.offered().pk}/"
    desk.service.ops_team = None
    desk.service.save()

    answer = client(desk.dev).get(f"{ROOT}handoffs/{one}room/")

    assert "names no ops team" in problem(answer)["errors"][0]["reason"]
    assert answer.status_code == 400


# Reading ---------------------------------------------------------------------------------------------


def handoffs(number: int) -> None:
    """Handoffs of services of their own, each with something of everything."""
    for _ in range(number):
        card = factories.ScorecardFactory.create()
        case = Case.objects.create(
            service=card.service,
            kind="handoff",
            trigger="person",
            reason="It is quiet.",
            proposer="1 Ada",
            proposer_side="developers",
            opened_at=factories.NOW,
            moved_card=card,
        )
        case.scorecards.add(card)
        case.comments.create(text="How noisy?", author="2 Bob", written_at=factories.NOW)
        case.reachable.set(factories.PersonFactory.create_batch(2))
        numbers = {"score": {"at_move": 80.0, "now": None}}
        case.look_backs.create(days=30, scorecard=card, numbers=numbers, at=factories.NOW)
        shadow = case.shadows.create(
            began_at=factories.NOW, due_at=factories.NOW + DAY, ended_at=factories.NOW, outcome="stopped"
        )
        for side in ("developers", "operations"):
            shadow.confirmations.create(side=side, actor=side, at=factories.NOW)


@pytest.mark.parametrize("rows", [2, 20])
def test_a_list_takes_as_many_queries_however_long_it_is(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    handoffs(rows)
    asker = Asker()

    # the rows, and of them who is reachable, scorecards, shadows with confirmations, looks back, comments
    with django_assert_num_queries(RIGHTS + 7):
        found = asker.rows("handoffs/", page_size=500)

    assert len(found) == rows
    assert [len(found[0][name]) for name in ("scorecards", "comments", "reachable")] == [1, 1, 2]
    assert len(found[0]["shadows"][0]["confirmations"]) == 2
    look = found[0]["look_backs"][0]
    assert (look["days"], look["scorecard"]) == (30, found[0]["moved_card"])
    assert look["numbers"] == {"score": {"at_move": 80.0, "now": None}}
    with django_assert_num_queries(1):
        cases = asker.rows("cases/", page_size=500)
    assert {(each["kind"], each["about"]) for each in cases} == {("handoff", "handoff")}


@pytest.mark.parametrize("pages", [2, 20])
def test_one_handoff_takes_as_many_queries_however_often_it_paged(
    desk: Desk, pages: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    case, _ = desk.shadowed()
    for _ in range(pages):
        actions.assess_page(case, desk.page(), critical=True, actionable=True, by=desk.eng)
    asker = Asker()

    with django_assert_num_queries(RIGHTS + 12):
        one = asker.get(f"handoffs/{case.pk}/")
    assert one["tally"]["assessed"] == pages
    with django_assert_num_queries(10):
        assert len(asker.get(f"handoffs/{case.pk}/pages/")["results"]) == pages


def test_cases_of_both_kinds_stand_in_one_list_and_lead_to_their_own(desk: Desk) -> None:
    back = actions.propose_handback(desk.another("till"), reason="It wakes us.", by=desk.eng)
    desk.pass_time()
    off = desk.offered()
    actions.withdraw_handoff(off, by=desk.dan, reason="Not yet.")
    asker = Asker()

    rows = asker.rows("cases/")
    assert [(each["id"], each["kind"], each["about"], each["service"], each["state"]) for each in rows] == [
        (off.pk, "handoff", "handoff", "pay", "withdrawn"),
        (back.pk, "handback", "handback (repair)", "till", "proposed"),
    ]
    for row in rows:
        whole = dict(asker.client.get(row["url"]).json())
        assert (whole["id"], whole["service"]) == (row["id"], row["service"])
        assert f"/{row['kind']}s/{row['id']}/" in row["url"]
    asked: dict[str, tuple[str, int]] = {
        "kind": ("handback", back.pk),
        "open": ("false", off.pk),
        "state": ("proposed", back.pk),
        "service": ("pay", off.pk),
        "search": ("wakes", back.pk),
    }
    for name, (value, key) in asked.items():
        assert [each["id"] for each in asker.rows("cases/", **{name: value})] == [key], name
    walked = asker.walk("cases/", page_size=1, ordering="service")
    assert [[each["id"] for each in page] for page in walked] == [[off.pk], [back.pk]]
    assert asker.get(f"cases/{off.pk}/")["state"] == "withdrawn"
    assert fields(asker.problem("cases/", knid="handoff")) == ["knid"]
    assert problem(client(desk.lead).post(f"{ROOT}cases/", {}, format="json"))["status"] == 405


def test_a_review_names_the_handoff_that_it_decides_about(
    desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    case = desk.in_review()
    desk.service = factories.ServiceFactory.create(lifecycle="pre_launch")
    launch = actions.open_launch_review(desk.service, by=desk.lead)
    asker = Asker()

    with django_assert_num_queries(RIGHTS + 3):  # the rows, sign-offs, overrides
        rows = asker.rows("reviews/")
    assert {row["id"]: row["case"] for row in rows} == {case.review_id: case.pk, launch.pk: None}
    assert asker.get(f"reviews/{case.review_id}/")["case"] == case.pk
