"""What a management meeting asks of a case: why, on what evidence, what was found, done, seen and decided."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Sum

from handoff import actions
from handoff.actions.room import Carrying, told
from handoff.checklists.rules import unsettled
from handoff.models import Case, Consultant, PageAssessment, Review, Shadow, StabilisationItem, Transition
from handoff.shadowing import LOOKS_BACK, Tally, lacking
from handoff.stabilising import title
from readiness import clock, governing, reading
from readiness.criteria.wording import counted, number, percent
from readiness.models import Page, Scorecard
from readiness.rendering.sentences import listed

NO_SCORE = "no score"
CARRIED: Final = ("What", "Now", "With this one", "Asked for")
"""The head of :func:`carried`."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table of words under a title; ``says`` is what there is to read beside it, or instead."""

    title: str
    says: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class Watched:
    """A shadow, and what came of it."""

    title: str
    shadow: Shadow
    pages: Sequence[Page]
    """In the order in which they came."""
    said: Mapping[int, PageAssessment]
    """What was said last, by the key of a page."""
    tally: Tally

    @property
    def lacking(self) -> list[str]:
        """What keeps it from ending well, one sentence each; nothing once it has ended."""
        return [] if self.shadow.ended_at else lacking(self.tally, clock.now())


def report(case: Case, shadows: Sequence[Watched] | None = None) -> list[Section]:
    """All sections in order; ``shadows`` where they were :func:`watched` already.

    A constant number of queries beside two for each scorecard that justified it.
    """
    if case.kind == Case.Kind.HANDOFF:
        seen = watched(case) if shadows is None else shadows
        return [
            _trigger(case),
            *_evidence(case),
            _review(case),
            _acceptance(case),
            *(map(_shadow, seen) if seen else [Section("Shadow", "It has not begun.")]),
            _pages(seen),
            _look_back(case),
            _decisions(case),
            _comments(case),
        ]
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


def watched(case: Case) -> list[Watched]:
    """The shadows of a handoff, the first one first, with their confirmations."""
    found = []
    shadows = list(case.shadows.prefetch_related("confirmations"))
    for place, shadow in enumerate(shadows, start=1):
        shadow.case = case
        pages = actions.pages_of(shadow)
        said, tally = actions.assessed(case, pages), actions.tally(shadow, pages)
        heading = f"Shadow {place}" if len(shadows) > 1 else "Shadow"
        found.append(Watched(heading, shadow, pages, said, tally))
    return found


def items_left(review: Review) -> int:
    """How many items of an open review are not settled."""
    states = [item.state for item in actions.items_of(review)]
    return len(unsettled(states, clock.now().date()))


def carried(seen: Carrying) -> list[tuple[str, str, str, str]]:
    """What a team carries, a row a number: now, with the service, and what the policy asks for."""
    return [
        ("Pages a week", number(seen.pages_now), number(seen.pages_with), "–"),
        ("– after hours", number(seen.after_hours_now), number(seen.after_hours_with), "–"),
        ("– at night", number(seen.night_now), number(seen.night_with), "–"),
        ("After hours a week for each person", "–", number(seen.after_hours_per_person),
         f"{number(seen.cap)} at most"),
        ("Services", str(seen.services), str(seen.services + 1), "–"),
        ("Services per engineer", number(seen.services_per_engineer_now),
         number(seen.services_per_engineer_with), "–"),
        ("People in its rota", str(seen.people), str(seen.people), f"{seen.least_people} at least"),
    ]  # fmt: skip


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
        done = "Taken over" if case.kind == Case.Kind.HANDOFF else "Confirmed"
        rows.append((done, f"{_moment(case.confirmed_at)} by {case.decider}"))
    if case.backup_ends_at is not None:
        rows.append(("Developers are paged second", f"until {_moment(_backed_up_until(case))}"))
    if case.reachable_until is not None:
        names = listed(person.name for person in case.reachable.all())
        rows.append(("Stay reachable", f"{names or 'nobody was named'}, until {case.reachable_until}"))
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
    reasons = " ".join(f"{each[:1].upper()}{each[1:]}." for each in verdict["reasons"]) if verdict else ""
    said = f"Score {shown['score']:g} to {shown['possible']:g}. {reasons}"
    return Section(heading, said.strip(), ("Criterion", "Score", "Asked for", "Why"), [
        (each["title"], NO_SCORE if each["score"] is None else f"{each['score']:g}",
         f"{each['threshold']:g}", each["reason"])
        for each in shown["criteria"]
        if each["gated"] and (each["score"] is None or each["score"] < each["threshold"])
    ])  # fmt: skip


