"""An SRE lead overrides a verdict with a written reason, which stays visible; nobody else does."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from handoff import actions, guards
from handoff.actions import InvalidError, MovedError, NotAllowedError
from handoff.checklists import SETTLED, Measure, Outcome, Override, Side, may_cover, with_override
from handoff.checklists.measuring import MEASURES
from handoff.checklists.overriding import JUDGED
from handoff.models import Case, OverrideEnd, Review, VerdictOverride
from readiness import clock
from readiness.models import ManagementChange, Scorecard, Service
from tests.admin_pages import FLEET, Visitor, exported, listed, page_of
from tests.factories import ServiceFactory
from tests.handing_back import unheard
from tests.rest import ROOT, Asker
from tests.reviewing import READY, UNREADY, Desk, item, numbers

pytestmark = pytest.mark.django_db
WHY = "The client goes live on Monday; we watch it by hand."
SEV1 = [["open_sev1_defect", "defects", False, ["tracker:1"], {}]]
DAY = dt.timedelta(days=1)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A service whose telemetry is not ready for its launch."""
    desk = Desk(monkeypatch)
    desk.judge(numbers(UNREADY))
    return desk


def whole() -> dict[str, Any]:
    """As a service's page shows it: all of a document, with that verdict."""
    return {**unheard(), **{name: numbers(UNREADY)[name] for name in ("verdicts", "standing")}}


def overridden(desk: Desk) -> Review:
    review = desk.open()
    actions.override_verdict(review, by=desk.lead, reason=WHY)
    return review


def signed(desk: Desk) -> Review:
    review = desk.attested(overridden(desk))
    actions.sign_review(review, side=Side.DEVELOPERS, by=desk.developer)
    actions.sign_review(review, side=Side.OPERATIONS, by=desk.engineer)
    actions.sign_review(review, side=Side.MANAGER, by=desk.manager)
    review.refresh_from_db()
    return review


# What it settles -------------------------------------------------------------------------------------


def test_measured_items_of_the_scorecard_are_settled_and_it_is_on_record_why(desk: Desk) -> None:
    review = desk.attested(desk.open())
    with pytest.raises(InvalidError, match="Its telemetry is ready for launch"):
        actions.sign_review(review, side=Side.DEVELOPERS, by=desk.developer)
    made = actions.override_verdict(review, by=desk.lead, reason=f" {WHY} ")
    assert (made.verdict, made.reason, made.at) == ("not_ready", WHY, desk.now)
    assert made.actor == f"{desk.lead.pk} lead"
    assert "41" in made.reasons[0]
    assert made.scorecard == Scorecard.objects.latest("pk")
    assert made.items == ["launch_verdict"]
    mine = item(review, "launch_verdict")
    assert mine.outcome == "overridden"
    assert f"overridden by {made.actor}" in mine.says
    assert mine.history.latest("pk").scorecard == made.scorecard
    before = (made.scorecard.numbers, made.scorecard.digest)
    made.scorecard.refresh_from_db()
    assert (made.scorecard.numbers, made.scorecard.digest) == before


def test_attested_items_the_catalogue_and_what_opens_later_stay_as_they_are(desk: Desk) -> None:
    Service.objects.filter(pk=desk.service.pk).update(description="")
    review = desk.open()
    actions.override_verdict(review, by=desk.lead, reason=WHY)
    assert item(review, "description").outcome == "not_met"
    assert item(review, "load_tested").outcome == "open"
    desk.judge(numbers(UNREADY, blockers=SEV1))
    actions.follow_reviews()
    assert item(review, "no_open_sev1").outcome == "not_met"
    assert item(review, "launch_verdict").outcome == "overridden"
    desk.judge()
    actions.follow_reviews()
    assert item(review, "launch_verdict").outcome == "met"


def test_a_manager_signs_third_and_then_it_launches(desk: Desk) -> None:
    review = desk.attested(overridden(desk))
    actions.sign_review(review, side=Side.DEVELOPERS, by=desk.developer)
    actions.sign_review(review, side=Side.OPERATIONS, by=desk.engineer)
    assert Review.objects.get().state == "open"
    actions.sign_review(review, side=Side.MANAGER, by=desk.manager)
    review.refresh_from_db()
    assert review.state == "signed"
    desk.now += DAY
    desk.judge(numbers(UNREADY, blockers=SEV1))
    with pytest.raises(InvalidError, match="No defect of severity 1 is open"):
        actions.launch(review, by=desk.developer)
    desk.judge(numbers(UNREADY))
    actions.launch(review, by=desk.developer)
    assert Service.objects.get(pk=desk.service.pk).lifecycle == "live"


