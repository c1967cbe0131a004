"""Cases that nobody moves: proposals that wait for a decision, and stabilisations that stand still."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery

from handoff.actions.escalation import FIRST, team_to_act
from handoff.actions.shadow_pages import tallies
from handoff.models import (
    Case,
    CaseComment,
    ExitCriterion,
    Finding,
    PageAssessment,
    Shadow,
    ShadowConfirmation,
    StabilisationItem,
    Transition,
)
from handoff.shadowing import lacking
from handoff.stabilising import title, value
from readiness.alerting.keeping import Holding, Key, Open, Words
from readiness.criteria.wording import counted
from readiness.models import Alert, Scorecard
from readiness.models.scorecard import Kind
from readiness.rendering.sentences import listed

WAITING: Final = ("proposed", "approved", "shadowing")
"""States in which a case waits for somebody; for a shadow people wait until it is due. Others have a day at
which they end, or a review of their own that is escalated."""
STANDS_STILL: Final = dt.timedelta(days=28)
STEP: Final = dt.timedelta(days=7)
"""The owner team acts on a stabilisation for so long, then the ops team, then the SRE leads."""


def case_stalled(now: dt.datetime) -> Holding:
    """Cases that wait, and that nobody moved for 14 days. Eleven queries at most, whatever their number."""
    waiting = Case.objects.open().filter(state__in=WAITING, opened_at__lte=now - FIRST)
    cases = list(waiting.select_related("service").order_by("pk"))
    moved, shadows = _last_moved(cases), _shadows(cases)
    rests = {case.pk: now - moved[case.pk] for case in cases}
    for pk, shadow in shadows.items():
        rests[pk] = min(rests[pk], now - shadow.due_at)
    quiet = [case for case in cases if rests[case.pk] >= FIRST]
    wanting = _wanting(quiet, shadows, now)
    teams: dict[Key, int | None] = {}
    words: dict[Key, Words] = {}
    for case in quiet:
        teams[case.service_id, ""] = team_to_act(case.service, rests[case.pk], _whose_move(case))
        words[case.service_id, ""] = _waiting_words(case, moved[case.pk], wanting[case.pk])
    return Holding(Alert.Kind.CASE_STALLED, teams, lambda keys: words, reworded=True)


def stabilisation_stalled(now: dt.datetime, known: Open) -> Holding:
    """Stabilisations that nobody moved for 28 days, and of which nothing measured came nearer in these.

    When a measure last came nearer is not on record, so its steps are counted from the alert's beginning.
    Ten queries.
    """
    kind = Alert.Kind.STABILISATION_STALLED
    start = now - STANDS_STILL
    running = Case.objects.open().filter(state=Case.State.STABILISING, confirmed_at__lte=start)
    cases = list(running.select_related("service").order_by("pk"))
    moved = _last_moved(cases)
    quiet = [case for case in cases if moved[case.pk] <= start]
    exits = _exits(quiet)
    then = _values(quiet, exits, start)
    teams: dict[Key, int | None] = {}
    still: list[Case] = []
    for case in quiet:
        if not any(came_nearer(each, then[each.pk]) for each in exits[case.pk]):
            key = (case.service_id, "")
            began = known[kind][key].began_at if key in known.get(kind, {}) else now
            teams[key] = _step(case, now - began)
            still.append(case)
    words = _stalled_words(still, moved, exits)
    return Holding(kind, teams, lambda keys: words, reworded=True)


def came_nearer(criterion: ExitCriterion, then: float | None) -> bool:
    """Whether an exit criterion that was not met then is nearer to its threshold now.

    Evidence that came back counts; more of what was enough already does not.
    """
    if criterion.latest is None or (then is not None and then >= criterion.threshold):
        return False
    return then is None or criterion.latest > then


def _last_moved(cases: Sequence[Case]) -> dict[int, dt.datetime]:
    """When each was last moved: by its own moves, and what people wrote, did and closed. Four queries, and
    two about what they said of shadows.
    """
    keys = [case.pk for case in cases]
    shadowed = [case.pk for case in cases if case.state == Case.State.SHADOWING]
    written, closed, done = Max("written_at"), Max("closed_at"), Max("done_at")
    rows = [
        *CaseComment.objects.filter(case__in=keys).order_by().values_list("case").annotate(written),
        *Finding.objects.filter(case__in=keys).order_by().values_list("case").annotate(written, closed),
        *StabilisationItem.objects.filter(case__in=keys)
        .order_by()
        .values_list("case")
        .annotate(written, done),
        *Transition.objects.filter(subject=Transition.Subject.CASE, subject_id__in=keys)
        .order_by()
        .values_list("subject_id")
        .annotate(Max("at")),
        *PageAssessment.objects.filter(case__in=shadowed).order_by().values_list("case").annotate(Max("at")),
        *ShadowConfirmation.objects.filter(shadow__case__in=shadowed)
        .order_by()
        .values_list("shadow__case")
        .annotate(Max("at")),
    ]
    moments = defaultdict(list, {case.pk: [case.opened_at] for case in cases})
    for pk, *told in rows:
        moments[pk] += filter(None, told)
    return {pk: max(told) for pk, told in moments.items()}


def _whose_move(case: Case) -> int | None:
    """The team whose move it is."""
    if case.state == Case.State.APPROVED and case.accepted_at is None:
        return case.service.ops_team_id
    # operations decide about what is given back; developers sign a release that operations proposed
    signs = case.handback_kind == Case.HandbackKind.RELEASE and case.proposer_side == Case.Side.OPS
    ops = case.kind == Case.Kind.HANDBACK and not signs
    return case.service.ops_team_id if ops else case.service.owner_id


def _shadows(cases: Sequence[Case]) -> dict[int, Shadow]:
    """The shadow of each that runs, by case."""
    keys = [case.pk for case in cases if case.state == Case.State.SHADOWING]
    rows = Shadow.objects.running().filter(case__in=keys).select_related("case__service")
    return {shadow.case_id: shadow for shadow in rows}


def _wanting(cases: Sequence[Case], shadows: Mapping[int, Shadow], now: dt.datetime) -> dict[int, list[str]]:
    """What each of these waits for, one sentence each, by case."""
    counts = tallies([shadows[case.pk] for case in cases if case.pk in shadows], now)
    found = {case.pk: _next_step(case) for case in cases}
    for case in cases:
        if shadow := shadows.get(case.pk):
            found[case.pk] = lacking(counts[shadow.pk], now) or [
                "Its shadow went well: both sides confirm it."
            ]
    return found


def _next_step(case: Case) -> list[str]:
    if case.state != Case.State.APPROVED:
        return []
    if case.accepted_at is None:
        return ["Its ops team has not accepted to carry it."]
    return ["Its ops team accepts to carry it: the shadow can begin."]


def _step(case: Case, held: dt.timedelta) -> int | None:
    """Who acts on a stabilisation that has stood still for so long since it was told of."""
    if held >= 2 * STEP:
        return None
    return case.service.ops_team_id if held >= STEP else case.service.owner_id


def _waiting_words(case: Case, moved: dt.datetime, wanting: Sequence[str]) -> Words:
    waits = (
        f"Nobody has moved the {case.about} since {moved:%Y-%m-%d}: it is "
        f"{case.get_state_display()} and waits for somebody."
    )
    ways = "The page of the case says what can be done, and by whom"
    text = " ".join([waits, *wanting, f"{ways}: decide, say what is missing, or withdraw it."])
    return Words(text, {"case": case.pk, "moved_at": moved.isoformat()})


def _exits(cases: Sequence[Case]) -> dict[int, list[ExitCriterion]]:
    """Exit criteria by case."""
    found: dict[int, list[ExitCriterion]] = {case.pk: [] for case in cases}
    for each in ExitCriterion.objects.filter(case__in=found):
        found[each.case_id].append(each)
    return found


def _values(
    cases: Sequence[Case], exits: Mapping[int, Sequence[ExitCriterion]], start: dt.datetime
) -> dict[int, float | None]:
    """What each exit criterion was at that moment: by the newest live scorecard then, if it was judged since
    the handback, else as it was at the handback. Two queries.
    """
    before = Scorecard.objects.filter(
        service=OuterRef("service"), kind=Kind.LIVE, at__lte=start, at__gte=OuterRef("confirmed_at")
    )
    newest = Subquery(before.order_by("-at", "-revision", "-pk").values("pk")[:1])
    chosen = Case.objects.filter(pk__in=[case.pk for case in cases]).order_by()
    keys = dict(chosen.values_list("pk", newest))
    numbers = dict(Scorecard.objects.filter(pk__in=filter(None, keys.values())).values_list("pk", "numbers"))
    return {
        each.pk: value(numbers[keys[pk]], each.measure) if keys[pk] else each.at_confirmation
        for pk, rows in exits.items()
        for each in rows
    }


def _stalled_words(
    cases: Sequence[Case],
    moved: Mapping[int, dt.datetime],
    exits: Mapping[int, Sequence[ExitCriterion]],
) -> dict[Key, Words]:
    keys = [case.pk for case in cases]
    items = _left(StabilisationItem.objects.filter(case__in=keys, done_at__isnull=True))
    findings = _left(Finding.objects.filter(case__in=keys, closed_at__isnull=True))
    words: dict[Key, Words] = {}
    for case in cases:
        missing = [_missing(each) for each in exits[case.pk] if not each.met]
        if number := items.get(case.pk):
            missing.append(f"{counted(number, 'item')} of the plan not done")
        if number := findings.get(case.pk):
            missing.append(f"{counted(number, 'finding')} not closed")
        text = (
            f"Nobody has moved its stabilisation since {moved[case.pk]:%Y-%m-%d}, and in the last "
            f"{STANDS_STILL.days} days nothing measured came nearer to what must be reached. "
        ) + (
            f"Left: {listed(missing, most=len(missing))}. Do the next item of the plan, change the plan, or "
            "say on the page of the case what holds it up."
            if missing
            else "All of it is reached: mark it as stabilised on the page of the case."
        )
        words[case.service_id, ""] = Words(text, {"case": case.pk, "moved_at": moved[case.pk].isoformat()})
    return words


def _missing(criterion: ExitCriterion) -> str:
    known = "not known" if criterion.latest is None else f"{criterion.latest:g}"
    return f"{title(criterion.measure)}: {known} of {criterion.threshold:g}"


def _left(rows: "QuerySet[Finding] | QuerySet[StabilisationItem]") -> dict[int, int]:
    return dict(rows.order_by().values_list("case").annotate(Count("pk")))
