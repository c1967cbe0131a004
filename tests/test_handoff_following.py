"""What time and assessed pages make of handoffs: they lapse, stop, and end their back-up, each once."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from handoff import tasks
from handoff.actions.handing_off import end_review
from handoff.actions.handoff_following import FOLLOWING, follow_handoffs
from handoff.actions.shadow_pages import tallies, tally
from handoff.actions.shadowing import assess_page, stop
from handoff.decisions.passing import pass_time
from handoff.models import Case, Shadow, Transition, TransitionScorecard
from readiness import clock
from readiness.models import Service
from tests.factories import NOW, PageFactory, ServiceFactory, ShiftFactory
from tests.handing_back import DAY, Place
from tests.handing_off import Handover
from tests.handoff_rows import backed_up, handoff, shadowing

pytestmark = pytest.mark.django_db
TICK = dt.timedelta(microseconds=1)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Two teams, their people, and a clock to set."""
    return Place(monkeypatch)


def another(place: Place) -> Service:
    """A service of the same teams that nobody judged."""
    made: Service = ServiceFactory.create(owner=place.owner, ops_team=place.ops)
    return made


def paged(place: Place, shadow: Shadow, *, critical: bool = True, days: float = 1, **told: Any) -> None:
    """A page of a shadow so many days after its beginning, and what was said of it at once."""
    at = shadow.began_at + days * DAY
    page = PageFactory.create(service=shadow.case.service, paged_at=at, **told)
    shadow.case.assessments.create(page=page, critical=critical, actionable=True, actor="4 ola", at=at)


def last(case: Case) -> tuple[str, str, str, dt.datetime]:
    """The newest transition of a case: its move, state, actor and moment."""
    made = Transition.objects.filter(subject="case", subject_id=case.pk).latest("pk")
    return made.move, made.to_state, made.actor, made.at


def once(place: Place, *, at: dt.datetime) -> None:
    """The sweep finds nothing a moment before, one thing to do then, and nothing again."""
    place.now = at - TICK
    assert tasks.follow_handoffs() == 0
    place.now = at
    assert (tasks.follow_handoffs(), tasks.follow_handoffs()) == (1, 0)


# Sixty days ------------------------------------------------------------------------------------------


def test_a_handoff_lapses_with_its_review_60_days_after_its_first_shadow_began(place: Place) -> None:
    case = shadowing(place.service, at=NOW).case
    once(place, at=NOW + 60 * DAY)
    case.refresh_from_db()
    assert last(case) == ("lapse", "lapsed", FOLLOWING, NOW + 60 * DAY)
    assert case.ended_at == NOW + 60 * DAY
    shadow, review = case.shadows.get(), case.review
    assert (shadow.outcome, shadow.ended_at) == ("cut_short", NOW + 60 * DAY)
    assert review is not None
    assert (review.state, review.ended_at) == ("lapsed", NOW + 60 * DAY)


def test_it_counts_from_the_first_shadow_whether_or_not_another_runs(place: Place) -> None:
    case = shadowing(place.service, at=NOW).case
    stop(case, actor="4 ola", reason="Noise.", at=NOW + 20 * DAY)
    again = shadowing(another(place), at=NOW)
    stop(again.case, actor="4 ola", reason="Noise.", at=NOW + 20 * DAY)
    again.case.shadows.create(began_at=NOW + 50 * DAY, due_at=NOW + 64 * DAY)
    Case.objects.filter(pk=again.case_id).update(state="shadowing")

    place.now = NOW + 60 * DAY - TICK
    assert follow_handoffs() == 0
    place.now = NOW + 60 * DAY
    assert follow_handoffs() == 2
    assert {last(each)[1:] for each in (case, again.case)} == {("lapsed", FOLLOWING, NOW + 60 * DAY)}


def test_a_late_sweep_puts_the_60th_day_on_record_but_not_before_what_people_did(place: Place) -> None:
    late = shadowing(place.service, at=NOW).case
    went_on = shadowing(another(place), at=NOW).case
    stop(went_on, actor="4 ola", reason="Noise.", at=NOW + 61 * DAY)
    place.now = NOW + 70 * DAY
    assert follow_handoffs() == 2
    assert last(late)[-1] == NOW + 60 * DAY
    assert last(went_on)[-1] == NOW + 61 * DAY


def test_what_was_never_shadowed_waits_for_its_review_to_lapse(place: Place) -> None:
    case = handoff(place.service, "approved", at=NOW)
    place.now = NOW + 400 * DAY
    assert follow_handoffs() == 0
    case.refresh_from_db()
    assert case.state == "approved"


