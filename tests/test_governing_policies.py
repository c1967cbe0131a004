"""Rules are changed safely: drafts are numbered, a second person activates them, old judgements stay."""

from typing import Any

import pytest

from readiness import clock, evaluation, governing
from readiness.models import CurrentScore, PolicyActivation, PolicyVersion, Scorecard
from readiness.policy import PolicyError
from tests.factories import FeedFactory, ServiceFactory
from tests.judging import DEFAULT

pytestmark = pytest.mark.django_db

STRICTER = DEFAULT.replace("overall: 80\n", "overall: 85\n")
ADA, GRACE = "1 Ada Lovelace", "2 Grace Hopper"


@pytest.fixture
def draft() -> PolicyVersion:
    """A draft that Ada made, beside the delivered policy that is in force."""
    return governing.apply_text(STRICTER, author=ADA, note="Ask for more.")


def in_force() -> list[str]:
    """What stands in force."""
    return [str(version) for version in PolicyVersion.objects.filter(in_force=True)]


def states() -> dict[int, str]:
    """The state of each version."""
    versions: Any = PolicyVersion.objects.with_state()
    return {each.version: each.state for each in versions}


def test_a_text_becomes_the_next_version_and_changes_nothing_yet(draft: PolicyVersion) -> None:
    assert (draft.name, draft.version, draft.author, draft.note) == ("default", 2, ADA, "Ask for more.")
    assert draft.text == STRICTER
    assert in_force() == ["default v1"]
    assert not draft.activations.exists()
    assert states() == {1: "in_force", 2: "draft"}


def test_another_name_is_another_policy_with_numbers_of_its_own(draft: PolicyVersion) -> None:
    other = governing.apply_text(DEFAULT.replace("name: default", "name: strict"), author=ADA, note="")
    third = governing.apply_text(DEFAULT.replace("overall: 80\n", "overall: 86\n"), author=ADA, note="")
    assert (str(other), str(third)) == ("strict v1", "default v3")


@pytest.mark.parametrize(
    ("text", "version"), [(STRICTER + "# but for a remark\n", "default v2"), (DEFAULT, "default v1")]
)
def test_a_text_that_says_what_is_stored_already_is_refused(
    draft: PolicyVersion, text: str, version: str
) -> None:
    with pytest.raises(PolicyError, match=f"{version} says the same already"):
        governing.apply_text(text, author=GRACE, note="")
    assert PolicyVersion.objects.count() == 2


def test_a_text_with_a_mistake_is_refused_with_its_line() -> None:
    with pytest.raises(PolicyError, match="window_days") as refused:
        governing.apply_text(DEFAULT.replace("window_days: 180", "window_days: -1"), author=ADA, note="")
    assert refused.value.line == 4
    assert not PolicyVersion.objects.exists()


def test_another_person_activates_and_it_is_on_record(draft: PolicyVersion) -> None:
    run = governing.activate(draft, actor=GRACE, reason=" Agreed. ")

    assert in_force() == ["default v2"]
    record = draft.activations.get()
    assert (record.actor, record.reason) == (GRACE, "Agreed.")
    assert (run.policy_id, run.kind, run.state) == (draft.pk, "live", "done")
    assert states() == {1: "past", 2: "in_force"}


@pytest.mark.parametrize(
    "actor", [ADA, "1 Ada King", "Ada Lovelace", "ada  lovelace"], ids=["same", "renamed", "by name", "typed"]
)
def test_the_author_does_not_activate_it(draft: PolicyVersion, actor: str) -> None:
    with pytest.raises(governing.ActivationError, match="somebody other than its author"):
        governing.activate(draft, actor=actor, reason="I am sure.")
    assert in_force() == ["default v1"]
    assert not draft.activations.exists()


def test_a_site_may_let_one_person_do_both(draft: PolicyVersion, settings: Any) -> None:
    settings.POLICY_NEEDS_TWO_PEOPLE = False
    governing.activate(draft, actor=ADA, reason="There is nobody else.")
    assert in_force() == ["default v2"]


def test_a_namesake_with_a_log_in_of_their_own_is_another_person(draft: PolicyVersion) -> None:
    governing.activate(draft, actor="3 Ada Lovelace", reason="Agreed.")
    assert in_force() == ["default v2"]


def test_an_activation_needs_a_reason(draft: PolicyVersion) -> None:
    with pytest.raises(governing.ActivationError, match="Say why"):
        governing.activate(draft, actor=GRACE, reason="  ")
    assert in_force() == ["default v1"]


def test_what_is_in_force_is_not_activated_again(draft: PolicyVersion) -> None:
    with pytest.raises(governing.ActivationError, match="in force already"):
        governing.activate(evaluation.in_force(), actor=GRACE, reason="Once more.")
    assert PolicyActivation.objects.count() == 1


def test_a_version_that_this_release_cannot_read_is_not_activated(draft: PolicyVersion) -> None:
    PolicyVersion.objects.filter(pk=draft.pk).update(text=STRICTER.replace("coupling:", "cohesion:"))
    draft.refresh_from_db()
    with pytest.raises(governing.ActivationError, match="cannot judge any more: line"):
        governing.activate(draft, actor=GRACE, reason="Agreed.")
    assert in_force() == ["default v1"]


def test_an_older_version_is_activated_again_to_roll_back(draft: PolicyVersion) -> None:
    first = evaluation.in_force()
    governing.activate(draft, actor=GRACE, reason="Agreed.")
    first.refresh_from_db()
    governing.activate(first, actor=GRACE, reason="Too strict.")

    assert in_force() == ["default v1"]
    assert [record.reason for record in first.activations.all()] == [
        "Too strict.",
        "the first policy of a new site",
    ]


def test_who_looked_at_another_version_in_force_is_told_and_nothing_changes(draft: PolicyVersion) -> None:
    seen = evaluation.in_force()
    other = governing.apply_text(DEFAULT.replace("overall: 80\n", "overall: 70\n"), author=ADA, note="")
    governing.activate(other, actor=GRACE, reason="Less.")
    with pytest.raises(governing.ActivationError, match="Somebody put default v3 in force meanwhile"):
        governing.activate(draft, actor=GRACE, reason="More.", instead_of=seen)
    assert in_force() == ["default v3"]
    assert not draft.activations.exists()


def test_current_scores_follow_and_old_scorecards_stay_as_they_were(draft: PolicyVersion) -> None:
    for service in ServiceFactory.create_batch(3, developer_managed=True):
        FeedFactory.create(service=service, kind="defect")
    evaluation.run(evaluation.request(clock.now()))
    before = list(Scorecard.objects.order_by("pk").values())
    assert {row["policy_id"] for row in before} == {evaluation.in_force().pk}

    evaluation.run(governing.activate(draft, actor=GRACE, reason="Agreed."))

    assert (
        list(Scorecard.objects.filter(pk__in=[row["id"] for row in before]).order_by("pk").values()) == before
    )
    current = CurrentScore.objects.values_list("scorecard__policy", flat=True)
    assert list(current) == [draft.pk] * 3


def test_a_run_under_the_old_policy_that_ends_late_does_not_become_current(draft: PolicyVersion) -> None:
    ServiceFactory.create(developer_managed=True)
    late = evaluation.request(clock.now())
    evaluation.run(governing.activate(draft, actor=GRACE, reason="Agreed."))
    for batch in late.batches.all():
        evaluation.run_batch(batch.pk)

    assert Scorecard.objects.count() == 2
    assert CurrentScore.objects.get().scorecard.policy_id == draft.pk
