"""Consultants in the admin: the list, the page of one, the forms, the service page and the fleet's filter."""

import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from handoff.actions import end_consulting
from handoff.admin import consultants
from handoff.models import AdviceNote, Consultant
from readiness import clock
from readiness.models import Person, Service
from tests.admin_pages import FLEET, Visitor, exported, listed, page_of, text
from tests.factories import (
    NOW,
    AdviceNoteFactory,
    ConsultantFactory,
    ManagementChangeFactory,
    PersonFactory,
    ServiceFactory,
    TeamFactory,
    ago,
)
from tests.members import member

pytestmark = pytest.mark.django_db

LIST = "/admin/handoff/consultant/"
NAME = f"{LIST}name/"
WHO = "which ops engineers and SRE leads have"


@pytest.fixture(autouse=True)
def _standing(settings: Settings) -> None:
    """The clock stands a minute after the moment of the tests."""
    settings.CLOCK_OFFSET = NOW + dt.timedelta(minutes=1) - clock.real_now()


@pytest.fixture
def engineer() -> Visitor:
    """Somebody who may view everything and name consultants."""
    return Visitor("add_consultant")


@pytest.fixture
def shop() -> Service:
    """A service that its developers run."""
    made: Service = ServiceFactory.create(slug="shop", developer_managed=True)
    return made


@pytest.fixture
def linus() -> Person:
    """Somebody of a team that operates a service."""
    team = TeamFactory.create(slug="sre")
    ServiceFactory.create(slug="mail", ops_team=team, ops_managed=True)
    made: Person = PersonFactory.create(name="Linus", teams=[team])
    return made


def page(consultant: Consultant, name: str = "change") -> str:
    """An address of one."""
    return reverse(f"admin:handoff_consultant_{name}", args=[consultant.pk])


# The list --------------------------------------------------------------------------------------------


@pytest.fixture
def two(shop: Service, linus: Person) -> list[Consultant]:
    """One who advises, with notes old and new, and one who did."""
    goes_on = ConsultantFactory.create(service=shop, person=linus, began_at=ago(days=200))
    for days, hours in ((150, "4"), (20, "1.25"), (3, "2")):
        AdviceNoteFactory.create(consultant=goes_on, given_on=ago(days=days).date(), hours=hours)
    over = ConsultantFactory.create(ended=True, person__name="Barbara")
    return [goes_on, over]


def test_the_list_says_who_advises_since_when_and_how_much(two: list[Consultant]) -> None:
    said = Visitor().get(LIST)

    for word in ("shop", "Linus", "advising", "7.25", "3.25", "2026-06-28", "Barbara", "ended"):
        assert word in said


def test_an_empty_list_says_where_to_begin() -> None:
    assert "services that their developers run and nobody advises on" in Visitor().get(LIST)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"advising": "yes"}, {"Linus"}),
        ({"advising": "no"}, {"Barbara"}),
        ({"q": "shop"}, {"Linus"}),
        ({"q": "barb"}, {"Barbara"}),
        ({"began_at_from": "2026-02-01"}, {"Barbara"}),
    ],
)
def test_the_list_is_filtered_and_searched(
    two: list[Consultant], query: dict[str, str], found: set[str]
) -> None:
    said = json.loads(exported(Visitor(), LIST, file="json", **query).getvalue())

    assert {row["name"] for row in said} == found
    assert all(name in Visitor(name="eve").get(LIST, **query) for name in found)


def test_the_list_is_sorted_by_hours(two: list[Consultant]) -> None:
    column = consultants.ConsultantAdmin.list_display.index("late_hours") + 1
    for order, first in ((f"-{column}", "Linus"), (str(column), "Barbara")):
        said = json.loads(exported(Visitor(name=order), LIST, file="json", o=order).getvalue())
        assert said[0]["name"] == first


def test_an_export_names_things_as_rest_does(two: list[Consultant]) -> None:
    [row] = json.loads(exported(Visitor(), LIST, file="json", advising="yes").getvalue())

    assert row == {
        "service": "shop",
        "person": two[0].person.slug,
        "name": "Linus",
        "state": "advising",
        "began_at": "2025-12-13T00:00:00+00:00",
        "ended_at": None,
        "hours": 7.25,
        "notes_written": 3,
        "hours_90_days": 3.25,
        "notes_written_90_days": 2,
        "newest_note_on": "2026-06-28",
    }