# Shadows that went badly -----------------------------------------------------------------------------


def test_a_shadow_with_too_many_bad_pages_is_stopped_once_it_is_due(place: Place) -> None:
    shadow = shadowing(place.service, at=NOW)
    for number in range(5):
        paged(place, shadow, critical=number > 1)
    once(place, at=shadow.due_at)
    shadow.refresh_from_db()
    assert (shadow.outcome, shadow.ended_at) == ("stopped", NOW + 14 * DAY)
    assert last(shadow.case) == ("stop", "approved", FOLLOWING, NOW + 14 * DAY)
    said = Transition.objects.filter(move="stop").get().reason
    assert said == "60 % of the assessed pages are critical: at least 80 % must be."


def test_the_second_one_ends_the_handoff_and_its_review(place: Place) -> None:
    shadow = shadowing(place.service, at=NOW)
    paged(place, shadow, critical=False)
    place.now = shadow.due_at
    follow_handoffs()
    second = shadow.case.shadows.create(began_at=place.now, due_at=place.now + 14 * DAY)
    Case.objects.update(state="shadowing")
    paged(place, second, critical=False)
    once(place, at=second.due_at)
    assert last(shadow.case) == ("lapse", "lapsed", FOLLOWING, second.due_at)
    review = Case.objects.get().review
    assert review is not None
    assert review.state == "lapsed"


def _good(place: Place, shadow: Shadow) -> None:
    for number in range(5):
        paged(place, shadow, critical=number > 0)


def _quiet(place: Place, shadow: Shadow) -> None:
    """No page came."""


def _unsaid(place: Place, shadow: Shadow) -> None:
    paged(place, shadow, critical=False)
    PageFactory.create(service=shadow.case.service, paged_at=NOW + 2 * DAY)


def _unturned(place: Place, shadow: Shadow) -> None:
    paged(place, shadow, critical=False)
    Shadow.objects.update(rota=["olga"])


def _said_again(place: Place, shadow: Shadow) -> None:
    paged(place, shadow, critical=False)
    first = shadow.case.assessments.get()
    shadow.case.assessments.create(
        page=first.page, critical=True, actionable=True, actor="5 otto", at=first.at + DAY
    )


@pytest.mark.parametrize("told", [_good, _quiet, _unsaid, _unturned, _said_again])
def test_what_went_well_or_is_not_finished_runs_on(place: Place, told: Any) -> None:
    shadow = shadowing(place.service, at=NOW)
    told(place, shadow)
    place.now = NOW + 59 * DAY
    assert follow_handoffs() == 0
    assert Case.objects.get().state == "shadowing"


def test_many_shadows_are_counted_as_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Handover(monkeypatch)
    first, second, drilled = (shadowing(another(place), at=place.now) for _ in range(3))
    Shadow.objects.filter(pk__in=[first.pk, drilled.pk]).update(rota=["olga", "otto"])
    paged(place, first)
    paged(place, first, critical=False, days=2)
    paged(place, first, drill=True)
    PageFactory.create(service=first.case.service, paged_at=first.began_at - TICK)
    PageFactory.create(service=second.case.service, paged_at=second.began_at, withdrawn=True)
    PageFactory.create(service=second.case.service, paged_at=second.began_at + 3 * DAY)
    paged(place, drilled, drill=True)
    ShiftFactory.create(
        service=second.case.service,
        person="otto",
        role="ops",
        starts_at=place.now + DAY,
        ends_at=place.now + 2 * DAY,
    )
    place.pass_time(5 * DAY)
    shadows = list(Shadow.objects.select_related("case__service").order_by("pk"))
    found = tallies(shadows, clock.now())
    assert found == {shadow.pk: tally(shadow) for shadow in shadows}
    assert [(each.pages, each.assessed, each.critical, each.drill) for each in found.values()] == [
        (2, 2, 1, False),
        (1, 0, 0, False),
        (1, 1, 1, True),
    ]


# Back-up ---------------------------------------------------------------------------------------------


def test_back_up_ends_at_its_moment_however_late_the_sweep_is(place: Place) -> None:
    case, late = backed_up(place.service, at=NOW), backed_up(another(place), at=NOW - 3 * DAY)
    once(place, at=NOW + 25 * DAY)
    once(place, at=NOW + 28 * DAY)
    for each, at in ((case, NOW + 28 * DAY), (late, NOW + 25 * DAY)):
        each.refresh_from_db()
        assert (each.state, each.ended_at) == ("completed", at)
        assert last(each) == ("complete", "completed", FOLLOWING, at)


