"""After each evaluation the rules look, and propose to move services; what it no longer supports lapses."""

import datetime as dt
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import DjangoAssertNumQueries

from handoff import actions, proposals, tasks
from handoff.models import Case, CaseScorecard, Transition, Watermark
from handoff.proposals import sweeping
from handoff.rules import rule_of
from readiness import evaluation
from readiness.models import CurrentScore, PolicyVersion, Scorecard, Service
from readiness.models.scorecard import Kind as JudgementKind
from readiness.scoring import judge
from tests.factories import (
    CurrentScoreFactory,
    IncidentFactory,
    PolicyVersionFactory,
    ScorecardFactory,
    ServiceFactory,
)
from tests.handing_back import DAY, Place
from tests.judged import default_policy, service

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
Pairs = list[tuple[str, str]]


@cache
def blank(state: str) -> dict[str, Any]:
    """The document of a service that did nothing for a year: its clock is full."""
    document = judge(service(state), default_policy()).document()
    document["verdicts"].update(handoff=None, handback=None)
    return document


class Fleet(Place):
    """Services that operations or developers run, judged as the story goes."""

    def write(
        self,
        verdict: str | None,
        whose: Service | None = None,
        *,
        at: dt.datetime | None = None,
        grounds: tuple[str, ...] = (),
        of: str = "handback",
        days: float = 270,
        waived: bool = False,
        **columns: Any,
    ) -> Scorecard:
        """A live scorecard that no sweep can see yet: nobody's current one."""
        document = deepcopy(blank("ops_managed" if of == "handback" else "developer_managed"))
        rows = [["urgent_incidents", {**_INCIDENTS, "rows": list(grounds)}]] if grounds else []
        document["verdicts"][of] = verdict and {"verdict": verdict, "reasons": rows, "waivers": []}
        document["criteria"]["stability"]["parts"]["clock_days"] = [days, 100.0]
        document["standing"]["waivers"] = [[1, "stability"]] if waived else []
        told: dict[str, Any] = {of: verdict, "at": at or self.now, "numbers": document, **columns}
        card: Scorecard = ScorecardFactory.create(
            service=whose or self.service, **{"policy": self.policy, **told}
        )
        return card

    @property
    def policy(self) -> PolicyVersion:
        """The one in force."""
        return PolicyVersion.objects.filter(in_force=True).get()

    def show(self, *cards: Scorecard) -> None:
        """Make scorecards the current ones of their services."""
        CurrentScore.objects.filter(service__in=[card.service_id for card in cards]).delete()
        for card in cards:
            CurrentScoreFactory.create(scorecard=card)

    def say(self, verdict: str | None, whose: Service | None = None, **told: Any) -> Scorecard:
        """A live scorecard of now, which is the current one."""
        card = self.write(verdict, whose, **told)
        self.show(card)
        return card

    def sweep(self) -> Pairs:
        """What a sweep does: moves, each with the rule that makes it."""
        outcome = proposals.propose_moves()
        assert not outcome.broken
        return [(made.move, str(rule_of(made.actor))) for made in outcome.made]

    def days(self, *verdicts: str, **told: Any) -> list[Pairs]:
        """A day each: it passes, brings a scorecard, and the sweep looks."""
        swept = []
        for verdict in verdicts:
            self.pass_time()
            self.say(verdict, **told)
            swept.append(self.sweep())
        return swept

    def built(self, **columns: Any) -> Service:
        """A service that its developers run."""
        made: Service = ServiceFactory.create(
            owner=self.owner, ops_team=self.ops, developer_managed=True, **columns
        )
        return made


_INCIDENTS = {"severity": 1, "causes": ["design", "code"], "since": "2026-06-01T00:00:00+00:00"}


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """``pay``, which holds so far, and whose scorecard was looked at."""
    place = Fleet(monkeypatch)
    Scorecard.objects.all().delete()
    place.say("holds")
    assert place.sweep() == []
    return place


def the_case() -> Case:
    """The newest."""
    case = Case.objects.order_by("-pk").first()
    assert case is not None
    return case


# Proposing -------------------------------------------------------------------------------------------


