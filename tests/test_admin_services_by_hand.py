"""Services by hand: adding one, with its state adopted, and correcting what the catalogue says of one."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError

from readiness.models import ManagementChange, Page, Rejudgement, Service, ServiceAlias, Team
from tests.admin_pages import FLEET, Visitor, page_of
from tests.factories import PageFactory, ServiceAliasFactory, ServiceFactory, TeamFactory

pytestmark = pytest.mark.django_db

ADD = f"{FLEET}add/"


@pytest.fixture
def lead() -> Visitor:
    """Somebody who may add and change services."""
    return Visitor("add_service", "change_service")


@pytest.fixture
def team() -> Team:
    """The team that owns what is added."""
    made: Team = TeamFactory.create(slug="payments")
    return made


def said(team: Team, **changes: Any) -> dict[str, Any]:
    """The form as somebody fills it in."""
    return {
        "slug": "pay",
        "title": "Payments",
        "owner": str(team.pk),
        "tier": "1",
        "lifecycle": "live",
        "launched_on": "2025-06-01",
        "aliases": "pay-api, payments-api",
        "components": "api",
        "state": "ops_managed",
    } | changes


def test_a_service_is_added_and_its_state_adopted(lead: Visitor, team: Team) -> None:
    page = lead.post(ADD, **said(team))
    service = Service.objects.get()

    assert "Payments is in the catalogue." in page
    assert (service.slug, service.title, service.tier, service.owner) == ("pay", "Payments", 1, team)
    assert service.components == ["api"]
    assert sorted(ServiceAlias.objects.values_list("name", flat=True)) == ["pay-api", "payments-api"]
    change = ManagementChange.objects.get()
    assert (change.state, change.way, change.reason) == ("ops_managed", "adoption", "added by hand")
    assert change.actor == f"{lead.user.pk} ada"
    assert change.effective_at == dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
    assert LogEntry.objects.get().change_message == "Added by hand."
    assert Rejudgement.objects.get().service == service


def test_a_service_before_launch_has_no_state(lead: Visitor, team: Team) -> None:
    lead.post(ADD, **said(team, lifecycle="pre_launch", launched_on=""))

    assert Service.objects.get().lifecycle == "pre_launch"
    assert not ManagementChange.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slug": ""}, "This field is required"),
        ({"slug": "no slug"}, "This must be letters, digits"),
        ({"slug": "Ledger"}, "This already names ledger."),
        ({"slug": "books"}, "This already names ledger."),
        ({"owner": ""}, "This field is required"),
        ({"owner": "0"}, "Select a valid choice"),
        ({"tier": "5"}, "Select a valid choice"),
        ({"launched_on": "June"}, "Enter a valid date"),
        ({"aliases": "Books"}, "Books already names ledger."),
        ({"aliases": "x" * 201}, "A name has at most 200 characters and no NUL."),
        ({"components": "x" * 201}, "A name has at most 200 characters and no NUL."),
        ({"components": "api, a\0b"}, "A name has at most 200 characters and no NUL."),
        ({"state": "chaos"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    lead: Visitor, team: Team, changes: dict[str, str], words: str
) -> None:
    ServiceAliasFactory.create(name="books", service=ServiceFactory.create(slug="ledger"))
    page = lead.post(ADD, **said(team, **changes))

    assert words in page
    assert Service.objects.count() == 1


def test_capitals_make_no_other_name(lead: Visitor, team: Team) -> None:
    lead.post(ADD, **said(team, aliases="Till, cash, till"))

    assert sorted(ServiceAlias.objects.values_list("name", flat=True)) == ["Till", "cash"]


def test_a_name_that_somebody_gave_meanwhile_is_said_in_words(
    lead: Visitor, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*_: Any, **__: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr("handoff.admin.service_forms.write", too_late)

    assert "Somebody gave one of these names to a service just now." in lead.post(ADD, **said(team))


def test_what_the_catalogue_says_is_corrected_by_hand(lead: Visitor, team: Team) -> None:
    service = ServiceFactory.create(slug="pay", title="Pay", ops_managed=True, ops_team=team, fleet="shop")
    ServiceAliasFactory.create(name="old-pay", service=service)
    ServiceAliasFactory.create(name="pay-api", service=service)
    form = lead.get(page_of(service, "edit"))

    assert "old-pay, pay-api" in form
    assert 'name="state"' not in form
    page = lead.post(page_of(service, "edit"), **said(team, slug="other", state="developer_managed"))
    service.refresh_from_db()
    assert "Saved. The service is judged again soon." in page
    assert (service.slug, service.title, service.tier, service.ops_team) == ("pay", "Payments", 1, None)
    assert (service.owner, service.fleet) == (team, "shop")
    assert sorted(service.aliases.values_list("name", flat=True)) == ["pay-api", "payments-api"]
    assert ManagementChange.objects.get().state == "ops_managed"
    assert "title" in LogEntry.objects.get().change_message
    assert Rejudgement.objects.get().service == service


def test_a_new_owner_decides_anew_what_was_after_hours(lead: Visitor, team: Team) -> None:
    Team.objects.filter(pk=team.pk).update(time_zone="Asia/Tokyo")
    service = ServiceFactory.create(slug="pay", developer_managed=True)
    noon = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
    PageFactory.create(service=service, paged_at=noon, after_hours=False, night=False)
    lead.post(page_of(service, "edit"), **said(team))

    assert Page.objects.get().after_hours


def test_a_live_service_without_a_state_gets_one_when_it_is_edited(lead: Visitor, team: Team) -> None:
    service = ServiceFactory.create(slug="pay", pre_launch=True)
    lead.post(page_of(service, "edit"), **said(team, state="developer_managed"))
    change = ManagementChange.objects.get()

    assert (change.state, change.way, change.reason) == ("developer_managed", "adoption", "edited by hand")


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_takes_the_rights_to_add_and_to_change_services(team: Team, method: str) -> None:
    service = ServiceFactory.create()
    viewer = Visitor()

    for path in (ADD, page_of(service, "edit")):
        assert getattr(viewer.client, method)(path, said(team)).status_code == 403
    assert page_of(service, "edit") not in viewer.get(page_of(service))
    assert ADD not in viewer.get(FLEET)


def test_the_service_page_leads_to_its_form(lead: Visitor) -> None:
    service = ServiceFactory.create()

    assert page_of(service, "edit") in lead.get(page_of(service))