@pytest.mark.parametrize("number", [5, 60])
def test_the_list_takes_as_many_queries_for_60_as_for_5(
    number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for each in ConsultantFactory.create_batch(number):
        AdviceNoteFactory.create_batch(2, consultant=each)
    visitor = Visitor("add_consultant")

    with django_assert_num_queries(8):
        visitor.get(LIST)


def test_nobody_adds_changes_or_deletes_rows_past_the_forms(two: list[Consultant]) -> None:
    visitor = Visitor("add_consultant", "change_consultant", "delete_consultant")

    assert visitor.client.get(f"{LIST}add/").status_code == 403
    assert visitor.client.post(page(two[0], "delete"), {"post": "yes"}).status_code == 403
    assert Consultant.objects.count() == 2


# Naming ----------------------------------------------------------------------------------------------


def test_somebody_is_named_from_the_list(engineer: Visitor, shop: Service, linus: Person) -> None:
    assert NAME in engineer.get(LIST)
    assert "Name a consultant" in engineer.get(NAME)
    said = engineer.post(NAME, service=shop.pk, person=linus.pk, reason="nobody did")

    assert "Linus advises on shop from now on." in said
    assert "nobody did" in said
    assert Consultant.objects.get().person == linus


def test_the_service_is_chosen_where_its_page_leads_here(engineer: Visitor, shop: Service) -> None:
    assert f'<option value="{shop.pk}" selected' in engineer.get(NAME, service=shop.pk)
    for strange in ("x", "9" * 30, "٣", "-1"):
        assert "Name a consultant" in engineer.get(NAME, service=strange)


def test_a_slip_is_told_beside_its_field_and_names_nobody(
    engineer: Visitor, shop: Service, linus: Person
) -> None:
    mail, developer = Service.objects.get(slug="mail"), PersonFactory.create(name="Dev")
    ways: list[tuple[dict[str, Any], str]] = [
        ({"service": mail.pk}, "mail is retired or run by operations"),
        ({"person": developer.pk}, "Dev is in no team that operates services."),
        ({"person": ""}, "This field is required."),
        ({"service": "x", "person": "9" * 30}, "Select a valid choice"),
    ]
    for way, says in ways:
        assert says in engineer.post(NAME, **{"service": shop.pk, "person": linus.pk, **way})
    assert not Consultant.objects.exists()


def test_who_advises_already_is_not_named_again(engineer: Visitor, shop: Service, linus: Person) -> None:
    ConsultantFactory.create(service=shop, person=linus)

    said = engineer.post(NAME, service=shop.pk, person=linus.pk)
    assert "Linus advises on shop already." in said
    assert Consultant.objects.count() == 1


def _found(visitor: Visitor, what: str, term: str = "") -> list[str]:
    field = {"people": "person", "services": "service"}[what]
    query = {"app_label": "handoff", "model_name": "consultant", "field_name": field, "term": term}
    return [each["text"] for each in json.loads(visitor.get(f"{LIST}{what}/", **query))["results"]]


def test_only_people_who_may_advise_are_found(engineer: Visitor, linus: Person) -> None:
    PersonFactory.create(name="Dev")
    PersonFactory.create(name="Olga", role="ops")

    assert sorted(_found(engineer, "people")) == ["Linus (sre)", "Olga"]
    assert _found(engineer, "people", "lin") == ["Linus (sre)"]


def test_only_services_that_may_have_one_are_found(engineer: Visitor, shop: Service, linus: Person) -> None:
    ServiceFactory.create(slug="old-shop", retired=True)

    assert _found(engineer, "services") == ["shop"]
    assert _found(engineer, "services", "mail") == []


@pytest.mark.parametrize("what", ["people", "services"])
def test_who_may_not_name_finds_nobody(what: str) -> None:
    field = {"people": "person", "services": "service"}[what]
    query = {"app_label": "handoff", "model_name": "consultant", "field_name": field}

    assert Visitor().client.get(f"{LIST}{what}/", query).status_code == 403


# The page of one -------------------------------------------------------------------------------------


def test_the_page_shows_what_was_advised_and_who_decided(two: list[Consultant]) -> None:
    AdviceNoteFactory.create(consultant=two[0], text="<b>Drop</b> the cron job", author="7 Ken")
    said = Visitor().get(page(two[0]))

    for word in ("Linus advises on", "8.75 in 4 notes", "4.75 in 3 notes", "7 Ken", "&lt;b&gt;Drop"):
        assert word in said


def test_it_shows_the_newest_of_many_notes(two: list[Consultant], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consultants, "NOTES", 2)

    assert "The newest 2 of 3 notes" in Visitor().get(page(two[0]))


@pytest.mark.parametrize("number", [2, 50])
def test_it_takes_as_many_queries_for_50_notes_as_for_2(
    number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    consultant = ConsultantFactory.create()
    AdviceNoteFactory.create_batch(number, consultant=consultant)
    visitor = Visitor("add_consultant")

    with django_assert_num_queries(10):
        visitor.get(page(consultant))


def test_a_note_is_written(engineer: Visitor, two: list[Consultant]) -> None:
    assert page(two[0], "note") in engineer.get(page(two[0]))
    assert 'value="2026-07-01"' in engineer.get(page(two[0], "note"))
    said = engineer.post(page(two[0], "note"), given_on="2026-06-30", hours="1.5", text="Split the queue.")

    assert "The note is kept." in said
    assert "Split the queue." in said


@pytest.mark.parametrize(
    ("way", "says"),
    [
        ({"hours": "25"}, "less than or equal to 24"),
        ({"hours": "-3"}, "Hours of a day are 0 to 24."),
        ({"hours": "NaN"}, "Enter a number."),
        ({"text": "  "}, "This field is required."),
        ({"given_on": "2026-07-02"}, "when the consulting began, to today, 2026-07-01"),
        ({"given_on": "soon"}, "Enter a valid date."),
    ],
)
def test_a_slip_in_a_note_is_told_and_keeps_what_was_written(
    engineer: Visitor, way: dict[str, str], says: str
) -> None:
    consultant = ConsultantFactory.create()
    said = engineer.post(
        page(consultant, "note"), **{"given_on": "2026-06-30", "hours": "1", "text": "kept", **way}
    )

    assert says in said
    assert ("kept" in said) == ("text" not in way)
    assert not AdviceNote.objects.exists()


def test_a_note_of_a_day_after_the_end_is_refused(engineer: Visitor, two: list[Consultant]) -> None:
    assert "The consulting ended on 2026-06-26." in engineer.post(
        page(two[1], "note"), given_on="2026-06-30", hours="1", text="late"
    )


def test_it_is_ended_after_it_was_asked_about(engineer: Visitor, two: list[Consultant]) -> None:
    assert page(two[0], "end") in engineer.get(page(two[0]))
    assert "End Linus for shop" in engineer.get(page(two[0], "end"))
    assert Consultant.objects.get(pk=two[0].pk).ended_at is None
    said = engineer.post(page(two[0], "end"), reason="moves on")

    assert "Linus advises no more. The notes stay." in said
    assert "moves on" in said
    assert page(two[0], "end") not in said
    assert "is ended by now" in said


def test_who_comes_too_late_to_end_it_is_told(engineer: Visitor, two: list[Consultant]) -> None:
    end_consulting(two[0], by=member("SRE lead", name="grace"))

    for said in (
        engineer.post(page(two[0], "end")),
        text(engineer.client.get(page(two[0], "end"), follow=True)),
    ):
        assert "The consulting of Linus for shop is ended by now." in said


@pytest.mark.parametrize("group", ["viewer", "developer"])
def test_who_may_only_look_sees_all_but_buttons_and_is_told_why(group: str, two: list[Consultant]) -> None:
    client = Client()
    client.force_login(member(group))
    ways = ("end", "note")
    for address in (LIST, page(two[0])):
        said = text(client.get(address))
        assert "Linus" in said
        assert WHO in said
        assert NAME not in said
        assert not any(page(two[0], way) in said for way in ways)
    for address in (NAME, *(page(two[0], way) for way in ways)):
        assert client.get(address).status_code == 403
        assert client.post(address).status_code == 403
    assert AdviceNote.objects.count() == 3


def test_the_filter_by_person_is_for_those_who_may_view_people() -> None:
    assert "By person" in Visitor().get(LIST)
    assert "By person" not in Visitor("view_consultant", "view_service", views=False, name="eve").get(LIST)


def test_the_consultants_own_log_in_may_write_notes(shop: Service) -> None:
    client = Client()
    client.force_login(member("viewer", name="ken"))
    own = ConsultantFactory.create(service=shop, person=Person.objects.get(name="ken"))
    said = text(client.get(page(own)))

    assert page(own, "note") in said
    assert page(own, "end") not in said
    assert (
        client.post(page(own, "note"), {"given_on": "2026-07-01", "hours": "1", "text": "x"}).status_code
        == 302
    )
    assert AdviceNote.objects.get().consultant == own


def test_what_is_not_there_is_not_found_and_what_may_not_be_seen_is_refused(two: list[Consultant]) -> None:
    engineer = Visitor("add_consultant")
    for address in ("999999/change/", "x/change/", "999999/end/", f"{'9' * 30}/note/"):
        assert engineer.client.get(LIST + address).status_code == 404
    stranger = Visitor("view_service", views=False, name="eve")
    for address in (LIST, page(two[0]), page(two[0], "note")):
        assert stranger.client.get(address).status_code == 403


# The service page ------------------------------------------------------------------------------------


def test_the_service_page_says_who_advises_and_what(engineer: Visitor, two: list[Consultant]) -> None:
    said = engineer.get(page_of(two[0].service))

    for word in ("Consultants", "Linus", "7.25", "3.25", "Alert on symptoms", f"{NAME}?service="):
        assert word in said


@pytest.mark.parametrize("where", [{"developer_managed": True}, {"pre_launch": True}])
def test_it_says_that_nobody_advises(engineer: Visitor, where: dict[str, bool]) -> None:
    service = ServiceFactory.create(**where)

    assert "Nobody advises on it." in engineer.get(page_of(service))
    assert f"{NAME}?service={service.pk}" in engineer.get(page_of(service))


def test_it_says_why_somebody_may_not_name(shop: Service) -> None:
    said = Visitor().get(page_of(shop))

    assert WHO in said
    assert NAME not in said


def test_it_says_nothing_where_operations_run_the_service_and_nobody_ever_advised(engineer: Visitor) -> None:
    assert 'id="consultants"' not in engineer.get(page_of(ServiceFactory.create(ops_managed=True)))


def test_consulting_of_before_a_handoff_stays_on_the_page(engineer: Visitor, two: list[Consultant]) -> None:
    shop = two[0].service
    ManagementChangeFactory.create(service=shop, state="ops_managed", effective_at=NOW, way="handoff")
    said = engineer.get(page_of(shop))

    assert "Linus" in said
    assert "Its developers do not run it: nobody is named." in said
    assert NAME not in said


def test_those_who_did_advise_are_a_link_away(engineer: Visitor, two: list[Consultant]) -> None:
    said = engineer.get(page_of(two[1].service))

    assert "Nobody advises on it." in said
    assert f"{LIST}?service__id__exact={two[1].service_id}" in said
    assert "Barbara" in engineer.get(LIST, service__id__exact=two[1].service_id)


def test_who_may_not_view_consultants_reads_nothing_of_them(two: list[Consultant]) -> None:
    said = Visitor("view_service", views=False).get(page_of(two[0].service))

    assert "Linus" not in said
    assert 'id="consultants"' not in said


# The fleet -------------------------------------------------------------------------------------------


def test_the_fleet_is_filtered_by_whether_somebody_advises(two: list[Consultant]) -> None:
    ServiceFactory.create(slug="lonely", developer_managed=True)
    ServiceFactory.create(slug="soon", pre_launch=True)
    visitor = Visitor()

    assert set(listed(visitor.get(FLEET, consultant="none"))) == {"lonely", two[1].service.slug}
    assert listed(visitor.get(FLEET, consultant="some")) == ["shop"]
    assert listed(visitor.get(FLEET, consultant="x")) == []


def test_the_sidebar_leads_to_consultants_those_who_may_view_them() -> None:
    assert f'href="{LIST}"' in Visitor().get(FLEET)
    assert f'href="{LIST}"' not in Visitor("view_service", views=False, name="eve").get(FLEET)
