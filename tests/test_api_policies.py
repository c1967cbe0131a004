"""Policies over REST: who made and activated them, what differs between two, and the schema of a file."""

import pytest

from readiness import evaluation, governing
from readiness.models import PolicyVersion
from readiness.policy_schema import policy_schema
from tests.judging import DEFAULT
from tests.rest import Asker, fields

pytestmark = pytest.mark.django_db


@pytest.fixture
def versions() -> list[PolicyVersion]:
    """The delivered policy that was, a second in force, and a draft."""
    first = evaluation.in_force()
    texts = [DEFAULT.replace("overall: 80\n", f"overall: {overall}\n") for overall in (85, 90)]
    second, third = [governing.apply_text(text, author="1 ada", note="Ask for more.") for text in texts]
    governing.activate(second, actor="2 grace", reason="Agreed.")
    return [first, second, third]


def test_a_version_tells_who_made_it_and_when_it_was_put_in_force(versions: list[PolicyVersion]) -> None:
    rows = {row["version"]: row for row in Asker().rows("policies/")}

    assert (rows[2]["author"], rows[2]["note"], rows[2]["state"]) == ("1 ada", "Ask for more.", "in_force")
    (activation,) = rows[2]["activations"]
    assert (activation["actor"], activation["reason"]) == ("2 grace", "Agreed.")
    assert (rows[1]["state"], rows[3]["state"]) == ("past", "draft")
    assert rows[3]["activations"] == []


@pytest.mark.parametrize(
    ("state", "found"), [("draft", [3]), ("in_force", [2]), ("past", [1]), (["draft", "past"], [3, 1])]
)
def test_versions_are_found_by_state(
    versions: list[PolicyVersion], state: str | list[str], found: list[int]
) -> None:
    assert [row["version"] for row in Asker().rows("policies/", state=state)] == found


def test_an_unknown_state_is_refused() -> None:
    assert fields(Asker().problem("policies/", state="gone")) == ["state"]


def test_a_diff_is_against_the_version_in_force_unless_it_names_another(
    versions: list[PolicyVersion],
) -> None:
    asker = Asker()
    first, second, third = versions
    usual = asker.get(f"policies/{third.pk}/diff/")
    named = asker.get(f"policies/{second.pk}/diff/", against=first.pk)

    assert usual["old"] == {"name": "default", "version": 2}
    assert usual["new"] == {"name": "default", "version": 3}
    assert [change["text"] for change in usual["changes"]] == ["Handoff: overall threshold 85 becomes 90"]
    assert named["changes"] == [
        {
            "path": ["handoff", "overall"],
            "tier": None,
            "criterion": None,
            "part": None,
            "old": 80,
            "new": 85,
            "text": "Handoff: overall threshold 80 becomes 85",
        }
    ]
    assert asker.get(f"policies/{second.pk}/diff/")["changes"] == []


@pytest.mark.parametrize("query", [{"against": "0"}, {"against": "x"}, {"against": 2**70}, {"against": 77}])
def test_a_diff_against_what_is_not_there_is_refused(
    versions: list[PolicyVersion], query: dict[str, object]
) -> None:
    assert fields(Asker().problem(f"policies/{versions[0].pk}/diff/", **query)) == ["against"]


def test_what_another_release_stored_is_a_conflict_in_words(versions: list[PolicyVersion]) -> None:
    first, _, third = versions
    PolicyVersion.objects.filter(pk=third.pk).update(text=DEFAULT.replace("coupling:", "cohesion:"))
    asker = Asker()

    for path, query in (
        (f"policies/{third.pk}/", {}),
        (f"policies/{third.pk}/diff/", {}),
        (f"policies/{first.pk}/diff/", {"against": third.pk}),
    ):
        found = asker.problem(path, **query)
        assert found["status"] == 409
        assert found["detail"].startswith("default v3 cannot judge any more: line ")
    assert len(asker.rows("policies/")) == 3


def test_a_misspelt_parameter_is_refused(versions: list[PolicyVersion]) -> None:
    assert fields(Asker().problem(f"policies/{versions[0].pk}/diff/", agianst=1)) == ["agianst"]


def test_the_schema_of_a_policy_file_is_published() -> None:
    assert Asker().get("policies/schema/") == policy_schema()
