"""A service with something open changes hands, its name or its life: told first, done with it, once."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from handoff import machine
from handoff.actions import MovedError, change_services, foresee
from handoff.catalogue import Entry, consequences_of
from handoff.checklists import Side
from handoff.consequences import (
    ENDING,
    RULE,
    Change,
    Consequence,
    Fate,
    Happening,
    Open,
    Subject,
    consequence,
)
from handoff.management.commands.import_fleet import Command
from handoff.models import Case, Consultant, Review, SignOff, Transition
from readiness.models import ManagementChange, Service, ServiceAlias, Waiver
from tests.admin_pages import FLEET, Visitor, page_of
from tests.factories import (
    NOW,
    ConsultantFactory,
    DependencyFactory,
    ServiceFactory,
    TeamFactory,
    WaiverFactory,
)
from tests.handing_back import Place
from tests.machines import Machine
from tests.sheets import Import, as_csv

needs_rows = pytest.mark.django_db

# The rules ---------------------------------------------------------------------------------------------

TABLES = {
    "case": machine.HANDBACK,
    "review": machine.REVIEW,
    "waiver": machine.WAIVER,
    "consultant": machine.CONSULTANT,
}
OPEN = {
    "case": ["proposed", "joint_repair", "stabilising"],
    "review": ["open", "signed"],
    "waiver": ["asked", "live"],
    "consultant": ["advising"],
}
THINGS = st.sampled_from([(name, state) for name, states in OPEN.items() for state in states]).flatmap(
    lambda each: st.builds(
        Open,
        subject=st.just(Subject(each[0])),
        key=st.integers(1, 9),
        name=st.just("it"),
        state=st.just(each[1]),
        signed=st.frozensets(st.sampled_from(Side))
        if each[0] in {"case", "review"}
        else st.just(frozenset()),
    )
)
CHANGES = st.lists(st.sampled_from(Change), min_size=1, unique=True)


def happens(*changes: Change) -> list[Happening]:
    return [Happening(change, "one", "another") for change in changes]


@given(THINGS, CHANGES)
def test_what_ends_ends_by_a_legal_move_and_nothing_outlives_its_service(
    thing: Open, changes: list[Change]
) -> None:
    found = consequence(thing, happens(*changes))
    assert found.why
    if found.move:
        assert TABLES[thing.subject][thing.state, found.move] == found.leads_to == found.becomes
    if ENDING & set(changes):
        assert found.fate is Fate.ENDS
    if set(changes) <= {Change.RENAME, Change.SPLIT}:
        assert (found.fate, found.leads_to) == (Fate.STAYS, thing.state)


@given(st.sampled_from([(Change.OWNER, Side.DEVELOPERS), (Change.OPS_TEAM, Side.OPERATIONS)]), st.booleans())
def test_a_signature_ends_with_the_team_that_gave_it_and_an_acceptance_is_taken_back(
    changed: tuple[Change, Side], signed: bool
) -> None:
    change, side = changed
    others = frozenset(Side) - {side}

    def of(state: str, *, accepted: bool = True) -> Consequence:
        sides = others | ({side} if signed else set())
        thing = Open(
            subject=Subject.CASE, key=1, name="handoff", state=state, signed=sides, accepted=accepted
        )
        return consequence(thing, happens(change))

    back = Fate.ACCEPTANCE_TAKEN_BACK if change is Change.OPS_TEAM else Fate.STAYS
    assert of("in_review").fate is (Fate.ENDS if signed else back)
    assert of("backed_up").fate is Fate.STAYS
    assert of("proposed", accepted=False).fate is (Fate.ENDS if signed else Fate.STAYS)
    assert (
        consequence(
            Open(subject=Subject.CASE, key=1, name="handoff", state="backed_up"), happens(Change.RETIREMENT)
        ).move
        == "complete"
    )


# What is open, and what becomes of it ------------------------------------------------------------------


class Crowd(Place):
    """A service of which everything is open that can be: ``rows`` finds each in its state of now."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch)
        self.case = self.proposed()
        self.review = Review.objects.create(
            service=self.service,
            kind="handoff",
            checklist="default",
            checklist_version=1,
            lapse_days=90,
            opened_by="1 ada",
            opened_at=NOW,
        )
        self.live = WaiverFactory.create(service=self.service)
        self.asked = WaiverFactory.create(service=self.service, target="defects", asked=True)
        self.advising = ConsultantFactory.create(service=self.service)
        TeamFactory.create(slug="others")
        self.changes = ManagementChange.objects.count()
        self.decisions = Transition.objects.count()

    def signed_by(self, side: Side) -> None:
        """Somebody signed the review for a side."""
        SignOff.objects.create(review=self.review, side=side.value, actor="7 gus", at=NOW)

    @property
    def states(self) -> dict[str, str]:
        """Where each is by now."""
        return {
            "case": Case.objects.get(pk=self.case.pk).state,
            "review": Review.objects.get(pk=self.review.pk).state,
            "live": Waiver.objects.get(pk=self.live.pk).state,
            "asked": Waiver.objects.get(pk=self.asked.pk).state,
            "advising": Consultant.objects.get(pk=self.advising.pk).state,
        }

    @property
    def made(self) -> list[Transition]:
        """Decisions since then."""
        return list(Transition.objects.order_by("pk")[self.decisions :])


