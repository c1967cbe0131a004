"""Policies in the admin: what differs, drafts with their mistakes, and activation by a second person."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries

from readiness import evaluation, governing
from readiness.models import Evaluation, PolicyVersion, Simulation
from tests.admin_pages import Visitor, text
from tests.factories import NOW, ago
from tests.judging import DEFAULT

pytestmark = pytest.mark.django_db

LIST = "/admin/readiness/policyversion/"
STRICTER = DEFAULT.replace("overall: 80\n", "overall: 85\n").replace(
    "tiers:\n", "tiers:\n  1: {criteria: {verification: {gated: true}, coupling: {enabled: false}}}\n"
)
CHANGE = "Handoff: overall threshold 80 becomes 85"


def page_of(version: PolicyVersion, name: str = "change") -> str:
    """The address of a page of a version."""
    return f"{LIST}{version.pk}/{name}/"


@pytest.fixture
def author() -> Visitor:
    """Who writes drafts, and has all rights."""
    return Visitor("add_policyversion", "add_policyactivation", name="ada")


@pytest.fixture
def second() -> Visitor:
    """Another person with all rights."""
    return Visitor("add_policyversion", "add_policyactivation", name="grace")


@pytest.fixture
def draft(author: Visitor) -> PolicyVersion:
    """A draft that the author stored."""
    return governing.apply_text(STRICTER, author=f"{author.user.pk} ada", note="Ask for more.")


def agreed(version: PolicyVersion, reason: str = "Agreed.") -> dict[str, Any]:
    """The form that activates, as it was shown."""
    return {"reason": reason, "instead_of": evaluation.in_force().pk}


def test_the_list_tells_state_author_and_activations(draft: PolicyVersion) -> None:
    page = Visitor(name="eve").get(LIST)

    for said in ("draft", "in force", "Ask for more.", "delivered with the product", "never", "once"):
        assert said in page
    assert "New draft" not in page
    assert "New draft" in Visitor("add_policyversion", name="joan").get(LIST)


def test_a_draft_shows_what_differs_from_the_version_in_force(draft: PolicyVersion) -> None:
    page = Visitor(name="eve").get(page_of(draft))

    assert "What changes from default v1" in page
    assert CHANGE in page
    assert "Tier 1, Deployment verification: gated now" in page
    assert "It was never in force." in page
    assert ">Activate" not in page
    assert "Start a draft" not in page


def test_the_version_in_force_shows_what_changed_when_it_came(draft: PolicyVersion, second: Visitor) -> None:
    second.post(page_of(draft, "activate"), **agreed(draft))
    page = second.get(page_of(draft))

    assert "What changes from default v1" in page
    assert CHANGE in page
    assert f"{second.user.pk} grace" in page


def test_another_version_can_be_chosen_to_compare_with(draft: PolicyVersion, second: Visitor) -> None:
    third = governing.apply_text(
        STRICTER.replace("overall: 85", "overall: 90"), author="1 ada", note="More still."
    )
    page = second.get(page_of(third), against=draft.pk, tier=1)

    assert "Handoff: overall threshold 85 becomes 90" in page
    assert "gated now" not in page
    assert "They say the same." in second.get(page_of(third), against=third.pk)
    assert "What changes from default v1" in second.get(page_of(third), against="nonsense")


def test_weights_and_gates_of_all_tiers_stand_side_by_side(draft: PolicyVersion, second: Visitor) -> None:
    page = second.get(page_of(draft))
    rows = {
        re.sub("<.*?>", "", title): [re.sub(r"\s+", " ", re.sub("<.*?>", "", cell)).strip() for cell in cells]
        for title, cells in (
            (row[0], re.findall("<td>(.*?)</td>", row[1]))
            for row in re.findall(
                '<tr><th scope="row">(.*?)</th>(.*?)</tr>', page[page.index("Tiers at a glance") :]
            )
        )
    }
    assert rows["Defects"] == ["20, gate at 70"] * 4
    assert rows["Deployment verification"] == ["not weighed, gate at 70 ! own", *["only shown"] * 3]
    assert rows["Loosely coupled architecture"] == ["off ! own", *["10, gate at 70"] * 3]


def test_a_second_person_sees_the_changes_says_why_and_activates(
    draft: PolicyVersion, second: Visitor
) -> None:
    assert f'href="{page_of(draft, "activate")}"' in second.get(page_of(draft))
    asked = second.get(page_of(draft, "activate"))
    assert CHANGE in asked
    assert "This version was not simulated." in asked

    said = second.post(page_of(draft, "activate"), **agreed(draft))

    assert "default v2 is in force. The fleet is being evaluated under it" in said
    assert evaluation.in_force() == draft
    record = draft.activations.get()
    assert (record.actor, record.reason) == (f"{second.user.pk} grace", "Agreed.")
    assert Evaluation.objects.get().policy == draft


def test_the_latest_simulation_that_ended_is_named(draft: PolicyVersion, second: Visitor) -> None:
    for day, state in ((3, "done"), (2, "done"), (1, "failed")):
        Simulation.objects.create(
            kind="simulation", policy=draft, baseline=evaluation.in_force(), since=ago(days=100 + day),
            until=NOW, every_days=7, steps=1, state=state, requested_by="1 ada", started_at=ago(days=day),
            finished_at=ago(days=day), due_at=NOW,
        )  # fmt: skip
    page = second.get(page_of(draft, "activate"))

    assert f"Simulated from {ago(days=102):%Y-%m-%d}" in page
    assert "compared with default v1" in page


def test_the_author_is_told_why_they_cannot_activate(draft: PolicyVersion, author: Visitor) -> None:
    page = author.get(page_of(draft))
    assert page_of(draft, "activate") not in page
    assert "There is no “Activate” here: default v2 is yours" in page
    assert "default v2 is yours" in author.get(page_of(draft, "activate"))

    refused = author.post(page_of(draft, "activate"), **agreed(draft))
    assert "default v2 is yours" in refused
    assert evaluation.in_force().version == 1


def test_an_activation_without_a_reason_is_refused(draft: PolicyVersion, second: Visitor) -> None:
    page = second.post(page_of(draft, "activate"), **agreed(draft, reason=" "))
    assert "This field is required" in page
    assert evaluation.in_force().version == 1


def test_who_is_overtaken_is_told_and_sees_the_changes_anew(draft: PolicyVersion, second: Visitor) -> None:
    form = agreed(draft)
    other = governing.apply_text(
        DEFAULT.replace("window_days: 180", "window_days: 90"), author="9 x", note=""
    )
    governing.activate(other, actor="8 y", reason="Meanwhile.")
    page = second.post(page_of(draft, "activate"), **form)

    assert "Somebody put default v3 in force meanwhile, in place of default v1." in page
    assert "Window in days 90 becomes 180" in page
    assert f'name="instead_of" value="{other.pk}"' in page
    assert evaluation.in_force() == other


def test_an_older_version_can_be_activated_again(draft: PolicyVersion, second: Visitor) -> None:
    first = evaluation.in_force()
    governing.activate(draft, actor="8 y", reason="Agreed.")
    assert "Activate again" in second.get(page_of(first))
    second.post(page_of(first, "activate"), **agreed(first, reason="Too strict."))
    assert evaluation.in_force() == first


def test_a_draft_begins_from_a_version_and_is_stored_with_author_and_note(author: Visitor) -> None:
    first = evaluation.in_force()
    page = author.get(f"{LIST}draft/", **{"from": first.pk})
    assert "Begun from default v1" in page
    assert "open_load: {weight: 40" in page
    assert "/api/v1/policies/schema/" in page

    said = author.post(f"{LIST}draft/", text=STRICTER.replace("\n", "\r\n"), note="Ask for more.")

    version = PolicyVersion.objects.get(version=2)
    assert "default v2 is stored as a draft" in said
    assert CHANGE in said
    assert (version.text, version.note) == (STRICTER, "Ask for more.")
    assert version.author == f"{author.user.pk} ada"


def test_a_mistake_is_named_with_its_line_and_what_was_typed_is_kept(author: Visitor) -> None:
    wrong = STRICTER.replace("window_days: 180", "windowdays: 180")
    page = author.post(f"{LIST}draft/", text=wrong, note="A note worth keeping.")

    assert "line 4: windowdays: there is no such term" in page
    assert '<span class="rd-bad"> 4 windowdays: 180</span>' in page
    assert page.count("windowdays: 180") == 2  # near the mistake, and in the form
    assert "A note worth keeping." in page
    assert PolicyVersion.objects.filter(version=2).count() == 0


def upload(visitor: Visitor, content: bytes, **more: str) -> str:
    """The page that an uploaded file leads to."""
    file = SimpleUploadedFile("policy.yaml", content)
    return text(
        visitor.client.post(f"{LIST}draft/", {"file": file, "note": "As a file.", **more}, follow=True)
    )


def test_a_file_takes_the_place_of_the_text(author: Visitor) -> None:
    assert "default v2 is stored as a draft" in upload(author, STRICTER.encode(), text="not this")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\n\xff\xfe", "Line 2 is not a text in UTF-8"),
        (b"#" * 900_000, "at most 200000 characters"),
        (b"gossip: [", "this is not YAML"),
        (DEFAULT.encode(), "default v1 says the same already"),
    ],
)
def test_a_file_that_cannot_be_a_draft_is_refused_in_words(
    author: Visitor, content: bytes, said: str
) -> None:
    assert said in upload(author, content)
    assert PolicyVersion.objects.filter(version=2).count() == 0


def test_a_file_with_a_mistake_stands_in_the_form_to_be_mended(author: Visitor) -> None:
    page = upload(author, STRICTER.replace("window_days: 180", "windowdays: 180").encode())
    assert page.count("windowdays: 180") == 2


def test_nothing_typed_is_asked_for(author: Visitor) -> None:
    assert "Type or paste a policy" in author.post(f"{LIST}draft/", text=" ", note="Empty.")


@pytest.mark.parametrize("key", ["nonsense", "_5F1", "9" * 30, "0"])
def test_an_address_that_names_no_version_is_not_found(second: Visitor, key: str) -> None:
    assert second.client.get(f"{LIST}{key}/change/").status_code == 404


@pytest.fixture
def unreadable(draft: PolicyVersion) -> PolicyVersion:
    """A draft as another release stored it: this one knows no criterion of that name."""
    PolicyVersion.objects.filter(pk=draft.pk).update(text=STRICTER.replace("coupling:", "cohesion:"))
    return draft


def test_a_version_that_cannot_be_read_says_so_and_keeps_its_text(
    unreadable: PolicyVersion, second: Visitor
) -> None:
    page = second.get(page_of(unreadable))

    assert page.count("default v2 cannot judge any more: line ") == 3  # at its head, no comparison, no button
    assert "there is no criterion cohesion" in page
    assert " cohesion: weight: 10" in page
    assert "Tiers at a glance" not in page
    assert page_of(unreadable, "activate") not in page
    assert "default v2 cannot judge any more" in second.get(page_of(unreadable, "activate"))
    # another version stays readable, also beside it
    assert "not compared" in second.get(page_of(evaluation.in_force()), against=unreadable.pk)


def test_a_version_in_force_that_cannot_be_read_can_be_replaced(
    draft: PolicyVersion, second: Visitor
) -> None:
    PolicyVersion.objects.filter(version=1).update(text="name: of-another-time")
    asked = second.get(page_of(draft, "activate"))
    assert "default v1 cannot judge any more" in asked
    assert "Activate default v2</button>" in asked

    second.post(page_of(draft, "activate"), **agreed(draft))
    assert evaluation.in_force() == draft


@pytest.mark.parametrize("method", ["get", "post"])
def test_drafts_and_activations_take_their_rights(draft: PolicyVersion, method: str) -> None:
    visitor = Visitor(name="eve")
    for address in (f"{LIST}draft/", page_of(draft, "activate")):
        assert getattr(visitor.client, method)(address).status_code == 403
    assert evaluation.in_force().version == 1


@pytest.mark.parametrize("number", [2, 30])
def test_list_and_page_take_as_many_queries_for_many_versions_as_for_few(
    second: Visitor, number: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    version = evaluation.in_force()
    for overall in range(number):
        version = governing.apply_text(
            DEFAULT.replace("overall: 80\n", f"overall: {overall}\n"), author="1 x", note=""
        )
        governing.activate(version, actor="2 y", reason="Next.")
    second.get(LIST)  # warms caches
    # session, user and rights, notices, and the rows with their count
    with django_assert_max_num_queries(9):
        second.get(LIST)
    # the same, and the version with its activations, the others, what it replaced
    with django_assert_max_num_queries(12):  # with what reviews missed
        second.get(page_of(version))
