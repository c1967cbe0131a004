"""What a receiving team carries, and would carry with one more service; what nobody can tell is no room."""

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from handoff import actions
from handoff.actions.relying import newest_of
from handoff.actions.review_facts import look
from handoff.actions.room import Carrying, room_of, told
from handoff.models import Review
from readiness import clock, governing
from readiness.models import (
    CurrentScore,
    Evaluation,
    PolicyActivation,
    PolicyVersion,
    Scorecard,
    Service,
    Team,
)
from readiness.policy import PolicyError, load_policy
from readiness.rubric import RoomTerms
from tests.factories import (
    NOW,
    CurrentScoreFactory,
    FeedFactory,
    IdentityFactory,
    ManagementChangeFactory,
    PageFactory,
    PersonFactory,
    ScorecardFactory,
    ServiceFactory,
    ShiftFactory,
    TeamFactory,
    ago,
)
from tests.judging import DEFAULT, POLICY

pytestmark = pytest.mark.django_db
ROOM = "  room: {people: 6, after_hours_per_person_week: 1}\n"


class Fleet:
    """An ops team that runs some services and is asked to take over ``pay``; one developer team owns all."""

    def __init__(self) -> None:
        self.ops: Team = TeamFactory.create(slug="ops-eu", title="Ops EU")
        self.developers: Team = TeamFactory.create(slug="payments")
        self.pay = self.service("pay", developer_managed=True)

    def service(self, slug: str, **said: Any) -> Service:
        service: Service = ServiceFactory.create(
            **{"slug": slug, "owner": self.developers, "ops_team": self.ops, **said}
        )
        return service

    def run(self, slug: str, **said: Any) -> Service:
        """A service that the ops team runs."""
        return self.service(slug, ops_managed=True, **said)

    def carrying(self, now: dt.datetime = NOW) -> Carrying:
        found = room_of(Service.objects.get(slug="pay"), now)
        assert found is not None
        return found


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Fleet:
    monkeypatch.setattr(clock, "real_now", lambda: NOW)
    return Fleet()


def judged(service: Service, events: float | None, *, at: dt.datetime = NOW, **said: Any) -> Scorecard:
    """A newest scorecard that tells of so many events after hours a week, or that nobody can tell."""
    parts = {} if events is None else {"after_hours_per_week": [events, 80.0]}
    outcome: dict[str, Any] = {
        "score": None if events is None else 80.0,
        "parts": parts,
        "shown": {},
        "gaps": [],
    }
    numbers = {"tier": 3, "criteria": {"after_hours": outcome}, "standing": {"waivers": []}, **said}
    card: Scorecard = ScorecardFactory.create(service=service, at=at, numbers=numbers)
    CurrentScoreFactory.create(scorecard=card)
    return card


def on_call(service: Service, *people: str, **said: Any) -> None:
    for person in people:
        ShiftFactory.create(**{"service": service, "person": person, "role": "ops", **said})


def paged(service: Service, number: int = 0, **said: Any) -> None:
    for _ in range(number):
        PageFactory.create(service=service, **said)


def heard(service: Service, **said: Any) -> None:
    FeedFactory.create(**{"service": service, "kind": "page", **said})


# Which services, and how many people ---------------------------------------------------------------------


def test_a_service_without_an_ops_team_has_nobody_to_carry_it(fleet: Fleet) -> None:
    assert room_of(ServiceFactory.create(), NOW) is None


def test_live_services_that_operations_run_at_that_moment_are_counted(fleet: Fleet) -> None:
    shop = fleet.run("shop")
    fleet.run("gone", retired=True)
    fleet.run("next-year", launched_on=dt.date(2027, 1, 1))
    fleet.run("of-others", ops_team=TeamFactory.create())
    fleet.service("kept", developer_managed=True)
    back = fleet.run("given-back")
    ManagementChangeFactory.create(service=back, effective_at=ago(days=10), way="handback_repair")
    ManagementChangeFactory.create(
        service=shop, effective_at=NOW + dt.timedelta(days=1), way="handback_repair"
    )
    on_call(shop, "ann", "bob")
    assert fleet.carrying().services == 1
    assert fleet.carrying().services_per_engineer_now == 0.5
    assert fleet.carrying().services_per_engineer_with == 1
    assert fleet.carrying(ago(days=11)).services == 2
    assert fleet.carrying(NOW + dt.timedelta(days=1)).services == 0