STAYS = {"case": "proposed", "review": "open", "live": "live", "asked": "asked", "advising": "advising"}
ENDED = {
    "case": "withdrawn",
    "review": "withdrawn",
    "live": "revoked",
    "asked": "withdrawn",
    "advising": "ended",
}


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch, db: None) -> Crowd:
    return Crowd(monkeypatch)


@pytest.fixture
def lead(crowd: Crowd) -> Visitor:
    return Visitor("add_service", "change_service", name="zoe")


def said(service: Service, **changes: Any) -> dict[str, Any]:
    """The form of a service as it stands, with changes."""
    told = {"slug": service.slug, "owner": service.owner_id, "ops_team": service.ops_team_id or ""}
    return {**told, "tier": "3", "lifecycle": service.lifecycle, "launched_on": "2024-01-01", **changes}


def agreed(visitor: Visitor, path: str, **told: Any) -> str:
    """Send a form, look at what it asks, agree; the page that comes after."""
    answer: Any = visitor.client.post(path, told)
    return visitor.post(path, **told, accepted=answer.context["accepted"])


def test_retiring_by_hand_is_asked_about_and_ends_all_that_is_open(crowd: Crowd, lead: Visitor) -> None:
    path, told = page_of(crowd.service, "edit"), said(crowd.service, lifecycle="retired")

    page = lead.post(path, **told)
    assert "nothing is written yet" in page
    assert "case handback (repair), proposed" in page
    assert "waiver telemetry, live" in page
    assert crowd.states == STAYS
    assert Service.objects.get(pk=crowd.service.pk).lifecycle == "live"
    assert "nothing is written yet" in lead.post(path, **told, accepted="something else")

    assert "Saved." in agreed(lead, path, **told)
    assert crowd.states == ENDED
    assert Service.objects.get(pk=crowd.service.pk).lifecycle == "retired"
    assert {(each.subject, each.to_state) for each in crowd.made} == {
        ("case", "withdrawn"),
        ("review", "withdrawn"),
        ("waiver", "revoked"),
        ("waiver", "withdrawn"),
        ("consultant", "ended"),
    }
    for each in crowd.made:
        assert each.actor == f"{lead.user.pk} zoe"
        assert each.reason == "it is retired: nobody runs it any more (edited by hand)"
    assert ManagementChange.objects.count() == crowd.changes

    assert "Saved." in lead.post(path, **told)
    assert len(crowd.made) == 5