def test_taken_back_the_verdict_counts_again_and_both_words_stay(desk: Desk) -> None:
    review = overridden(desk)
    actions.take_back_override(review, by=desk.lead, reason="They mend it first.")
    assert item(review, "launch_verdict").outcome == "not_met"
    with pytest.raises(MovedError, match="not overridden"):
        actions.take_back_override(review, by=desk.lead, reason="Again.")
    again = actions.override_verdict(review, by=desk.lead, reason="They cannot.")
    assert item(review, "launch_verdict").outcome == "overridden"
    assert [each.reason for each in review.overrides.order_by("pk")] == [WHY, "They cannot."]
    assert list(VerdictOverride.objects.standing()) == [again]
    assert OverrideEnd.objects.get().reason == "They mend it first."


@given(
    st.sampled_from(sorted(MEASURES)), st.sampled_from([o for o in Outcome if o is not Outcome.OVERRIDDEN])
)
def test_an_override_changes_only_what_the_scorecard_keeps_open(source: str, outcome: Outcome) -> None:
    found = Measure(outcome, "It says so.")
    covered = may_cover(source, found)
    assert covered == (source in JUDGED and outcome not in SETTLED)
    given_to = Override("5 Lena", [source] if covered else [])
    became = with_override(source, found, given_to)
    assert (became.outcome is Outcome.OVERRIDDEN) == covered
    assert covered or became == found
    assert with_override(source, found, None) == found
    assert {"owner_team", "ops_team", "description", "links", "room", "incidents_reviewed"}.isdisjoint(JUDGED)


# Who may, and when -----------------------------------------------------------------------------------


def _case(desk: Desk, proposer: User) -> None:
    Case.objects.create(
        service=desk.service,
        kind="handback",
        handback_kind="repair",
        trigger="person",
        reason="It is time.",
        proposer=f"{proposer.pk} {proposer.username}",
        proposer_side="ops",
        opened_at=desk.now,
    )


def _opened_by_lead(desk: Desk) -> None:
    Review.objects.update(opened_by=f"{desk.lead.pk} lead")


def _signed_by_lead(desk: Desk) -> None:
    review = desk.attested(Review.objects.get())
    desk.judge()
    actions.sign_review(review, side=Side.OPERATIONS, by=desk.lead)
    desk.judge(numbers(UNREADY))


@pytest.mark.parametrize(
    ("first", "who", "why"),
    [
        (lambda desk: None, "developer", "Only an SRE lead"),
        (lambda desk: None, "engineer", "Only an SRE lead"),
        (lambda desk: None, "manager", "Only an SRE lead"),
        (_opened_by_lead, "lead", "Who opened a review"),
        (lambda desk: _case(desk, desk.lead), "lead", "Who proposed the case"),
        (_signed_by_lead, "lead", "Who signed a review"),
    ],
)
def test_who_may_not_override_is_told_why(
    desk: Desk, first: Callable[[Desk], None], who: str, why: str
) -> None:
    review = desk.open()
    first(desk)
    review.refresh_from_db()
    with pytest.raises(NotAllowedError, match=why):
        actions.override_verdict(review, by=getattr(desk, who), reason=WHY)
    assert why in actions.override_obstacle(review, getattr(desk, who))
    assert not VerdictOverride.objects.exists()


def test_the_overrider_does_not_sign_and_only_a_lead_takes_it_back(desk: Desk) -> None:
    review = overridden(desk)
    with pytest.raises(NotAllowedError, match="Who overrode the verdict does not sign"):
        actions.sign_review(review, side=Side.OPERATIONS, by=desk.lead)
    with pytest.raises(NotAllowedError, match="An SRE lead takes"):
        actions.take_back_override(review, by=desk.engineer, reason="No.")
    with pytest.raises(InvalidError, match="Say why"):
        actions.take_back_override(review, by=desk.lead, reason=" ")
    with pytest.raises(MovedError, match="overridden already"):
        actions.override_verdict(review, by=desk.lead, reason="Once more.")