def test_a_sweep_that_was_away_records_the_end_as_it_was_due(place: Place) -> None:
    case = backed_up(place.service, at=NOW)
    place.now = NOW + 36 * DAY
    assert follow_handoffs() == 1
    assert last(case)[-1] == NOW + 28 * DAY


# All of them -----------------------------------------------------------------------------------------


def test_a_case_that_breaks_does_not_stop_the_others(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, whole = (shadowing(service, at=NOW).case for service in (place.service, another(place)))

    def breaks(case: Case, *told: Any, **named: Any) -> None:
        if case == broken:
            raise RuntimeError("it breaks")
        end_review(case, *told, **named)

    monkeypatch.setattr("handoff.actions.handoff_following.end_review", breaks)
    place.now = NOW + 60 * DAY
    assert follow_handoffs() == 1
    states = dict(Case.objects.values_list("pk", "state"))
    assert states == {broken.pk: "shadowing", whole.pk: "lapsed"}
    assert not Transition.objects.filter(subject_id=broken.pk).exists(), "nothing of it stays"
    monkeypatch.undo()
    assert follow_handoffs(NOW + 60 * DAY) == 1


def test_many_handoffs_take_as_many_queries_as_few(place: Place) -> None:
    def add(number: int) -> None:
        for _ in range(number):
            paged(place, shadowing(another(place), at=NOW))
            backed_up(another(place), at=NOW)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert follow_handoffs() == 0
        return len(captured)

    add(2)
    place.now = NOW + 20 * DAY
    few = queries()
    add(8)
    assert queries() == few <= 9


# Recorded decisions ----------------------------------------------------------------------------------


def test_time_between_recorded_decisions_lapses_stops_and_completes_at_its_own_moments(place: Place) -> None:
    place.now = NOW + 200 * DAY
    began = {name: NOW + days * DAY for name, days in (("lapsed", 0), ("due", 10), ("said", 20))}
    shadows = {name: shadowing(another(place), at=at) for name, at in began.items()}
    paged(place, shadows["due"], critical=False)
    paged(place, shadows["said"], critical=False, days=17)
    over = backed_up(another(place), at=NOW + 30 * DAY)
    elsewhere = shadowing(another(place), at=NOW).case
    concerned = {over.service_id, *(each.case.service_id for each in shadows.values())}

    pass_time(concerned, began["lapsed"] + 60 * DAY - TICK)
    assert {name: last(each.case)[::3] for name, each in shadows.items() if name != "lapsed"} == {
        "due": ("stop", began["due"] + 14 * DAY),
        "said": ("stop", began["said"] + 18 * DAY),
    }
    assert last(over)[::3] == ("complete", NOW + 58 * DAY)
    assert Case.objects.get(pk=shadows["lapsed"].case_id).state == "shadowing"

    pass_time(concerned, began["lapsed"] + 60 * DAY)
    pass_time(concerned, place.now)
    assert last(shadows["lapsed"].case)[::3] == ("lapse", NOW + 60 * DAY)
    assert last(shadows["due"].case)[::3] == ("lapse", began["due"] + 60 * DAY)
    assert Case.objects.get(pk=elsewhere.pk).state == "shadowing", "it is not among them"
    count = Transition.objects.count()
    pass_time(concerned, place.now)
    assert Transition.objects.count() == count


def test_recorded_time_judges_what_it_moves_in_hindsight_and_looks_back_at_nothing(place: Place) -> None:
    case = backed_up(place.service, at=NOW)
    place.now = NOW + 200 * DAY
    pass_time({place.service.pk}, place.now)
    relied = TransitionScorecard.objects.get(transition__move="complete").scorecard
    assert (relied.kind, relied.at) == ("replay", NOW + 28 * DAY)
    assert not case.look_backs.exists()


def test_the_last_word_about_a_page_may_be_taken_back_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Handover(monkeypatch)
    case, shadow = place.shadowed()
    place.pass_time(DAY)
    place.turn()
    page = place.page()
    place.now = shadow.due_at + DAY
    assess_page(case, page, critical=False, actionable=False, by=place.eng)
    place.pass_time(DAY - dt.timedelta(seconds=1))
    assert follow_handoffs() == 0

    place.pass_time(dt.timedelta(seconds=1))

    assert follow_handoffs() == 1
    case.refresh_from_db()
    assert case.state == "approved"
