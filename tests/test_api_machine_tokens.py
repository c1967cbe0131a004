"""What a machine token may do over REST, and what it may not; nobody posts their own score up."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from readiness import clock, tokens
from readiness.models import Defect, MachineToken
from tests.factories import DefectFactory, ServiceAliasFactory, ServiceFactory
from tests.machines import SOURCE, Machine, reasons, record
from tests.rest import problem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def services() -> None:
    """One service that the token of these tests may write for, and one that it may not."""
    ServiceAliasFactory.create(name="payments", service=ServiceFactory.create(slug="pay"))
    ServiceFactory.create(slug="shop")


@pytest.fixture
def machine() -> Machine:
    """A machine that reports the defects of one service."""
    return Machine(kinds=["defect"], services=["pay"])


def test_it_writes_its_kind_for_its_service_under_any_of_its_names(machine: Machine) -> None:
    rows = [record("defects", "a"), record("defects", "b", service="payments")]
    assert machine.results("defects", rows) == ["created", "created"]
    assert set(Defect.objects.values_list("service__slug", flat=True)) == {"pay"}


def test_it_writes_no_other_kind(machine: Machine) -> None:
    told = problem(machine.post("incidents", record("incidents")))
    assert told["status"] == 403
    assert told["detail"] == "The token pager-sync was not made for writing incident rows."


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        (
            {"source": "tracker"},
            "source",
            f"must be {SOURCE!r}: the token pager-sync writes of no other",
        ),
        ({"service": "shop"}, "service", "names shop, for which the token pager-sync may not write"),
        ({"service": "nobody"}, "service", "'nobody' is no service or alias that the catalogue knows"),
    ],
)
def test_it_writes_of_no_other_source_and_service(
    machine: Machine, changes: dict[str, str], field: str, reason: str
) -> None:
    good, bad = machine.write(
        "defects", [record("defects", "good"), record("defects", "bad", **changes)], status=207
    )
    assert good["result"] == "created"
    assert reasons(bad) == {field: reason}
    assert list(Defect.objects.values_list("external_id", flat=True)) == ["good"]


def test_a_star_is_no_way_to_another_service(machine: Machine) -> None:
    ServiceAliasFactory.create(name="*", service__slug="theirs")
    (refused,) = machine.write("defects", record("defects", service="*"), status=422)
    assert reasons(refused) == {"service": "names theirs, for which the token pager-sync may not write"}


def test_it_moves_no_row_of_a_service_that_is_not_its(machine: Machine) -> None:
    DefectFactory.create(service__slug="theirs", source=SOURCE, external_id="D-1")

    (refused,) = machine.write("defects", record("defects", "D-1"), status=422)
    assert reasons(refused) == {"id": "is a row of theirs, for which the token pager-sync may not write"}
    assert Defect.objects.get().service.slug == "theirs"


@pytest.mark.parametrize("group", [None, "SRE lead"])
def test_it_reads_nothing_and_starts_nothing_whatever_groups_its_log_in_is_put_into(
    machine: Machine, group: str | None
) -> None:
    machine.token.user.groups.set(Group.objects.filter(name=group))
    told = problem(machine.client.get("/api/v1/defects/"))
    assert (told["status"], "A token reads nothing" in told["detail"]) == (403, True)
    assert problem(machine.client.get("/api/v1/services/"))["status"] == 403
    assert problem(machine.post("evaluations", {}))["status"] == 403


def test_it_logs_in_nowhere_else(machine: Machine) -> None:
    user = machine.token.user
    assert not user.has_usable_password()
    assert not user.is_staff
    assert not user.get_all_permissions()


@pytest.mark.parametrize("superuser", [True, False])
def test_a_person_writes_no_evidence(superuser: bool) -> None:
    client = APIClient()
    client.force_authenticate(User.objects.create_user("ada", is_superuser=superuser))

    told = problem(client.post("/api/v1/defects/", record("defects"), format="json"))
    assert told["status"] == 403
    assert "machine tokens" in told["detail"]
    assert not Defect.objects.exists()


def test_nobody_writes_without_a_token_or_with_a_made_up_one() -> None:
    for authorization in ({}, {"HTTP_AUTHORIZATION": "Token x"}, {"HTTP_AUTHORIZATION": "Token \xff"}):
        client = APIClient()
        client.credentials(**authorization)
        response = client.post("/api/v1/defects/", record("defects"), format="json")
        assert problem(response)["status"] == 401


def test_an_ended_token_is_refused_in_words_and_kept(machine: Machine) -> None:
    assert tokens.revoke(machine.token)
    assert not tokens.revoke(machine.token)
    told = problem(machine.post("defects", record("defects")))
    assert told["status"] == 401
    assert "pager-sync was revoked" in told["detail"]

    expired = Machine(name="old", lasts=timedelta(seconds=-1))
    assert "old expired" in problem(expired.post("defects", record("defects")))["detail"]
    assert MachineToken.objects.count() == 2
    assert not Defect.objects.exists()


def test_its_text_is_stored_nowhere(machine: Machine) -> None:
    stored = MachineToken.objects.values_list().get()
    assert machine.text not in map(str, stored)


def test_its_last_use_is_noted_once_a_minute(machine: Machine) -> None:
    machine.write("defects", record("defects"))
    first = MachineToken.objects.get().last_used_at
    assert first is not None
    assert clock.real_now() - first < timedelta(minutes=1)

    machine.write("defects", record("defects"))
    assert MachineToken.objects.get().last_used_at == first
    long_ago = first - timedelta(minutes=2)
    MachineToken.objects.update(last_used_at=long_ago)
    machine.write("defects", record("defects"))
    noted = MachineToken.objects.get().last_used_at
    assert noted is not None
    assert noted > long_ago


def test_a_pipeline_asks_the_gate_of_its_service_with_its_token(machine: Machine) -> None:
    assert machine.client.get("/api/v1/services/pay/gate/", {"for": "deploy"}).status_code == 200
    refused = machine.client.get("/api/v1/services/shop/gate/", {"for": "deploy"})
    assert problem(refused)["status"] == 403