def test_there_must_be_a_reason_and_a_fresh_verdict_that_is_not_ready(desk: Desk) -> None:
    review = desk.open()
    with pytest.raises(InvalidError, match="Say why"):
        actions.override_verdict(review, by=desk.lead, reason=" \n")
    desk.judge(numbers(READY))
    with pytest.raises(InvalidError, match="launch verdict is ready"):
        actions.override_verdict(review, by=desk.lead, reason=WHY)
    desk.judge(numbers(None))
    with pytest.raises(InvalidError, match="no launch verdict"):
        actions.override_verdict(review, by=desk.lead, reason=WHY)
    desk.judge(numbers(UNREADY))
    desk.now += 10 * DAY
    with pytest.raises(InvalidError, match="too old"):
        actions.override_verdict(review, by=desk.lead, reason=WHY)
    assert not VerdictOverride.objects.exists()


def test_once_the_review_is_signed_or_ended_nothing_is_overridden_or_taken_back(desk: Desk) -> None:
    review = signed(desk)
    for act in (actions.override_verdict, actions.take_back_override):
        with pytest.raises(MovedError, match="signed by now"):
            act(review, by=desk.lead, reason=WHY)
    actions.withdraw_review(review, by=desk.lead)
    with pytest.raises(MovedError, match="withdrawn by now"):
        actions.override_verdict(review, by=desk.lead, reason=WHY)


def test_the_database_keeps_every_word_and_refuses_one_without_a_reason(desk: Desk) -> None:
    made = overridden(desk).overrides.get()
    actions.take_back_override(made.review, by=desk.lead, reason="No.")
    for model in (VerdictOverride, OverrideEnd):
        table = model._meta.db_table
        for statement in (f"UPDATE {table} SET reason = 'because'", f"DELETE FROM {table}"):
            with (
                pytest.raises(DatabaseError, match=guards.REFUSAL),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)
    made.pk, made.reason = None, ""
    with pytest.raises(IntegrityError), transaction.atomic():
        made.save(force_insert=True)


# Where it is seen ------------------------------------------------------------------------------------


def _marked(visitor: Visitor, **query: str) -> list[str]:
    return listed(visitor.get(FLEET, overridden="yes", **query))


def _change(service: Service, state: str, way: str) -> None:
    ManagementChange.objects.create(
        service=service, state=state, effective_at=clock.now(), way=way, actor="rule: test v1",
        recorded_at=clock.now(),
    )  # fmt: skip


def test_it_stands_in_the_fleet_list_until_the_next_handoff_or_handback(desk: Desk) -> None:
    ServiceFactory.create(slug="other")
    visitor = Visitor(name="eve")
    review = desk.attested(desk.open())
    assert _marked(visitor) == []
    actions.override_verdict(review, by=desk.lead, reason=WHY)
    page = visitor.get(FLEET)
    assert page.count(f'title="{WHY}"') == 1
    assert _marked(visitor) == ["pay"]
    assert listed(visitor.get(FLEET, overridden="no")) == ["other"]
    actions.take_back_override(review, by=desk.lead, reason="No.")
    assert _marked(visitor) == []
    actions.override_verdict(review, by=desk.lead, reason=WHY)
    for side, who in (
        ("developers", desk.developer),
        ("operations", desk.engineer),
        ("manager", desk.manager),
    ):
        actions.sign_review(review, side=Side(side), by=who)
    actions.launch(review, by=desk.developer)
    assert _marked(visitor) == ["pay"]
    rows = exported(visitor, FLEET).getvalue().decode()
    assert WHY in rows
    desk.now += DAY
    _change(desk.service, "ops_managed", "handoff")
    assert _marked(visitor) == []


@pytest.mark.parametrize(("state", "shown"), [("used", True), ("signed", True), ("lapsed", False)])
def test_a_handoff_review_carries_the_handoff_that_it_led_to(desk: Desk, state: str, shown: bool) -> None:
    visitor = Visitor(name="eve")
    ended = None if state == "signed" else desk.now
    Review.objects.filter(pk=overridden(desk).pk).update(
        kind="handoff", state=state, signed_at=desk.now, ended_at=ended
    )
    assert (_marked(visitor) == ["pay"]) == shown
    desk.now += 14 * DAY
    _change(desk.service, "ops_managed", "handoff")
    assert (_marked(visitor) == ["pay"]) == shown
    desk.now += DAY
    _change(desk.service, "developer_managed", "handback_repair")
    assert (_marked(visitor) == ["pay"]) == (state == "signed")


