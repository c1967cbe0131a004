"""Consultants are named, write notes and end, by those who may, and the database holds what the rules say."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django.fixtures import Settings

from handoff.actions import (
    InvalidError,
    MovedError,
    NotAllowedError,
    RefusedError,
    advise,
    end_consulting,
    name_consultant,
)
from handoff.machine import CONSULTANT, IllegalMoveError, after, legal
from handoff.models import AdviceNote, Consultant, Transition
from handoff.models.consultant import without_consultant
from readiness import clock
from readiness.models import Person, Service
from tests.factories import (
    NOW,
    AdviceNoteFactory,
    ConsultantFactory,
    IdentityFactory,
    ManagementChangeFactory,
    PersonFactory,
    ServiceFactory,
    TeamFactory,
    ago,
)
from tests.members import member

pytestmark = pytest.mark.django_db

TODAY = NOW.date()


@pytest.fixture(autouse=True)
def _standing(settings: Settings) -> None:
    """The clock stands a minute after the moment of the tests."""
    settings.CLOCK_OFFSET = NOW + dt.timedelta(minutes=1) - clock.real_now()


@pytest.fixture
def engineer() -> User:
    """An ops engineer's log-in."""
    return member("ops engineer", name="grace")


@pytest.fixture
def shop() -> Service:
    """A live service that its developers run."""
    made: Service = ServiceFactory.create(slug="shop", developer_managed=True)
    return made


@pytest.fixture
def linus() -> Person:
    """Somebody of a team that operates a service."""
    team = TeamFactory.create(slug="sre")
    ServiceFactory.create(ops_team=team)
    made: Person = PersonFactory.create(name="Linus", teams=[team])
    return made


# The table of moves ----------------------------------------------------------------------------------


def test_there_is_one_way_from_naming_to_the_end() -> None:
    assert after(CONSULTANT, "", "name") == "advising"
    assert after(CONSULTANT, "advising", "end") == "ended"
    assert legal(CONSULTANT, "ended") == []


@pytest.mark.parametrize(
    ("state", "move"), [("advising", "name"), ("ended", "name"), ("", "end"), ("ended", "end")]
)
def test_no_other_move_is_legal(state: str, move: str) -> None:
    with pytest.raises(IllegalMoveError):
        after(CONSULTANT, state, move)


# Naming ----------------------------------------------------------------------------------------------


def test_naming_is_on_record_with_who_when_and_why(engineer: User, shop: Service, linus: Person) -> None:
    named = name_consultant(shop, person=linus, by=engineer, reason=" nobody did ")

    assert (named.state, named.ended_at) == ("advising", None)
    assert named.began_at - NOW < dt.timedelta(minutes=2)
    transition = Transition.objects.get()
    assert (transition.subject, transition.subject_id, transition.about) == ("consultant", named.pk, "Linus")
    assert (transition.move, transition.from_state, transition.to_state) == ("name", "", "advising")
    assert (transition.actor, transition.reason) == (f"{engineer.pk} grace", "nobody did")
    assert (transition.service, transition.at) == (shop, named.began_at)


@pytest.mark.parametrize(
    "where",
    [
        {"pre_launch": True},
        {"pre_launch": True, "ops_managed": True},  # was run by ops before it went back to before its launch
        {},  # nobody was recorded as running it
        {"developer_managed": True, "deprecated": True},
    ],
)
def test_a_service_that_ops_do_not_run_may_have_one(
    engineer: User, linus: Person, where: dict[str, bool]
) -> None:
    assert name_consultant(ServiceFactory.create(**where), person=linus, by=engineer).pk


@pytest.mark.parametrize("where", [{"ops_managed": True}, {"retired": True, "developer_managed": True}])
def test_a_service_that_ops_run_or_that_is_retired_has_none(
    engineer: User, linus: Person, where: dict[str, bool]
) -> None:
    service = ServiceFactory.create(**where)

    with pytest.raises(InvalidError, match="retired or run by operations") as refused:
        name_consultant(service, person=linus, by=engineer)
    assert refused.value.field == "service"
    assert not Consultant.objects.exists()


def test_the_state_of_now_decides_not_one_to_come(engineer: User, linus: Person, shop: Service) -> None:
    ManagementChangeFactory.create(
        service=shop, state="ops_managed", effective_at=NOW + dt.timedelta(days=1), way="handoff"
    )
    assert name_consultant(shop, person=linus, by=engineer).pk

    ManagementChangeFactory.create(service=shop, state="ops_managed", effective_at=NOW, way="handoff")
    with pytest.raises(InvalidError):
        name_consultant(shop, person=PersonFactory.create(role="ops"), by=engineer)