def test_a_week_of_below_proposes_a_handback_with_all_that_justifies_it(fleet: Fleet) -> None:
    *before, last = fleet.days(*["below"] * 7)
    assert (before, last) == ([[]] * 6, [("propose", "regressed")])
    case = the_case()
    assert (case.kind, case.handback_kind, case.state, case.trigger, case.verdict, case.proposer) == (
        "handback",
        "repair",
        "proposed",
        "verdict",
        "below",
        "rule: regressed v1",
    )
    assert case.reason.startswith(
        "The handback verdict is below, in all 7 scorecards from 2026-07-02 00:00 UTC on"
    )
    week = set(Scorecard.objects.filter(handback="below"))
    assert (len(week), set(case.scorecards.all())) == (7, week)
    made = Transition.objects.get(subject="case")
    assert (made.move, made.actor, set(made.scorecards.all())) == ("propose", case.proposer, week)


def test_urgent_is_proposed_at_once_and_says_because_of_what(fleet: Fleet) -> None:
    assert fleet.days("urgent", grounds=("pager:7",)) == [[("propose", "urgent")]]
    assert the_case().verdict == "urgent"
    assert "1 incident of severity 1 or worse, caused by design or code" in the_case().reason
    assert the_case().reason.endswith("pager:7.")


def test_ready_with_a_full_clock_proposes_a_handoff(fleet: Fleet) -> None:
    card = fleet.say("ready", fleet.built(), of="handoff", days=180)
    assert fleet.sweep() == [("propose", "ready")]
    case = the_case()
    assert (case.kind, case.state, case.proposer) == ("handoff", "proposed", "rule: ready v1")
    assert case.reason == "The handoff verdict is ready: 180 days proven stable of 180 needed."
    assert list(case.scorecards.all()) == [card]


@pytest.mark.parametrize(
    "told",
    [{"days": 179}, {"days": 90, "waived": True}, {"verdict": "not_ready"}, {"verdict": "cannot_tell"}],
)
def test_the_rule_waits_for_a_clock_that_is_full_by_its_own_days(fleet: Fleet, told: dict[str, Any]) -> None:
    built = fleet.built()
    fleet.say(**{"verdict": "ready", "whose": built, "of": "handoff", **told})
    assert fleet.sweep() == []
    if told.get("waived"):
        assert actions.propose_handoff(built, reason="The waiver stands.", by=fleet.dev).trigger == "person"


def test_what_winds_down_is_not_proposed_for_handoff(fleet: Fleet) -> None:
    fleet.say("ready", fleet.built(deprecated=True), of="handoff")
    assert fleet.sweep() == []


def test_who_runs_it_by_now_decides_not_who_ran_it_when_it_was_judged(fleet: Fleet) -> None:
    fleet.pass_time()
    fleet.say("ready", fleet.service, of="handoff")
    fleet.say("urgent", fleet.built())
    assert fleet.sweep() == []
    assert fleet.sweep() == [], "both were looked at"


def test_missing_evidence_never_hands_back(fleet: Fleet) -> None:
    assert fleet.days(*["cannot_tell"] * 20) == [[]] * 20


@pytest.mark.parametrize("change", [{"kind": JudgementKind.REPLAY}, {"policy": None}])
def test_replays_and_scorecards_under_another_policy_are_not_looked_at(
    fleet: Fleet, change: dict[str, Any]
) -> None:
    if "policy" in change:
        change = {"policy": PolicyVersionFactory.create(version=7)}
    for day in range(1, 8):
        fleet.write("below", at=fleet.now + day * DAY, **change)
    fleet.pass_time(7 * DAY)
    fleet.say("below")
    assert fleet.sweep() == []


def test_another_policy_begins_the_week_anew(fleet: Fleet) -> None:
    fleet.days(*["below"] * 6)
    PolicyVersion.objects.update(in_force=False)
    PolicyVersionFactory.create(version=2, in_force=True)
    assert fleet.days(*["below"] * 7) == [*[[]] * 6, [("propose", "regressed")]]
    assert set(the_case().scorecards.values_list("policy__version", flat=True)) == {2}


# Once, whatever happens ------------------------------------------------------------------------------