def _backed_up_until(case: Case) -> dt.datetime | None:
    """The end of the time of back-up: before its day, where somebody or a handback ended it."""
    return case.ended_at or case.backup_ends_at


def _review(case: Case) -> Section:
    review = case.review
    if review is None:
        return Section("Review", "It has not been opened.")
    rows = [
        ("Checklist", f"{review.checklist} v{review.checklist_version}"),
        ("Opened", f"{_moment(review.opened_at)} by {review.opened_by}"),
        ("State", review.get_state_display()),
        *((f"Signed for {each.side}", f"{_moment(each.at)} by {each.actor}")
          for each in review.sign_offs.all()),
    ]  # fmt: skip
    left = f"{counted(items_left(review), 'item')} left." if review.state == Review.State.OPEN else ""
    return Section("Review", left, rows=rows)


def _acceptance(case: Case) -> Section:
    if case.room_seen is None:
        return Section("Acceptance", "Nobody of its ops team has accepted to carry it.")
    seen = Carrying.from_json(case.room_seen)
    said = f"Accepted {_moment(case.accepted_at)} by {case.accepted_by}, who saw this."
    return Section("Acceptance", " ".join([said, *told(seen)]), CARRIED, carried(seen))


def _shadow(each: Watched) -> Section:
    shadow, tally = each.shadow, each.tally
    ended = f"{_moment(shadow.ended_at)}: {shadow.get_outcome_display()}" if shadow.ended_at else "it runs"
    came = f"{counted(tally.pages, 'page')}{' of drills' if tally.drill else ''}"
    rows = [
        ("Since", _moment(shadow.began_at)),
        ("Earliest end", _moment(shadow.due_at)),
        ("Rota still to turn", listed(tally.unturned, most=len(tally.unturned) or 1) or "it has turned"),
        ("Came", f"{came}, {tally.assessed} assessed"),
        ("Critical", share(tally.critical, tally)),
        ("Actionable", share(tally.actionable, tally)),
        *((f"Confirmed for {said.side}", _because(f"{_moment(said.at)} by {said.actor}", said.reason))
          for said in shadow.confirmations.all()),
        ("Ended", ended),
    ]  # fmt: skip
    return Section(each.title, " ".join(each.lacking), rows=rows)


def share(count: int, of: Tally) -> str:
    """Of the assessed pages, ``5 of 6 (83.3 %)``."""
    return f"{count} of {of.assessed} ({percent(count / of.assessed)})" if of.assessed else "none assessed"


def _because(said: str, reason: str) -> str:
    return f"{said}: {reason}" if reason else said


def _pages(seen: Sequence[Watched]) -> Section:
    rows = [_page(page, each.said.get(page.pk)) for each in seen for page in each.pages]
    return Section("Pages", "" if rows else "None came while a shadow ran.", (
        "When", "Alert", "After hours", "Critical", "Actionable", "Said by", "Remark",
    ), rows)  # fmt: skip


def _page(page: Page, said: PageAssessment | None) -> Sequence[str]:
    alert = page.alert or "–"
    late = "night" if page.night else "yes" if page.after_hours else "no"
    words = ("not assessed", "–", "–", "–") if said is None else (
        _yes(said.critical), _yes(said.actionable), f"{said.actor}, {_moment(said.at)}", said.remark or "–",
    )  # fmt: skip
    return (_moment(page.paged_at), f"{alert} (drill)" if page.drill else alert, late, *words)


def _look_back(case: Case) -> Section:
    looks = {look.days: look.numbers for look in case.look_backs.all()}
    if not looks:
        days = listed(map(str, LOOKS_BACK))
        return Section("Look back", f"None yet: it is looked back {days} days after the move.")
    return Section("Look back", "Incidents are those of as many days before the move and after it.", (
        "Measure", *(head for days in looks for head in ("At the move", f"{days} days after")),
    ), [
        (name, *(say(numbers[measure][when]) for numbers in looks.values() for when in ("at_move", "now")))
        for measure, (name, say) in _LOOKED_AT.items()
    ])  # fmt: skip


_LOOKED_AT: Final[Mapping[str, tuple[str, Callable[[float | None], str]]]] = {
    "incidents": ("Incidents", number),
    "severe_incidents": ("Incidents of severity 1 or 2", number),
    "after_hours": ("Events after hours a week", number),
    "change_fail_rate": ("Change fail rate", percent),
    "score": ("Score", number),
}


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


def _yes(said: bool) -> str:
    return "yes" if said else "no"


def _number(found: Any) -> str:
    return NO_SCORE if found is None else f"{found:g}"