def test_what_was_opened_since_the_question_is_asked_about_anew(crowd: Crowd, lead: Visitor) -> None:
    path, told = page_of(crowd.service, "edit"), said(crowd.service, lifecycle="retired")
    answer: Any = lead.client.post(path, told)
    WaiverFactory.create(service=crowd.service, target="coupling")

    page = lead.post(path, **told, accepted=answer.context["accepted"])
    assert "waiver coupling, live" in page
    assert crowd.states == STAYS


def test_another_owner_leaves_what_is_open_but_a_review_that_the_old_one_signed(
    crowd: Crowd, lead: Visitor
) -> None:
    others = TeamFactory.create(slug="builders-2")
    path = page_of(crowd.service, "edit")
    assert "it stays with the service" in lead.post(path, **said(crowd.service, owner=others.pk))

    crowd.signed_by(Side.OPERATIONS)
    agreed(lead, path, **said(crowd.service, owner=others.pk))
    assert crowd.states == STAYS
    assert crowd.made == []

    crowd.service.refresh_from_db()
    agreed(lead, path, **said(crowd.service, ops_team=others.pk))
    assert crowd.states == {**STAYS, "review": "withdrawn"}
    assert "operations signed, and its ops team is builders-2 instead of sre" in crowd.made[0].reason


@needs_rows
def test_a_release_that_the_old_owner_proposed_is_withdrawn_and_a_stabilisation_is_cut_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Place(monkeypatch)
    visitor, other = Visitor("change_service", name="zoe"), TeamFactory.create()
    release = place.proposed(kind="release", by=place.dev)
    agreed(visitor, page_of(place.service, "edit"), **said(place.service, owner=other.pk))
    release.refresh_from_db()
    assert (release.state, release.ended_at) == ("withdrawn", place.now)

    place.service = place.another("ledger")
    repair = place.confirmed()
    agreed(visitor, page_of(place.service, "edit"), **said(place.service, lifecycle="retired"))
    repair.refresh_from_db()
    assert (repair.state, repair.confirmed_at is not None) == ("withdrawn", True)
    assert Transition.objects.get(move="cut short").from_state == "stabilising"


def test_a_rename_leaves_everything_and_the_old_name_is_another_one(crowd: Crowd, lead: Visitor) -> None:
    machine = Machine(services=["pay"])
    path = page_of(crowd.service, "naming")
    assert "is called payments instead of pay" in lead.post(path, slug="payments")
    assert Service.objects.filter(slug="pay").exists()

    assert "Done: it is called payments" in agreed(lead, path, slug="payments")
    assert crowd.states == STAYS
    assert crowd.made == []
    crowd.service.refresh_from_db()
    assert crowd.service.slug == "payments"
    assert ServiceAlias.objects.get().name == "pay"
    machine.token.refresh_from_db()
    assert machine.token.services == ["payments"]

    agreed(lead, path, slug="pay")
    assert list(ServiceAlias.objects.values_list("name", "service__slug")) == [("payments", "pay")]