def test_somebody_whose_role_is_ops_may_advise_without_a_team(engineer: User, shop: Service) -> None:
    assert name_consultant(shop, person=PersonFactory.create(role="ops"), by=engineer).pk


def test_somebody_of_no_ops_team_does_not_advise(engineer: User, shop: Service) -> None:
    person = PersonFactory.create(teams=[shop.owner])

    with pytest.raises(InvalidError, match="in no team that operates services") as refused:
        name_consultant(shop, person=person, by=engineer)
    assert refused.value.field == "person"


def test_several_people_advise_on_one_service_and_one_on_several(
    engineer: User, shop: Service, linus: Person
) -> None:
    name_consultant(shop, person=linus, by=engineer)
    name_consultant(shop, person=PersonFactory.create(role="ops"), by=engineer)
    name_consultant(ServiceFactory.create(), person=linus, by=engineer)

    assert Consultant.objects.advising().count() == 3


def test_nobody_is_named_twice_at_once_but_again_after_the_end(
    engineer: User, shop: Service, linus: Person
) -> None:
    first = name_consultant(shop, person=linus, by=engineer)
    with pytest.raises(MovedError, match="Linus advises on shop already") as refused:
        name_consultant(shop, person=linus, by=engineer)
    assert refused.value.state == "advising"
    assert Transition.objects.count() == 1

    end_consulting(first, by=engineer)
    assert name_consultant(shop, person=linus, by=engineer).pk != first.pk


# Ending ----------------------------------------------------------------------------------------------


def test_an_end_is_on_record_and_comes_once(engineer: User, shop: Service, linus: Person) -> None:
    named = name_consultant(shop, person=linus, by=engineer)
    stale = Consultant.objects.get(pk=named.pk)
    end_consulting(named, by=engineer, reason="moves on")

    assert named.ended_at
    assert Consultant.objects.get().ended_at == named.ended_at
    ended = Transition.objects.get(move="end")
    assert (ended.from_state, ended.to_state, ended.reason) == ("advising", "ended", "moves on")
    with pytest.raises(MovedError, match="is ended by now") as again:
        end_consulting(named, by=engineer)
    with pytest.raises(MovedError, match="Somebody else ended it meanwhile") as faster:
        end_consulting(stale, by=engineer)
    assert again.value.state == faster.value.state == "ended"
    assert stale.ended_at is None
    assert Transition.objects.count() == 2


def test_it_can_end_though_the_clock_was_put_back(engineer: User) -> None:
    later = ConsultantFactory.create(began_at=NOW + dt.timedelta(days=3))

    assert end_consulting(later, by=engineer).ended_at == later.began_at


def test_consulting_stays_on_record_when_operations_take_over_or_the_service_retires(engineer: User) -> None:
    consultant = ConsultantFactory.create()
    ManagementChangeFactory.create(
        service=consultant.service, state="ops_managed", effective_at=NOW, way="handoff"
    )
    Service.objects.filter(pk=consultant.service_id).update(lifecycle="retired")
    consultant = Consultant.objects.get(pk=consultant.pk)

    assert consultant.state == "advising"
    assert advise(consultant, given_on=TODAY, hours=Decimal(1), text="Said good-bye.", by=engineer).pk
    assert end_consulting(consultant, by=engineer).state == "ended"


# Notes -----------------------------------------------------------------------------------------------


def test_a_note_is_kept_with_its_author(engineer: User) -> None:
    consultant = ConsultantFactory.create()
    note = advise(consultant, given_on=TODAY, hours=Decimal("2.25"), text=" Alert on symptoms. ", by=engineer)

    note.refresh_from_db()
    assert (note.given_on, note.hours, note.text) == (TODAY, Decimal("2.25"), "Alert on symptoms.")
    assert note.author == f"{engineer.pk} grace"
    assert note.written_at - NOW < dt.timedelta(minutes=2)