def test_a_second_sweep_finds_nothing(
    fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fleet.pass_time()
    fleet.say("urgent")
    assert (tasks.propose_moves(), tasks.propose_moves()) == (1, 0)
    with django_assert_num_queries(1):
        fleet.sweep()
    fleet.pass_time()
    fleet.say("urgent", grounds=("pager:8",))
    assert fleet.sweep() == [], "one is open"
    assert Case.objects.count() == 1


def test_a_batch_that_is_killed_half_way_is_made_whole_by_the_next_sweep(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [fleet.another(f"shop-{number}") for number in range(3)]
    fleet.pass_time()
    for each in others:
        fleet.say("urgent", each)
    propose, calls = actions.propose_handback, list[str]()

    def dies(whose: Service, **told: Any) -> Case:
        calls.append(whose.slug)
        if len(calls) == 2:
            raise OperationalError("the connection is gone")
        return propose(whose, **told)

    with monkeypatch.context() as patch:
        patch.setattr(actions, "propose_handback", dies)
        with pytest.raises(OperationalError):
            proposals.propose_moves()
    assert (len(calls), Case.objects.count(), Watermark.objects.count()) == (2, 0, 1)
    assert fleet.sweep() == [("propose", "urgent")] * 3


def test_a_service_that_breaks_stops_no_other_and_is_tried_again(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "AT_ONCE", 1)
    sound = fleet.another("shop")
    fleet.pass_time()
    bad, good = fleet.write("urgent"), fleet.write("urgent", sound)
    Scorecard.objects.filter(pk=bad.pk).update(numbers={})
    fleet.show(bad, good)
    for proposed in (1, 0):
        outcome = proposals.propose_moves()
        assert (len(outcome.made), outcome.looked, outcome.broken) == (proposed, proposed, ["pay"])
    assert the_case().service == sound


def test_scorecards_that_are_committed_out_of_order_are_all_looked_at(fleet: Fleet) -> None:
    slow, quick = fleet.another("slow"), fleet.another("quick")
    fleet.pass_time()
    first, second = fleet.write("urgent", slow), fleet.write("urgent", quick)
    assert first.pk < second.pk
    for card in (second, first):  # the later key is committed first
        fleet.show(card)
        assert fleet.sweep() == [("propose", "urgent")]


def test_of_one_service_an_older_moment_that_comes_late_brings_nothing(fleet: Fleet) -> None:
    fleet.days("holds")
    fleet.write("urgent", at=fleet.now - HOUR)
    assert fleet.sweep() == []
    assert fleet.days("holds") == [[]]


def test_another_revision_of_the_moment_that_was_looked_at_is_looked_at(fleet: Fleet) -> None:
    fleet.days("holds")
    fleet.say("urgent", revision=2)
    assert fleet.sweep() == [("propose", "urgent")]
    fleet.say("holds", revision=3)
    assert fleet.sweep() == [("lapse", "urgent")]


def test_of_a_service_that_was_never_looked_at_the_past_is_not_proposed(fleet: Fleet) -> None:
    whose = fleet.another("shop")
    for day in range(1, 8):
        fleet.write("urgent", whose, at=fleet.now + day * DAY)
    fleet.pass_time(8 * DAY)
    fleet.say("below", whose)
    assert fleet.sweep() == []


# Standing and lapsing --------------------------------------------------------------------------------


def test_regressed_stands_while_below_or_urgent_and_lapses_with_the_first_other(fleet: Fleet) -> None:
    fleet.days(*["below"] * 7)
    assert fleet.days("below", "urgent", "below") == [[]] * 3
    assert fleet.days("cannot_tell") == [[("lapse", "regressed")]]
    case = the_case()
    assert (case.state, case.ended_at) == ("lapsed", fleet.now)
    made = Transition.objects.filter(subject="case").order_by("pk").last()
    assert made is not None
    assert (made.move, made.actor) == ("lapse", "rule: regressed v1")
    assert made.reason.startswith(
        "A later evaluation no longer supports it: the handback verdict is cannot tell"
    )
    assert [card.handback for card in made.scorecards.all()] == ["cannot_tell"]
    assert fleet.days(*["below"] * 7) == [*[[]] * 6, [("propose", "regressed")]], "a whole week again"


def test_urgent_lapses_with_one_that_says_only_below(fleet: Fleet) -> None:
    assert fleet.days("urgent", "urgent", "below") == [[("propose", "urgent")], [], [("lapse", "urgent")]]


@pytest.mark.parametrize("told", [{"verdict": "not_ready"}, {"verdict": "ready", "days": 20}])
def test_a_handoff_lapses_when_it_is_ready_no_longer(fleet: Fleet, told: dict[str, Any]) -> None:
    built = fleet.built()
    fleet.say("ready", built, of="handoff")
    fleet.sweep()
    fleet.pass_time()
    fleet.say(**{"whose": built, "of": "handoff", **told})
    assert fleet.sweep() == [("lapse", "ready")]
    assert the_case().state == "lapsed"


def test_what_lay_between_two_sweeps_counts(fleet: Fleet) -> None:
    fleet.days(*["below"] * 7)
    fleet.write("cannot_tell", at=fleet.now + HOUR)
    fleet.pass_time()
    fleet.say("below")
    assert fleet.sweep() == [("lapse", "regressed")]


def test_what_came_and_went_between_two_sweeps_is_nobodys_proposal(fleet: Fleet) -> None:
    fleet.write("urgent", at=fleet.now + HOUR)
    fleet.pass_time()
    fleet.say("holds")
    assert fleet.sweep() == []


def test_a_scorecard_that_is_thinned_out_still_ends_the_week(fleet: Fleet) -> None:
    fleet.days("below", "below")
    fleet.days("holds")
    Scorecard.objects.filter(at=fleet.now).update(at=fleet.now - 20 * DAY)  # as good as deleted
    assert fleet.days(*["below"] * 6) == [[]] * 6
    assert fleet.days("below") == [[("propose", "regressed")]]
    assert the_case().scorecards.count() == 7


def test_what_a_person_proposed_neither_lapses_nor_lets_a_rule_propose_beside_it(fleet: Fleet) -> None:
    case = fleet.proposed()
    assert fleet.days("urgent", "holds") == [[], []]
    case.refresh_from_db()
    assert case.state == "proposed"
    with pytest.raises(ValueError, match="is no rule"):
        actions.lapse_proposal(case, by="rule: urgent v1", reason="?", card=Scorecard.objects.all()[0])


def test_what_people_have_answered_is_theirs(fleet: Fleet) -> None:
    fleet.days(*["below"] * 7)
    actions.repair_jointly(
        the_case(),
        plan="Mend it.",
        owner=fleet.person(fleet.dev),
        ends_at=fleet.now + 20 * DAY,
        by=fleet.other,
    )
    assert fleet.days("below", "cannot_tell") == [[], []]
    assert the_case().state == "joint_repair"
    with pytest.raises(actions.MovedError):
        actions.lapse_proposal(
            the_case(), by="rule: regressed v1", reason="?", card=Scorecard.objects.all()[0]
        )


def test_where_somebody_is_faster_the_rule_gives_way(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    decide = sweeping._decide

    def meanwhile(subject: Any) -> Any:
        change = decide(subject)
        fleet.proposed()
        return change

    monkeypatch.setattr(sweeping, "_decide", meanwhile)
    assert fleet.days("urgent") == [[]]
    assert [case.trigger for case in Case.objects.all()] == ["person"]


# The rest after a rejection -----------------------------------------------------------------------------


def reject(fleet: Fleet) -> None:
    """A person says no, a minute after."""
    fleet.pass_time(MINUTE)
    actions.reject_handback(the_case(), by=fleet.lead, reason="Not so bad.")


@pytest.mark.parametrize(("after", "comes"), [(28 * DAY - HOUR, False), (28 * DAY, True)])
def test_what_was_rejected_rests_for_28_days(fleet: Fleet, after: dt.timedelta, comes: bool) -> None:
    fleet.days("urgent", grounds=("pager:7",))
    reject(fleet)
    assert fleet.days("urgent", grounds=("pager:7",)) == [[]]
    fleet.pass_time(after - DAY)
    fleet.say("urgent", grounds=("pager:7",))
    assert fleet.sweep() == ([("propose", "urgent")] if comes else [])


def test_a_rejected_handoff_rests_for_28_days(fleet: Fleet) -> None:
    built = fleet.built()
    fleet.say("ready", built, of="handoff")
    fleet.sweep()
    Case.objects.update(state="rejected", ended_at=fleet.now)
    for after, comes in ((28 * DAY - HOUR, []), (HOUR, [("propose", "ready")])):
        fleet.pass_time(after)
        fleet.say("ready", built, of="handoff")
        assert fleet.sweep() == comes


@pytest.mark.parametrize(("rows", "comes"), [(("pager:7",), False), (("pager:7", "pager:8"), True)])
def test_a_new_incident_ends_the_rest(fleet: Fleet, rows: tuple[str, ...], comes: bool) -> None:
    fleet.days("urgent", grounds=("pager:7",))
    reject(fleet)
    assert fleet.days("urgent", grounds=rows) == [[("propose", "urgent")] if comes else []]


def test_what_became_urgent_does_not_rest_once_and_what_was_known_when_it_was_rejected_does(
    fleet: Fleet,
) -> None:
    fleet.days(*["below"] * 7)
    reject(fleet)
    assert fleet.days("below", "urgent") == [[], [("propose", "urgent")]]
    reject(fleet)
    assert fleet.days("urgent") == [[]]


def test_urgent_that_was_seen_before_the_rejection_rests_although_the_proposal_is_older(fleet: Fleet) -> None:
    fleet.days(*["below"] * 7)
    fleet.days("urgent", grounds=("pager:7",))
    reject(fleet)
    assert fleet.days("urgent", grounds=("pager:7",)) == [[]]


def test_a_scorecard_from_before_the_rejection_that_is_looked_at_late_rests_too(fleet: Fleet) -> None:
    fleet.days("urgent")
    fleet.pass_time()
    fleet.say("urgent")
    reject(fleet)
    assert fleet.sweep() == []


def test_a_rejected_release_lets_no_repair_rest(fleet: Fleet) -> None:
    fleet.proposed(kind="release")
    reject(fleet)
    assert fleet.days("urgent") == [[("propose", "urgent")]]


# With evaluations, and in numbers ---------------------------------------------------------------------


def test_an_evaluation_of_stored_evidence_leads_to_a_proposal_and_a_later_one_lapses_it(fleet: Fleet) -> None:
    incident = IncidentFactory.create(
        service=fleet.service, severity=1, cause="design", started_at=fleet.now - HOUR
    )

    def judged() -> Pairs:
        fleet.pass_time(HOUR)
        evaluation.run(evaluation.request(fleet.now, [fleet.service.pk]))
        return fleet.sweep()

    assert judged() == [("propose", "urgent")]
    assert f"tests:{incident.external_id}" in the_case().reason
    assert judged() == []
    incident.withdrawn = True
    incident.save()
    assert judged() == [("lapse", "urgent")]


@pytest.mark.parametrize("many", [10, 50])
def test_looking_takes_as_many_queries_for_many_services(
    fleet: Fleet, many: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    before = []
    for number in range(many):
        whose = ServiceFactory.create(owner=fleet.owner, ops_team=fleet.ops, ops_managed=True)
        before.append(fleet.write("below", whose, grounds=(f"pager:{number}",)))
        case = Case.objects.create(
            service=whose,
            kind="handback",
            handback_kind="repair",
            state="rejected",
            reason="It wakes us.",
            proposer="rule: regressed v1",
            proposer_side="ops",
            decider="1 lena",
            opened_at=fleet.now,
            ended_at=fleet.now,
        )
        CaseScorecard.objects.create(case=case, scorecard=before[-1])
    fleet.show(*before)
    fleet.sweep()
    fleet.pass_time()
    fleet.show(*(fleet.write("below", card.service) for card in before))
    # which; begin, marks, locked, current, open, rejected, known twice, scorecards, mark, end; no more
    with django_assert_num_queries(12 + 1):
        assert proposals.propose_moves().looked == many
