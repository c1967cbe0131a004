"""What a management meeting asks of a case: trigger, evidence, findings, plan, progress, decisions."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum

from handoff import actions
from handoff.models import Case, Consultant, StabilisationItem, Transition
from handoff.stabilising import title
from readiness import clock, governing, reading
from readiness.models import Scorecard

NO_SCORE = "no score"


@dataclass(frozen=True, slots=True)
class Section:
    """A table of words under a title; ``says`` is what there is to read beside it, or instead."""

    title: str
    says: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def report(case: Case) -> list[Section]:
    """All sections in order. A constant number of queries beside two for each scorecard that justified it."""
    if case.kind == Case.Kind.HANDOFF:
        return [_trigger(case), *_evidence(case), _decisions(case), _comments(case)]
    return [
        _trigger(case),
        *_evidence(case),
        _findings(case),
        _plan(case),
        _progress(case),
        _advice(case),
        _decisions(case),
        _comments(case),
    ]


def _trigger(case: Case) -> Section:
    rows = [
        ("Service", f"{case.service} ({case.service.slug}), tier {case.service.tier}"),
        ("Kind", case.about),
        ("State", case.get_state_display()),
        ("Proposed", f"{_moment(case.opened_at)} by {case.proposer}"),
        ("Why", case.reason),
        ("Verdict then", case.verdict.replace("_", " ") or "not judged"),
    ]
    if case.repair_began_at is not None:
        span = f"{_moment(case.repair_began_at)} to {_moment(case.repair_ends_at)}"
        rows.append(("Joint repair", f"{span}, led by {case.repair_owner}: {case.repair_plan}"))
    if case.confirmed_at is not None:
        rows.append(("Confirmed", f"{_moment(case.confirmed_at)} by {case.decider}"))
    if case.ended_at is not None:
        rows.append(("Ended", _moment(case.ended_at)))
    by = "by a verdict" if case.trigger == Case.Trigger.VERDICT else "by a person"
    return Section("Trigger", f"Proposed {by}.", rows=rows)


def _evidence(case: Case) -> Iterator[Section]:
    cards = list(case.scorecards.select_related("service", "policy", "evaluation").order_by("at", "pk"))
    if not cards:
        yield Section("Evidence", "It had not been judged when it was proposed.")
    for card in cards:
        yield _card(card, case.kind)


def _card(card: Scorecard, kind: str) -> Section:
    heading = f"Evidence: scorecard #{card.pk} as of {_moment(card.at)}, {card.policy}"
    if refused := governing.unreadable(card.policy):
        return Section(heading, refused)
    shown = reading.rendered(card)
    verdict = shown["verdicts"][kind]
    reasons = " ".join(verdict["reasons"]) if verdict else ""
    said = f"Score {shown['score']:g} to {shown['possible']:g}. {reasons}"
    return Section(heading, said.strip(), ("Criterion", "Score", "Asked for", "Why"), [
        (each["title"], NO_SCORE if each["score"] is None else f"{each['score']:g}",
         f"{each['threshold']:g}", each["reason"])
        for each in shown["criteria"]
        if each["gated"] and (each["score"] is None or each["score"] < each["threshold"])
    ])  # fmt: skip


def _findings(case: Case) -> Section:
    found = list(case.findings.all())
    return Section("Findings", "" if found else "Nothing was found yet.", (
        "Kind", "Severity", "What", "Incidents and defects", "Should have been caught by", "Closed",
    ), [
        (each.kind, str(each.severity), each.text, ", ".join([*each.incidents, *each.defects]) or "–",
         each.review_item or "–", _moment(each.closed_at) if each.closed_at else "open")
        for each in found
    ])  # fmt: skip


def _plan(case: Case) -> Section:
    items = list(case.plan.select_related("owner"))
    today = clock.now().date()
    late = sum(item.is_overdue(today) for item in items) if case.ended_at is None else 0
    said = f"{late} of {len(items)} overdue." if late else "" if items else "There is no plan yet."
    return Section("Plan", said, ("What", "Owner", "Due", "Done"), [
        (item.text, str(item.owner), f"{item.due_on}", _done(item, today)) for item in items
    ])  # fmt: skip


def _done(item: StabilisationItem, today: dt.date) -> str:
    if item.done_at is not None:
        return f"{_moment(item.done_at)} by {item.doer}"
    return f"overdue by {(today - item.due_on).days} days" if item.is_overdue(today) else "not yet"


def _progress(case: Case) -> Section:
    criteria = list(case.exit_criteria.all())
    if not criteria:
        return Section("Progress", "Exit criteria are set when a repair is confirmed.")
    wanting = actions.lacking(case, actions.newest(case.service)) if case.ended_at is None else []
    return Section("Progress", " ".join(wanting), (
        "Measure", "When confirmed", "Latest", "Must reach", "Met",
    ), [
        (title(each.measure), _number(each.at_confirmation), _number(each.latest), f"{each.threshold:g}",
         "yes" if each.met else "not yet")
        for each in criteria
    ])  # fmt: skip


def _advice(case: Case) -> Section:
    rows = (
        Consultant.objects.filter(service=case.service_id, began_at__gte=case.opened_at)
        .annotate(hours=Sum("notes__hours"))
        .values_list("person__name", "began_at", "ended_at", "hours")
    )
    told = [
        (name, _moment(began_at), _moment(ended_at) if ended_at else "still", f"{hours or 0:g}")
        for name, began_at, ended_at, hours in rows
    ]
    said = "" if told else "Nobody was named as consultant since it was proposed."
    return Section("Consultants", said, ("Who", "Since", "Until", "Hours"), told)


def _decisions(case: Case) -> Section:
    rows = Transition.objects.filter(subject=Transition.Subject.CASE, subject_id=case.pk).order_by("at", "pk")
    return Section("Decisions", "", ("When", "Became", "By", "Why"), [
        (_moment(each.at), each.to_state.replace("_", " "), each.actor, each.reason) for each in rows
    ])  # fmt: skip


def _comments(case: Case) -> Section:
    said = [(_moment(each.written_at), each.author, each.text) for each in case.comments.all()]
    return Section("Comments", "" if said else "None.", ("When", "By", "What"), said)


def _moment(at: dt.datetime | None) -> str:
    return "–" if at is None else f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _number(found: Any) -> str:
    return NO_SCORE if found is None else f"{found:g}"