@pytest.mark.parametrize(
    ("day", "fits"),
    [
        (ago(days=101).date(), False),
        (ago(days=100).date(), True),
        (TODAY, True),
        (TODAY + dt.timedelta(days=1), False),
    ],
)
def test_a_note_is_of_a_day_from_the_beginning_to_today(engineer: User, day: dt.date, fits: bool) -> None:
    consultant = ConsultantFactory.create(began_at=ago(days=100) + dt.timedelta(hours=9))

    if fits:
        assert advise(consultant, given_on=day, hours=Decimal(1), text="x", by=engineer).pk
        return
    with pytest.raises(InvalidError, match=r"A day from 2026-03-23, when .* to today, 2026-07-01") as refused:
        advise(consultant, given_on=day, hours=Decimal(1), text="x", by=engineer)
    assert refused.value.field == "given_on"


def test_after_the_end_notes_are_of_days_before_it_also_for_who_has_not_seen_that_it_ended(
    engineer: User,
) -> None:
    consultant = ConsultantFactory.create()
    stale = Consultant.objects.get(pk=consultant.pk)
    Consultant.objects.update(ended_at=ago(days=5))

    assert advise(stale, given_on=ago(days=5).date(), hours=Decimal(1), text="x", by=engineer).pk
    with pytest.raises(MovedError, match="ended on 2026-06-26") as refused:
        advise(stale, given_on=ago(days=4).date(), hours=Decimal(1), text="x", by=engineer)
    assert refused.value.state == "ended"


@pytest.mark.parametrize(
    ("hours", "says"),
    [("-0.01", "Hours of a day are 0 to 24."), ("24.01", "Hours of a day are 0 to 24.")],
)
def test_a_day_has_24_hours(engineer: User, hours: str, says: str) -> None:
    with pytest.raises(InvalidError) as refused:
        advise(ConsultantFactory.create(), given_on=TODAY, hours=Decimal(hours), text="x", by=engineer)
    assert (refused.value.field, str(refused.value)) == ("hours", says)


def test_all_notes_of_a_day_have_24_together_and_what_is_too_much_is_taken_back(engineer: User) -> None:
    consultant = ConsultantFactory.create()

    def note(hours: str, day: dt.date = TODAY) -> AdviceNote:
        return advise(consultant, given_on=day, hours=Decimal(hours), text="x", by=engineer)

    note("20")
    note("20", ago(days=1).date())
    with pytest.raises(InvalidError, match="and 20 are written of this day already"):
        note("4.25")
    with pytest.raises(InvalidError, match="and 20 are written of this day already"):
        note("-20.5")
    note("-18")
    note("22")

    known: Any = Consultant.objects.with_advice(TODAY).get()
    assert (known.hours, known.noted) == (Decimal(44), 4)


def test_a_note_says_something(engineer: User) -> None:
    with pytest.raises(InvalidError, match="Say what was advised") as refused:
        advise(ConsultantFactory.create(), given_on=TODAY, hours=Decimal(1), text=" \n", by=engineer)
    assert refused.value.field == "text"


def test_what_was_done_lately_is_of_90_days_today_included() -> None:
    consultant = ConsultantFactory.create(began_at=ago(days=200))
    for days in (0, 89, 90, 150):
        AdviceNoteFactory.create(consultant=consultant, given_on=ago(days=days).date())
    ConsultantFactory.create()

    rows: list[Any] = list(Consultant.objects.with_advice(TODAY).order_by("began_at"))
    busy, idle = ((row.hours, row.noted, row.hours_lately, row.noted_lately, row.newest_on) for row in rows)
    assert busy == (Decimal(6), 4, Decimal(3), 2, TODAY)
    assert idle == (0, 0, 0, 0, None)


# Rights ----------------------------------------------------------------------------------------------


def _name(by: User) -> object:
    return name_consultant(ServiceFactory.create(), person=PersonFactory.create(role="ops"), by=by)


def _end(by: User) -> object:
    return end_consulting(ConsultantFactory.create(), by=by)


def _advise(by: User) -> object:
    return advise(ConsultantFactory.create(), given_on=TODAY, hours=Decimal(1), text="x", by=by)


ACTIONS: list[Callable[[User], object]] = [_name, _end, _advise]


@pytest.mark.parametrize("act", ACTIONS)
@pytest.mark.parametrize("group", ["ops engineer", "SRE lead"])
def test_ops_engineers_and_leads_may(group: str, act: Callable[[User], object]) -> None:
    assert act(member(group))


@pytest.mark.parametrize("act", ACTIONS)
@pytest.mark.parametrize("group", [None, "viewer", "developer"])
def test_others_may_not_and_nothing_is_written(group: str | None, act: Callable[[User], object]) -> None:
    with pytest.raises(NotAllowedError, match="ops engineers and SRE leads"):
        act(member(group))
    assert not Transition.objects.exists()
    assert not AdviceNote.objects.exists()
    assert not Consultant.objects.exclude(ended_at=None).exists()