def test_a_service_that_the_team_runs_already_is_counted_once(fleet: Fleet) -> None:
    ManagementChangeFactory.create(
        service=fleet.pay, state="ops_managed", effective_at=ago(days=1), way="handoff"
    )
    on_call(fleet.run("shop"), "ann")
    found = fleet.carrying()
    assert (found.services, found.services_per_engineer_with) == (1, 2)


def test_people_are_those_on_call_as_ops_in_the_last_90_days(fleet: Fleet) -> None:
    shop, mail = fleet.run("shop"), fleet.run("mail")
    week, day = dt.timedelta(days=7), dt.timedelta(days=1)
    on_call(shop, "ann", "bob")
    on_call(mail, "bob", starts_at=ago(days=90) - week, ends_at=ago(days=90) + day)
    on_call(mail, "cyd", starts_at=ago(days=90) - week, ends_at=ago(days=90) + day)
    on_call(mail, "too-early", starts_at=ago(days=90) - week, ends_at=ago(days=90))
    on_call(mail, "to-come", starts_at=NOW + day)
    on_call(mail, "drilled", drill=True)
    on_call(mail, "dev", role="developer")
    on_call(fleet.pay, "shadow")
    assert (fleet.carrying().people, fleet.carrying().from_shifts) == (3, True)


def test_somebody_whom_two_sources_name_otherwise_is_one_person(fleet: Fleet) -> None:
    shop, ann = fleet.run("shop"), PersonFactory.create(slug="ann")
    for source, name in (("pager", "U1"), ("rota", "ann@example.org")):
        IdentityFactory.create(person=ann, source=source, external_id=name)
        on_call(shop, name, source=source)
    on_call(shop, "U1", source="another pager")
    assert fleet.carrying().people == 2


def test_without_shifts_of_ops_its_members_are_its_people(fleet: Fleet) -> None:
    on_call(fleet.run("shop"), "dev", role="developer")
    PersonFactory.create_batch(3, teams=[fleet.ops])
    found = fleet.carrying()
    assert (found.people, found.from_shifts) == (3, False)
    assert told(found)[0] == (
        "Ops EU runs 1 service with 3 people (its members, for nobody reports its shifts): "
        "0.33 services an engineer, 0.67 with this one."
    )


def test_of_a_team_without_people_nothing_is_told_for_each(fleet: Fleet) -> None:
    judged(fleet.pay, 0)
    found = fleet.carrying()
    assert (found.services_per_engineer_now, found.after_hours_per_person, found.fits) == (None, None, False)
    assert told(found)[0] == "Ops EU runs 0 services, and nobody is in its rota."


# Pages a week --------------------------------------------------------------------------------------------


def test_pages_are_told_a_week_now_and_with_the_service(fleet: Fleet) -> None:
    shop = fleet.run("shop")
    heard(shop)
    heard(fleet.pay)
    paged(shop, 8)
    paged(shop, 1, after_hours=True)
    paged(shop, 1, after_hours=True, night=True)
    paged(shop, 1, drill=True)
    paged(shop, 1, withdrawn=True)
    paged(shop, 1, excluded=True)
    paged(shop, 1, paged_at=ago(days=91))
    paged(fleet.pay, 9, after_hours=True)
    found = fleet.carrying()
    assert (found.pages_now, found.after_hours_now, found.night_now) == (0.78, 0.16, 0.08)
    assert (found.pages_with, found.after_hours_with, found.night_with) == (1.48, 0.86, 0.08)
    assert found.unheard == ()


def test_pages_are_told_by_the_time_in_which_somebody_listened(fleet: Fleet) -> None:
    shop = fleet.run("shop")
    heard(shop, since=ago(days=35))
    paged(shop, 5)
    paged(shop, 1, paged_at=ago(days=36))
    assert fleet.carrying().pages_now == 1