def test_a_merge_ends_what_is_open_and_names_the_other_service(crowd: Crowd, lead: Visitor) -> None:
    ledger = ServiceFactory.create(slug="ledger", developer_managed=True)
    caller = DependencyFactory.create(service=ledger, on="pay", target=crowd.service)
    path = page_of(crowd.service, "naming")
    assert "pay is another name of ledger from now on" in lead.post(path, into="ledger")
    assert crowd.states == STAYS

    agreed(lead, path, into="ledger")
    assert crowd.states == ENDED
    assert all("ledger" in each.reason for each in crowd.made)
    crowd.service.refresh_from_db()
    caller.refresh_from_db()
    assert (crowd.service.slug, crowd.service.lifecycle) == ("pay.merged", "retired")
    assert (Service.objects.named("pay").get(), caller.target) == (ledger, ledger)
    assert "handback" in lead.get(page_of(crowd.service))

    second = ServiceFactory.create(slug="pay.merged-not")
    assert "Nothing of it is open" in lead.post(page_of(second, "naming"), into="ledger")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "Say its new name, or the service that it is merged into."),
        ({"slug": "pay-2", "into": "taken"}, "Say its new name, or"),
        ({"slug": "pay"}, "That is its name already."),
        ({"slug": "a b"}, "This must be letters"),
        ({"slug": "Taken"}, "This names another service already."),
        ({"slug": "other"}, "This names another service already."),
        ({"into": "nobody"}, "There is no other service of this name"),
        ({"into": "pay"}, "There is no other service of this name"),
        ({"into": "gone"}, "There is no other service of this name"),
    ],
)
def test_what_is_no_new_name_is_said(crowd: Crowd, lead: Visitor, told: dict[str, str], words: str) -> None:
    ServiceAlias.objects.create(name="other", service=ServiceFactory.create(slug="taken"))
    ServiceFactory.create(slug="gone", retired=True)

    assert words in lead.post(page_of(crowd.service, "naming"), **told)
    assert Visitor(name="eve").client.get(page_of(crowd.service, "naming")).status_code == 403


def test_a_service_that_is_taken_out_of_another_has_a_clock_of_its_own(crowd: Crowd, lead: Visitor) -> None:
    told = {**said(crowd.service, slug="tax"), "state": "developer_managed", "split_from": "pay"}
    assert "tax is taken out of it" in lead.post(f"{FLEET}add/", **told)
    assert not Service.objects.filter(slug="tax").exists()

    agreed(lead, f"{FLEET}add/", **told)
    assert crowd.states == STAYS
    change = ManagementChange.objects.get(service__slug="tax")
    assert (change.way, change.reason) == ("adoption", "added by hand, taken out of pay")
    told = {**told, "slug": "vat", "split_from": "nobody"}
    assert "There is no service of this name." in lead.post(f"{FLEET}add/", **told)


def test_who_is_slower_than_a_decision_is_told_and_nothing_is_written(
    crowd: Crowd, lead: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*_: Any, **__: Any) -> None:
        raise MovedError("Somebody else was faster.", "revoked")

    retired, said_by_form = {"slug": "pay", "lifecycle": "retired"}, said(crowd.service, lifecycle="retired")
    sheet = Import(lead, "service", as_csv([retired]))
    monkeypatch.setattr("handoff.catalogue.entries.change_services", too_late)
    monkeypatch.setattr("handoff.catalogue.naming.change_services", too_late)

    assert "Somebody else was faster." in agreed(lead, page_of(crowd.service, "edit"), **said_by_form)
    assert "Somebody else was faster." in agreed(lead, page_of(crowd.service, "naming"), slug="tax")
    assert "Somebody else was faster." in sheet.confirm()
    answer = Machine(kinds=["catalogue"]).post("services", {**retired, "accept_consequences": True})
    assert (answer.status_code, answer.json()["state"]) == (409, "revoked")
    crowd.service.refresh_from_db()
    assert (crowd.service.slug, crowd.service.lifecycle, crowd.made) == ("pay", "live", [])


def test_it_takes_as_many_queries_for_many_services_as_for_one(crowd: Crowd) -> None:
    for number in range(5):
        WaiverFactory.create(service=crowd.another(f"s-{number}"))
    retired = [Entry(each.slug, {"lifecycle": "retired"}) for each in Service.objects.order_by("pk")]

    def queries(entries: list[Entry]) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as asked:
            found = len(consequences_of(entries))
        return found, len(asked)

    one, many = queries(retired[:1]), queries(retired)
    assert (one[0], many[0]) == (1, 6)
    assert one[1] == many[1] <= 8
    with CaptureQueriesContext(connection) as asked:
        assert foresee({}) == []
        assert consequences_of([Entry("pay", {"title": "Pay"})]) == []
    assert len(asked) == 0