def test_an_account_that_was_closed_may_nothing(engineer: User) -> None:
    User.objects.filter(pk=engineer.pk).update(is_active=False)
    for act in ACTIONS:
        with pytest.raises(NotAllowedError):
            act(User.objects.get(pk=engineer.pk))


def test_the_consultants_own_log_in_writes_notes_and_no_more() -> None:
    user = member("viewer", name="ken")
    own = ConsultantFactory.create(person=Person.objects.get(name="ken"))

    assert advise(own, given_on=TODAY, hours=Decimal(1), text="x", by=user).pk
    with pytest.raises(NotAllowedError):
        end_consulting(own, by=user)
    with pytest.raises(NotAllowedError, match="linked with that person"):
        advise(ConsultantFactory.create(), given_on=TODAY, hours=Decimal(1), text="x", by=user)


def test_an_identity_of_the_same_name_elsewhere_is_no_log_in() -> None:
    user = member("viewer", name="ken")
    other = ConsultantFactory.create()
    IdentityFactory.create(person=other.person, source="pager", external_id="ken")

    with pytest.raises(RefusedError):
        advise(other, given_on=TODAY, hours=Decimal(1), text="x", by=user)


# Services without one --------------------------------------------------------------------------------


def test_services_without_one_are_live_ones_that_developers_run_now() -> None:
    lonely = ServiceFactory.create(developer_managed=True)
    left = ConsultantFactory.create(ended=True).service
    ConsultantFactory.create()
    back = ServiceFactory.create(ops_managed=True)
    ManagementChangeFactory.create(service=back, effective_at=ago(days=3), way="handback_repair")
    gone = ServiceFactory.create(developer_managed=True)
    ManagementChangeFactory.create(service=gone, state="ops_managed", effective_at=ago(days=3), way="handoff")
    for where in ("ops_managed", "pre_launch", "retired"):
        ServiceFactory.create(**{where: True})
    ServiceFactory.create(developer_managed=True, launched_on=TODAY + dt.timedelta(days=1))
    ServiceFactory.create()

    assert set(without_consultant(NOW)) == {lonely, left, back}


# What the database holds by itself -------------------------------------------------------------------


def _refused(statement: str, *values: Any) -> bool:
    """Whether raw SQL is refused."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except (IntegrityError, DatabaseError):
        return True
    return False


INSERT = "INSERT INTO handoff_consultant (service_id, person_id, began_at, ended_at) VALUES (%s, %s, %s, %s)"
NOTE = (
    "INSERT INTO handoff_advicenote (consultant_id, given_on, hours, text, author, written_at) "
    "VALUES (%s, %s, %s, %s, 'raw', %s)"
)


def test_raw_sql_cannot_name_somebody_twice_at_once() -> None:
    first = ConsultantFactory.create()
    pair = (first.service_id, first.person_id)

    assert _refused(INSERT, *pair, NOW, None)
    assert not _refused(INSERT, *pair, ago(days=300), ago(days=200))
    assert Consultant.objects.advising().get() == first


def test_raw_sql_cannot_reopen_beside_one_that_goes_on_nor_end_before_the_beginning() -> None:
    first = ConsultantFactory.create(ended=True)
    second = ConsultantFactory.create(service=first.service, person=first.person)

    assert _refused("UPDATE handoff_consultant SET ended_at = NULL WHERE id = %s", first.pk)
    assert _refused("UPDATE handoff_consultant SET ended_at = %s WHERE id = %s", ago(days=101), second.pk)


@pytest.mark.parametrize(("hours", "text"), [(24.5, "x"), (-24.5, "x"), (1, "")])
def test_raw_sql_cannot_write_a_note_that_is_none(hours: float, text: str) -> None:
    consultant = ConsultantFactory.create()

    assert not _refused(NOTE, consultant.pk, TODAY, 1, "x", NOW)
    assert _refused(NOTE, consultant.pk, TODAY, hours, text, NOW)


def test_raw_sql_cannot_change_or_delete_a_note() -> None:
    note = AdviceNoteFactory.create()

    assert _refused("UPDATE handoff_advicenote SET hours = 8 WHERE id = %s", note.pk)
    assert _refused("DELETE FROM handoff_advicenote WHERE id = %s", note.pk)
    assert AdviceNote.objects.get().hours == Decimal("1.5")