@pytest.mark.parametrize("number", [1, 30])
def test_the_fleet_list_and_the_service_page_take_no_more_queries_for_it(desk: Desk, number: int) -> None:
    desk.judge(whole())
    made = overridden(desk).overrides.get()
    card = made.scorecard
    for each in range(number - 1):
        other = ServiceFactory.create(slug=f"svc-{each}", pre_launch=True)
        mine = Review.objects.create(
            service=other, kind="launch", checklist="default", checklist_version=1, lapse_days=90,
            opened_by="1 Ada", opened_at=desk.now,
        )  # fmt: skip
        VerdictOverride.objects.create(
            review=mine, service=other, verdict="not_ready", scorecard=card, actor="5 Lena", reason=WHY,
            at=desk.now,
        )  # fmt: skip
    visitor, asker = Visitor(name="eve"), Asker(name="bob")
    with CaptureQueriesContext(connection) as queries:
        assert visitor.get(FLEET).count(f'title="{WHY}"') == number
    assert len(queries) <= 10
    with CaptureQueriesContext(connection) as queries:
        visitor.get(page_of(desk.service))
    assert len(queries) <= 20
    with CaptureQueriesContext(connection) as queries:
        assert len(asker.rows("reviews/", page_size=500)) == number
    assert len(queries) == 5


def test_pages_show_the_reason_and_the_buttons_lead_there(desk: Desk) -> None:
    desk.judge(whole())
    review = desk.open()
    page = reverse("admin:handoff_review_change", args=[review.pk])
    assert "Override the verdict: Only an SRE lead overrides a verdict." in Visitor(name="eve").get(page)
    visitor = Visitor(name="eva")
    visitor.client.force_login(desk.lead)
    assert "Override the verdict</button>" in visitor.get(page)
    act = reverse("admin:handoff_review_act", args=[review.pk, "override"])
    assert "Say why" in visitor.post(act)
    shown = visitor.post(act, reason=WHY)
    assert "accepted by override" in shown
    assert "Sign for manager" in shown
    printed = visitor.get(reverse("admin:handoff_review_print", args=[review.pk]))
    of_service = visitor.get(page_of(desk.service))
    for said in (shown, printed):
        assert WHY in said
        assert f"overridden by {desk.lead.pk} lead" in said
    assert of_service.count(f'title="{WHY}"') == 2  # who runs it, and the review
    assert WHY in visitor.get(reverse("admin:handoff_review_changelist"))
    back = reverse("admin:handoff_review_act", args=[review.pk, "take-back"])
    assert "Taken back by" in visitor.post(back, reason="They mend it.")


def _post(user: User, path: str, status: int, /, **body: Any) -> dict[str, Any]:
    client = APIClient()
    client.force_authenticate(user)
    response = client.post(f"{ROOT}reviews/{path}", body, format="json")
    assert response.status_code == status, response.content
    return dict(response.json())


def test_over_rest_it_is_made_shown_and_taken_back(desk: Desk) -> None:
    key = desk.open().pk
    assert _post(desk.lead, f"{key}/override/", 400)["errors"][0]["field"] == "reason"
    assert _post(desk.lead, f"{key}/override/", 400, reason=WHY, raeson="x")["errors"]
    assert _post(desk.engineer, f"{key}/override/", 403, reason=WHY)["status"] == 403
    (told,) = _post(desk.lead, f"{key}/override/", 200, reason=WHY)["overrides"]
    assert (told["verdict"], told["reason"], told["items"]) == ("not_ready", WHY, ["launch_verdict"])
    assert told["taken_back"] is None
    assert _post(desk.lead, f"{key}/override/", 409, reason=WHY)["state"] == "open"
    (told,) = _post(desk.lead, f"{key}/take-back-override/", 200, reason="No.")["overrides"]
    assert told["taken_back"]["reason"] == "No."