@pytest.mark.parametrize(
    "feed", [None, {"since": ago(days=29)}, {"last_seen_at": ago(days=8)}], ids=["none", "short", "silent"]
)
def test_a_pager_that_is_not_heard_is_never_a_quiet_one(fleet: Fleet, feed: dict[str, Any] | None) -> None:
    heard(fleet.run("shop"))
    heard(fleet.pay, kind="incident")
    if feed is not None:
        heard(fleet.pay, **feed)
    found = fleet.carrying()
    assert (found.pages_now, found.pages_with, found.unheard) == (0, None, ("pay",))
    assert told(found)[1] == (
        "Pages a week: 0 (0 after hours, 0 at night) now, nobody can tell how many with this one. "
        "Nobody hears the pages of pay."
    )


# After hours, for each person ----------------------------------------------------------------------------


def six(fleet: Fleet, events: float | None = 2) -> Service:
    """A service with six people on call for it, judged."""
    shop = fleet.run("shop")
    on_call(shop, *"abcdef")
    judged(shop, events)
    return shop


def test_what_scorecards_count_after_hours_is_shared_among_its_people(fleet: Fleet) -> None:
    six(fleet, 2)
    judged(fleet.run("mail"), 0.5)
    judged(fleet.pay, 3.5)
    found = fleet.carrying()
    assert (found.after_hours_per_person, found.unknown, found.fits) == (1, (), True)
    assert (found.cap, found.least_people) == (1, 6)
    assert set(found.scorecards) == set(Scorecard.objects.values_list("pk", flat=True))
    assert told(found)[2:] == [
        "With this one, each of its people carries 1 event after hours a week.",
        "It has room for it: at least 6 people, and no more than 1 event after hours a week for each.",
    ]


def test_more_than_the_cap_for_each_is_no_room(fleet: Fleet) -> None:
    six(fleet, 2)
    judged(fleet.pay, 4.1)
    assert (fleet.carrying().after_hours_per_person, fleet.carrying().fits) == (1.02, False)
    assert told(fleet.carrying())[3].startswith("It has no room for it: the policy asks for at least 6 ")


@pytest.mark.parametrize("of", ["pay", "shop"])
@pytest.mark.parametrize("how", ["never judged", "stale", "no value", "switched off"])
def test_what_nobody_can_tell_of_one_service_nobody_can_tell_of_all(fleet: Fleet, of: str, how: str) -> None:
    services = {"pay": fleet.pay, "shop": fleet.run("shop")}
    on_call(services["shop"], *"abcdef")
    for slug, service in services.items():
        if slug != of:
            judged(service, 0)
        elif how == "stale":
            judged(service, 0, at=ago(hours=49))
        elif how == "no value":
            judged(service, None)
        elif how == "switched off":
            judged(service, 0, criteria={})
    found = fleet.carrying()
    assert (found.after_hours_per_person, found.unknown, found.fits) == (None, (of,), None)
    assert told(found)[2] == f"Nobody can tell how many events after hours {of} would bring."


def test_the_policy_of_its_scorecard_says_how_many_people_and_how_much_else_the_one_in_force(
    fleet: Fleet,
) -> None:
    six(fleet, 0)
    changed = DEFAULT.replace(ROOM, "  room: {people: 7, after_hours_per_person_week: 0.5}\n")
    PolicyVersion.objects.update(in_force=False)
    PolicyVersion.objects.create(
        name="default", version=2, text=changed, digest="2", created_at=NOW, in_force=True
    )
    assert (fleet.carrying().least_people, fleet.carrying().cap, fleet.carrying().fits) == (7, 0.5, False)
    judged(fleet.pay, 0)
    assert (fleet.carrying().least_people, fleet.carrying().cap, fleet.carrying().fits) == (6, 1, True)


# Kept, asked often, asked in hindsight -------------------------------------------------------------------


def test_what_was_seen_can_be_kept_as_json(fleet: Fleet) -> None:
    heard(six(fleet))
    found = fleet.carrying()
    kept = json.loads(json.dumps(found.as_json()))
    assert kept["unheard"] == ["pay"]
    assert Carrying.from_json(kept) == found


def test_as_many_queries_for_twenty_services_as_for_two(fleet: Fleet) -> None:
    def more(first: int, last: int) -> None:
        for number in range(first, last):
            service = fleet.run(f"service-{number}")
            heard(service)
            on_call(service, f"person-{number}")
            judged(service, 0)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert room_of(service, NOW) is not None
        return len(captured)

    judged(fleet.pay, 0)
    more(0, 2)
    service = Service.objects.select_related("ops_team").get(slug="pay")
    few = queries()
    more(2, 20)
    assert fleet.carrying().services == 20
    assert queries() == few == 6


