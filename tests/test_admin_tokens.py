"""SRE leads make and revoke machine tokens in the admin; a token's text is shown once."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from readiness import clock
from readiness.models import Defect, MachineToken
from tests.admin_pages import Visitor
from tests.factories import ServiceFactory
from tests.machines import Machine, record

pytestmark = pytest.mark.django_db

TOKENS = "/admin/readiness/machinetoken/"
ASKED = {
    "name": "deploy pipeline",
    "source": "pager",
    "kinds": ["defect", "feed"],
    "services": "pay, shop",
    "days": 90,
}


@pytest.fixture
def lead() -> Visitor:
    """Somebody who may make and revoke tokens; there are two services."""
    ServiceFactory.create(slug="pay")
    ServiceFactory.create(slug="shop")
    return Visitor("add_machinetoken", "change_machinetoken")


def test_a_new_token_is_shown_once_and_writes_what_was_ticked(lead: Visitor) -> None:
    assert f"{TOKENS}new/" in lead.get(TOKENS)
    page = lead.post(f"{TOKENS}new/", **ASKED)
    text = re.search(r'id="token-text">([0-9a-f]+)<', page)
    assert text
    token = MachineToken.objects.get()
    assert (token.source, token.kinds, token.services) == ("pager", ["defect", "feed"], ["pay", "shop"])
    assert token.created_by == f"{lead.user.pk} ada"
    assert token.expiry is not None
    assert abs(token.expiry - clock.real_now() - timedelta(days=90)) < timedelta(minutes=1)

    for address in (TOKENS, f"{TOKENS}{token.pk}/change/"):
        assert text[1] not in lead.get(address)
        assert "deploy pipeline" in lead.get(address)

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {text[1]}")
    assert client.post("/api/v1/defects/", record("defects"), format="json").status_code == 200
    assert Defect.objects.exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"services": "pay nobody"}, "The catalogue knows no nobody."),
        ({"kinds": []}, "This field is required."),
        ({"kinds": ["feed"]}, "Heartbeats go with a kind of evidence"),
        ({"source": " "}, "This field is required."),
        ({"kinds": ["nonsense"]}, "nonsense is not one of the available choices"),
    ],
)
def test_a_slip_is_told_and_makes_no_token(lead: Visitor, changes: dict[str, object], says: str) -> None:
    assert says in lead.post(f"{TOKENS}new/", **{**ASKED, **changes})
    assert not MachineToken.objects.exists()


def test_a_token_for_the_catalogue_may_name_services_that_it_is_to_make(lead: Visitor) -> None:
    lead.post(f"{TOKENS}new/", **{**ASKED, "kinds": ["catalogue"], "services": "pay to-come"})
    assert MachineToken.objects.get().services == ["pay", "to-come"]


def test_a_name_is_given_once_and_for_all(lead: Visitor) -> None:
    lead.post(f"{TOKENS}new/", **ASKED)
    assert "There is, or was, a token of this name." in lead.post(f"{TOKENS}new/", **ASKED)
    assert MachineToken.objects.count() == 1


def test_a_name_that_a_log_in_has_makes_no_token(lead: Visitor) -> None:
    User.objects.create_user(f"machine:{ASKED['name']}")

    assert "There is, or was, a token of this name." in lead.post(f"{TOKENS}new/", **ASKED)
    assert not MachineToken.objects.exists()


def test_who_made_and_who_revoked_a_token_is_on_record(lead: Visitor) -> None:
    lead.post(f"{TOKENS}new/", **ASKED)
    token = MachineToken.objects.get()
    lead.post(f"{TOKENS}{token.pk}/revoke/")
    lead.post(f"{TOKENS}{token.pk}/revoke/")

    entries = LogEntry.objects.order_by("pk").values_list("user", "object_id", "change_message")
    assert list(entries) == [(lead.user.pk, token.pk, "Made."), (lead.user.pk, token.pk, "Revoked.")]


def test_revoking_is_asked_about_and_ends_the_token(lead: Visitor) -> None:
    machine = Machine()
    address = f"{TOKENS}{machine.token.pk}/revoke/"

    assert "there is no way back" in lead.get(address)
    machine.write("defects", record("defects"))
    assert "is revoked" in lead.post(address)
    assert machine.post("defects", record("defects")).status_code == 401
    assert "revoked" in lead.get(TOKENS)
    assert "had ended before" in lead.post(address)


def test_who_may_only_look_makes_and_revokes_nothing() -> None:
    machine = Machine()
    visitor = Visitor()
    assert "New token" not in visitor.get(TOKENS)
    for address in (f"{TOKENS}new/", f"{TOKENS}{machine.token.pk}/revoke/"):
        assert visitor.client.get(address).status_code == 403
        assert visitor.client.post(address, ASKED).status_code == 403
    assert MachineToken.objects.count() == 1
    assert not MachineToken.objects.get().revoked


def test_states_are_told_apart(lead: Visitor) -> None:
    Machine(name="ended", lasts=timedelta(seconds=-1))
    Machine(name="soon", lasts=timedelta(days=3))
    Machine(name="fresh", lasts=timedelta(days=90))
    Machine(name="used").write("defects", record("defects"))

    page = lead.get(TOKENS)
    for state in ("expired", "expires soon", "not used yet", "in use"):
        assert state in page