@needs_rows
def test_a_proposed_handoff_ends_with_its_service_and_stays_with_another_team() -> None:
    case = Case.objects.create(
        service=ServiceFactory.create(slug="pay", developer_managed=True),
        kind="handoff",
        trigger="person",
        reason="It is quiet.",
        proposer="1 ada",
        proposer_side="developers",
        opened_at=NOW,
    )
    moved = {case.service_id: happens(Change.OWNER, Change.OPS_TEAM)}
    (told,) = change_services(moved, actor="2 bob", reason="by hand")
    assert [each.fate for each in told.consequences] == [Fate.STAYS]

    change_services({case.service_id: happens(Change.RETIREMENT)}, actor=RULE, reason="catalogue of shop")
    case.refresh_from_db()
    assert case.state == "withdrawn"
    assert foresee({case.service_id: happens(Change.RETIREMENT)})[0].asks is False


# Spreadsheets and REST ---------------------------------------------------------------------------------


def test_a_spreadsheets_preview_tells_what_becomes_of_what_is_open(crowd: Crowd, lead: Visitor) -> None:
    preview = Import(lead, "service", as_csv([{"slug": "pay", "lifecycle": "retired"}]))

    told = preview.changes[0]
    assert told["case"][0] == "handback (repair), proposed"
    assert told["case"][1] == "withdrawn: it is retired: nobody runs it any more"
    assert crowd.states == STAYS
    assert "Imported: 0 created, 1 updated" in preview.confirm()
    assert crowd.states == ENDED
    assert "spreadsheet rows.csv" in crowd.made[0].reason


def test_rest_refuses_with_the_list_until_the_record_accepts(crowd: Crowd) -> None:
    machine, retired = Machine(kinds=["catalogue"]), {"slug": "pay", "lifecycle": "retired"}

    answer = machine.post("services", retired)
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    (told,) = answer.json()["consequences"]
    assert (told["index"], told["service"], told["changes"]) == (
        0,
        "pay",
        [{"change": "retirement", "before": "live", "after": "retired"}],
    )
    assert {(each["subject"], each["becomes"]) for each in told["outcomes"]} == {
        ("case", "withdrawn"),
        ("review", "withdrawn"),
        ("waiver", "revoked"),
        ("waiver", "withdrawn"),
        ("consultant", "ended"),
    }
    assert answer.json()["results"][0]["errors"][0]["field"] == "accept_consequences"
    new = {"slug": "tax", "owner": "others"}
    mixed = machine.post("services", [new, {**retired, "accept_consequences": False}])
    assert (mixed.status_code, mixed.json()["consequences"][0]["index"]) == (207, 1)
    assert crowd.states == STAYS

    accepted = {**retired, "accept_consequences": True}
    assert machine.results("services", accepted) == ["updated"]
    assert crowd.states == ENDED
    assert crowd.made[-1].actor == "token pager-sync"
    assert machine.results("services", accepted) == ["unchanged"]


# import_fleet ------------------------------------------------------------------------------------------

TEAMS = "kind: Group\nmetadata: {name: builders}\nspec: {}\n"
COMPONENT = """---
kind: Component
metadata:
  {{name: {name}, title: {title}, annotations: {{handoff/ops-team: sre, handoff/aliases: "{aliases}"}}}}
spec: {{type: service, lifecycle: {lifecycle}, owner: {owner}}}
"""