def test_newest_scorecards_of_many_come_in_one_query(fleet: Fleet) -> None:
    cards = [judged(fleet.pay, 0), judged(fleet.run("shop"), 0)]
    unjudged = fleet.run("mail")
    with CaptureQueriesContext(connection) as captured:
        found = newest_of([*(card.service_id for card in cards), unjudged.pk])
        assert {card.policy.version for card in found.values()} == {1}
    assert (found, len(captured)) == ({card.service_id: card for card in cards}, 1)


def test_as_recorded_the_team_is_judged_as_of_that_moment_once(fleet: Fleet) -> None:
    then = ago(days=40)
    shop = six(fleet, 9)
    on_call(shop, *"abcdef", starts_at=ago(days=60))
    for service in (fleet.pay, shop, fleet.run("mail")):
        heard(service)
    paged(shop, 3, paged_at=ago(days=50), after_hours=True)
    paged(shop, 30, paged_at=ago(days=20), after_hours=True)
    live = set(CurrentScore.objects.values_list("scorecard", flat=True))
    with actions.as_recorded(then):
        own = actions.newest(fleet.pay)
        assert own is not None
        found, again = room_of(fleet.pay, then), room_of(fleet.pay, then)
    assert found == again
    assert found is not None
    # 3 events in 180 days, so 0.12 a week, for six people
    assert (found.after_hours_per_person, found.pages_now, found.unknown) == (0.02, 0.23, ())
    assert (own.pk in found.scorecards, live & set(found.scorecards)) == (True, set())
    runs = Evaluation.objects.filter(at=then, kind="replay")
    assert sorted(runs.values_list("services", flat=True)) == [1, 2], "each was judged once"


def review(fleet: Fleet, kind: str) -> Review:
    made: Review = Review.objects.create(
        service=Service.objects.get(pk=fleet.pay.pk),
        kind=kind,
        checklist="default",
        checklist_version=1,
        lapse_days=90,
        opened_by="1 Ada",
        opened_at=NOW,
    )
    return made


def test_a_handoff_review_measures_the_room_and_a_launch_review_does_not_ask(fleet: Fleet) -> None:
    six(fleet, 2)
    judged(fleet.pay, 1)
    found = look(review(fleet, Review.Kind.HANDOFF), NOW).facts.room
    assert found == fleet.carrying().room
    assert (found.people, found.after_hours_per_person, found.fits) == (6, 0.5, True)
    with CaptureQueriesContext(connection) as captured:
        assert look(review(fleet, Review.Kind.LAUNCH), NOW).facts.room is None
    assert not [query for query in captured if "readiness_shift" in query["sql"]]


# The policy's terms --------------------------------------------------------------------------------------


def test_a_policy_that_says_nothing_of_room_says_the_default_and_keeps_its_digest() -> None:
    silent = load_policy(DEFAULT.replace(ROOM, ""))
    assert silent == POLICY
    assert silent.handoff.room == RoomTerms(people=6, after_hours_per_person_week=1)
    assert silent.canonical() == POLICY.canonical()
    assert json.loads(POLICY.canonical())["handoff"] == {"overall": 80}


def test_another_room_is_another_policy(fleet: Fleet) -> None:
    assert ROOM in DEFAULT
    changed = DEFAULT.replace(ROOM, "  room: {people: 8}\n")
    version = governing.apply_text(changed, author="Ada", note="")
    assert load_policy(version.text).handoff.room.people == 8
    with pytest.raises(PolicyError, match="default v1 says the same already"):
        governing.apply_text(DEFAULT.replace(ROOM, ""), author="Ada", note="")
    assert PolicyActivation.objects.count() == 1


@pytest.mark.parametrize(
    "said", ["{people: 0}", "{people: 6.5}", "{after_hours_per_person_week: -1}", "{beds: 2}"]
)
def test_a_mistake_in_the_room_is_told(said: str) -> None:
    with pytest.raises(PolicyError, match=r"handoff\.room"):
        load_policy(DEFAULT.replace(ROOM, f"  room: {said}\n"))