class Folder:
    """A fleet folder, and a way to import it."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path / "shop"
        self.path.mkdir()
        self.capsys = capsys

    def bring_in(self, *components: str, options: tuple[str, ...] = ()) -> tuple[int, list[str]]:
        """Import these; the exit status and what was said."""
        (self.path / "catalog-info.yaml").write_text(TEAMS + "".join(components))
        command = Command()
        call_command(command, self.path, "--format", "json", *options)
        captured = self.capsys.readouterr()
        assert json.loads(captured.out.splitlines()[-1])["rejected"] == command.status
        return command.status, [each for each in captured.err.splitlines() if "placeholder" not in each]


def component(name: str = "pay", **told: str) -> str:
    plain = {"title": "Pay", "aliases": "", "lifecycle": "production", "owner": "builders"}
    return COMPONENT.format(name=name, **{**plain, **told})


ACCEPT = ("--accept-consequences",)


@pytest.fixture
def folder(crowd: Crowd, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folder:
    Service.objects.update(fleet="shop")
    return Folder(tmp_path, capsys)


def test_an_import_holds_a_retirement_back_and_takes_the_rest(crowd: Crowd, folder: Folder) -> None:
    retired = component(lifecycle="retired", owner="others", title="Payments"), component("tax")
    status, told = folder.bring_in(*retired)

    assert status == 1
    assert told[0].startswith("catalogue:0: pay: is not changed without --accept-consequences: its owner is")
    assert "it is retired. case handback (repair), proposed: withdrawn; review" in told[0]
    pay = Service.objects.get(slug="pay")
    assert (pay.lifecycle, pay.owner.slug, pay.title) == ("live", "builders", "Payments")
    assert Service.objects.filter(slug="tax").exists()
    assert crowd.states == STAYS

    assert folder.bring_in(*retired, options=ACCEPT)[0] == 0
    assert crowd.states == ENDED
    assert {each.actor for each in crowd.made if each.subject == "case"} == {RULE}
    assert "catalogue of shop" in next(each for each in crowd.made if each.subject == "case").reason
    count = Transition.objects.count()
    assert folder.bring_in(*retired) == (0, [])
    assert Transition.objects.count() == count


def test_an_import_renames_what_it_calls_otherwise_and_understands_the_old_name(
    crowd: Crowd, folder: Folder
) -> None:
    renamed = component("payments", aliases="pay")
    assert folder.bring_in(renamed)[0] == 1
    assert list(Service.objects.values_list("slug", flat=True)) == ["pay"]

    assert folder.bring_in(renamed, options=ACCEPT)[0] == 0
    assert folder.bring_in(component("pay", title="Old file"))[0] == 0
    service = Service.objects.get()
    assert (service.pk, service.slug, service.title) == (crowd.service.pk, "payments", "Old file")
    assert crowd.states == STAYS


def test_an_import_merges_what_another_is_called_too(crowd: Crowd, folder: Folder) -> None:
    ServiceFactory.create(slug="ledger", owner=crowd.owner, ops_team=crowd.ops, fleet="shop")
    merged = component("ledger", aliases="pay")
    assert folder.bring_in(merged)[0] == 1
    assert crowd.states == STAYS

    assert folder.bring_in(merged, options=ACCEPT)[0] == 0
    assert crowd.states == ENDED
    assert Service.objects.named("pay").get().slug == "ledger"
    assert folder.bring_in(merged) == (0, [])


def test_an_import_takes_one_service_out_of_another(crowd: Crowd, folder: Folder) -> None:
    ServiceAlias.objects.create(name="tax", service=crowd.service)
    split = component(), component("tax")
    status, told = folder.bring_in(*split)
    assert (status, "tax is taken out of it" in told[0]) == (1, True)
    assert not Service.objects.filter(slug="tax").exists()

    assert folder.bring_in(*split, options=ACCEPT)[0] == 0
    assert crowd.states == STAYS
    assert Service.objects.named("tax").get().management_changes.get().way == "adoption"
    assert not ServiceAlias.objects.exists()


def test_a_service_with_nothing_open_is_changed_without_a_question(folder: Folder, crowd: Crowd) -> None:
    ServiceFactory.create(slug="tax", owner=crowd.owner, ops_team=crowd.ops, fleet="shop")

    assert folder.bring_in(component(), component("tax", lifecycle="retired", owner="others"))[0] == 0
    assert Service.objects.get(slug="tax").owner.slug == "others"
