"""The steps of a case: for each its form, the action it leads to, and why somebody cannot take it."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Final

from django import forms
from django.db.models import Q, QuerySet
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from handoff import actions
from handoff.actions.room import told
from handoff.checklists import Side
from handoff.machine import CASES, legal
from handoff.models import Case, Finding, StabilisationItem
from handoff.reporting import CARRIED, carried
from handoff.shadowing import DEVELOPERS, REACHABLE, SHADOW
from readiness import clock
from readiness.models import Person
from readiness.rendering.sentences import listed

KEPT: Final = "It stays on record with your name."


class StepForm(forms.Form):
    """Knows the case that it is about, and what is to be read beside its fields."""

    def __init__(self, data: Any = None, *, case: Case | None = None) -> None:
        super().__init__(data)
        self.case = case

    @property
    def beside(self) -> Mapping[str, Any]:
        """For the template."""
        return {}

    def people(self, *teams: int | None) -> "QuerySet[Person]":
        """Members of these teams."""
        return Person.objects.filter(teams__in=[team for team in teams if team]).distinct()


def _words(rows: int = 3, **told: Any) -> forms.CharField:
    return forms.CharField(widget=UnfoldAdminTextareaWidget(attrs={"rows": rows}), **told)


def _day(**told: Any) -> forms.DateField:
    return forms.DateField(widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}), **told)


class ProposeForm(StepForm):
    """Why a service goes back."""

    kind = forms.ChoiceField(
        choices=[
            ("repair", "repair: it regressed, and its developers make it stable again"),
            ("release", "release: it needs no operations any more"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    reason = _words(help_text=f"What happened, and why operations should not run it on. {KEPT}")


class ProposeHandoffForm(StepForm):
    """Why operations should take a service over."""

    reason = _words(help_text=f"Why operations should run it, and why now. {KEPT}")


class ReasonForm(StepForm):
    """Why."""

    reason = _words(help_text=KEPT)


class JointRepairForm(StepForm):
    """What both sides do meanwhile."""

    plan = _words(help_text="What is repaired, and how.")
    owner = forms.ModelChoiceField(Person.objects.none(), widget=UnfoldAdminSelectWidget)
    ends_at = _day(label="Ends on", help_text="At most 28 days away; the proposal then returns.")

    def __init__(self, data: Any = None, *, case: Case) -> None:
        super().__init__(data, case=case)
        self.fields["owner"].queryset = self.people(case.service.owner_id, case.service.ops_team_id)  # type: ignore[attr-defined]  # of a choice of rows

    def clean_ends_at(self) -> dt.datetime:
        """The moment of now on that day, so that 28 days are 28 days."""
        return dt.datetime.combine(self.cleaned_data["ends_at"], clock.now().timetz())


class ConfirmForm(ReasonForm):
    """Why, and who advises."""

    consultants = forms.ModelMultipleChoiceField(
        Person.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Ops engineers who advise the developers; who advises already need not be named again.",
    )

    def __init__(self, data: Any = None, *, case: Case) -> None:
        super().__init__(data, case=case)
        if case.handback_kind == Case.HandbackKind.RELEASE:
            del self.fields["consultants"]
        else:
            self.fields["consultants"].queryset = Person.objects.filter(  # type: ignore[attr-defined]  # as above
                Q(teams=case.service.ops_team_id) | Q(role="ops")
            ).distinct()


class MaybeForm(StepForm):
    """A word, perhaps."""

    reason = _words(required=False, help_text=KEPT)


class AcceptForm(MaybeForm):
    """Why, where the team has no room for it."""

    def __init__(self, data: Any = None, *, case: Case) -> None:
        super().__init__(data, case=case)
        self.seen = actions.seen_room(case) if case.service.ops_team_id else None
        if self.seen and not self.seen.fits:
            self.fields["reason"] = _words(
                help_text=f"The team has no room, as far as is known: say why you accept it. {KEPT}"
            )

    @property
    def beside(self) -> Mapping[str, Any]:
        """What its team carries, and would carry."""
        if self.seen is None:
            return {}
        return {"sentences": told(self.seen), "head": CARRIED, "rows": carried(self.seen)}


class TurnForm(MaybeForm):
    """A word, perhaps, about who is paged from now on; days that are bad for it are named."""

    def __init__(self, data: Any = None, *, case: Case) -> None:
        super().__init__(data, case=case)
        self.warning = actions.bad_day(case.service, clock.now())

    @property
    def beside(self) -> Mapping[str, Any]:
        """A warning, on some days."""
        return {"warning": self.warning}


class ConfirmForDevelopersForm(TurnForm):
    """Who stays reachable."""

    reachable = forms.ModelMultipleChoiceField(
        Person.objects.none(),
        required=False,
        label="Stay reachable",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=f"{DEVELOPERS} developers, whom operations may ask for {REACHABLE.days} days.",
    )
    field_order = ("reachable", "reason")

    def __init__(self, data: Any = None, *, case: Case) -> None:
        super().__init__(data, case=case)
        self.fields["reachable"].queryset = self.people(case.service.owner_id)  # type: ignore[attr-defined]  # as above


class FindingForm(StepForm):
    """What is wrong."""

    kind = forms.ChoiceField(choices=Finding.Kind.choices, widget=UnfoldAdminSelectWidget)
    severity = forms.TypedChoiceField(
        coerce=int,
        choices=[(1, "1 – the worst"), (2, "2"), (3, "3"), (4, "4")],
        widget=UnfoldAdminSelectWidget,
    )
    text = _words(label="What was found")
    incidents = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="As source:id, separated by commas.",
    )
    defects = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="As source:id, separated by commas.",
    )
    review_item = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="The one that should have caught it, if any: the policy's page counts what was missed.",
    )

    def __init__(self, data: Any = None, *, case: Case) -> None:
        super().__init__(data, case=case)
        known = groupby(actions.known_items(case.service), key=lambda item: item.topic)
        self.fields["review_item"].choices = [  # type: ignore[attr-defined]  # of a choice
            ("", "none"),
            *((topic, [(item.slug, item.text) for item in items]) for topic, items in known),
        ]

    def clean_incidents(self) -> list[str]:
        """Names."""
        return str(self.cleaned_data["incidents"]).split(",")

    def clean_defects(self) -> list[str]:
        """Names."""
        return str(self.cleaned_data["defects"]).split(",")


class PlanForm(StepForm):
    """What is to do."""

    text = _words(label="What is to do")
    owner = forms.ModelChoiceField(Person.objects.none(), widget=UnfoldAdminSelectWidget)
    due_on = _day(label="Due on")

    def __init__(self, data: Any = None, *, case: Case) -> None:
        super().__init__(data, case=case)
        self.fields["owner"].queryset = self.people(case.service.owner_id, case.service.ops_team_id)  # type: ignore[attr-defined]  # as above


class CommentForm(StepForm):
    """What is said."""

    text = _words(label="Comment", help_text=KEPT)


class CloseForm(StepForm):
    """Which findings are mended."""

    finding = forms.ModelChoiceField(Finding.objects.none(), widget=UnfoldAdminSelectWidget)

    def __init__(self, data: Any = None, *, case: Case) -> None:
        super().__init__(data, case=case)
        self.fields["finding"].queryset = case.findings.filter(closed_at__isnull=True)  # type: ignore[attr-defined]  # as above


class FinishForm(StepForm):
    """What of the plan is done."""

    item = forms.ModelChoiceField(
        StabilisationItem.objects.none(), label="Plan item", widget=UnfoldAdminSelectWidget
    )

    def __init__(self, data: Any = None, *, case: Case) -> None:
        super().__init__(data, case=case)
        self.fields["item"].queryset = case.plan.filter(done_at__isnull=True)  # type: ignore[attr-defined]  # as above


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a person may do about a case."""

    title: str
    form: type[Any]
    act: Callable[..., Any]
    done: str
    move: str = ""
    """The move of the table; none for work on a case."""
    says: str = ""
    kind: str = Case.Kind.HANDBACK
    """The kind of case that it is of; none for both."""
    obstacle: Callable[[Case, Any], str] | None = None
    """Why somebody cannot take it, where neither the table of moves nor work on a case tells."""
    is_left: Callable[[Case], bool] | None = None
    """Whether it is still to be taken, where the table of moves does not tell."""

    def refused(self, case: Case, user: Any) -> str:
        """Why this person cannot do it now; empty when they can."""
        if self.obstacle:
            return self.obstacle(case, user)
        if not self.move:
            return actions.work_obstacle(case, user)
        return actions.case_obstacle(case, self.move, user)

    def is_of(self, case: Case) -> bool:
        """Whether it is a step of this kind of case."""
        if self.kind not in {"", case.kind}:
            return False
        if case.kind == Case.Kind.HANDOFF:
            return self.is_left is None or self.is_left(case)
        other = {"repair": "release", "release": "confirm"}[case.handback_kind]
        return self.move != other and not (self.move == "repair jointly" and case.handback_kind == "release")


MOVES_AT_ONCE: Final = (
    "The service moves at once: developers hold the pager, ops consult, and it is judged anew."
)
TAKES_OVER: Final = (
    "With the word of both sides operations take over at once: they are paged first, developers second."
)
STEPS: Final[Mapping[str, Step]] = {
    "confirm": Step(
        "Confirm", ConfirmForm, actions.confirm_handback, "Confirmed: its developers run it now.",
        move="confirm", says=MOVES_AT_ONCE,
    ),
    "release": Step(
        "Sign the release", ConfirmForm, actions.confirm_handback, "Signed: its developers run it now.",
        move="release", says=MOVES_AT_ONCE,
    ),
    "joint-repair": Step(
        "Repair jointly", JointRepairForm, actions.repair_jointly, "The proposal rests meanwhile.",
        move="repair jointly",
        says="Developers rejoin the rota; the proposal lapses when the verdict holds again.",
    ),
    "reject": Step("Reject", ReasonForm, actions.reject_handback, "Rejected.", move="reject"),
    "withdraw": Step("Withdraw", ReasonForm, actions.withdraw_handback, "Withdrawn.", move="withdraw"),
    "open-review": Step(
        "Open the review", MaybeForm, actions.open_handoff_review, "The review is open.", move="open review",
        kind=Case.Kind.HANDOFF,
        says="Both sides go through the checklist; what is measured fills itself. Its signatures approve it.",
    ),
    "accept": Step(
        "Accept to carry it", AcceptForm, actions.accept_handoff, "Accepted; what you saw is on record.",
        kind=Case.Kind.HANDOFF, obstacle=actions.accepting_obstacle,
        is_left=lambda case: case.accepted_at is None,
    ),
    "begin-shadow": Step(
        "Begin the shadow", TurnForm, actions.begin_shadow, "The shadow runs.", move="begin shadow",
        kind=Case.Kind.HANDOFF,
        says=f"Operations are paged beside the developers from now on, for {SHADOW.days} days and one turn "
        "of the rota at least, and every page is assessed.",
    ),
    "confirm-developers": Step(
        "Confirm for developers", ConfirmForDevelopersForm,
        partial(actions.confirm_shadow, side=Side.DEVELOPERS), "Confirmed for developers.",
        move="take over", kind=Case.Kind.HANDOFF, says=TAKES_OVER,
        obstacle=lambda case, user: actions.confirming_obstacle(case, Side.DEVELOPERS, user),
    ),
    "confirm-operations": Step(
        "Confirm for operations", TurnForm, partial(actions.confirm_shadow, side=Side.OPERATIONS),
        "Confirmed for operations.", move="take over", kind=Case.Kind.HANDOFF, says=TAKES_OVER,
        obstacle=lambda case, user: actions.confirming_obstacle(case, Side.OPERATIONS, user),
    ),
    "stop-shadow": Step(
        "Stop the shadow", ReasonForm, actions.stop_shadow, "Stopped.", move="stop", kind=Case.Kind.HANDOFF,
        says="Developers alone are paged again. It may be begun once more; the second one ends the handoff.",
    ),
    "complete": Step(
        "Complete", ReasonForm, actions.complete_handoff, "Completed.", move="complete",
        kind=Case.Kind.HANDOFF, says="Developers are no longer paged second; those named stay reachable.",
    ),
    "decline": Step(
        "Reject", ReasonForm, actions.reject_handoff, "Rejected.", move="reject", kind=Case.Kind.HANDOFF,
        says="Its developers run it on; the rules propose it again in 28 days at the earliest.",
    ),
    "take-back": Step(
        "Withdraw", ReasonForm, actions.withdraw_handoff, "Withdrawn.", move="withdraw",
        kind=Case.Kind.HANDOFF,
    ),
    "stabilise": Step(
        "Stabilised", MaybeForm, actions.stabilise_handback, "It counts as stabilised.", move="stabilise",
        says="The way to another handoff is open; nothing else changes.",
    ),
    "finding": Step("Add a finding", FindingForm, actions.add_finding, "The finding is on record."),
    "close-finding": Step(
        "Close a finding", CloseForm, lambda case, *, finding, by: actions.close_finding(finding, by=by),
        "The finding is closed.",
    ),
    "plan": Step("Add to the plan", PlanForm, actions.add_plan_item, "It is in the plan."),
    "finish": Step(
        "Tick off", FinishForm, lambda case, *, item, by: actions.finish_plan_item(item, by=by),
        "It is marked as done.",
    ),
    "comment": Step("Comment", CommentForm, actions.comment_case, "Said.", kind=""),
}  # fmt: skip
"""In the order of their buttons."""


def steps(case: Case, user: Any) -> list[tuple[str, Step, str]]:
    """The steps that lead on from here, with why this person cannot take each now; none from an end."""
    if case.ended_at is not None:
        return []
    moves = legal(CASES[case.kind], case.state)
    return [
        (name, step, step.refused(case, user))
        for name, step in STEPS.items()
        if step.is_of(case) and (not step.move or step.move in moves)
    ]


def refusals(found: Iterable[tuple[str, Step, str]]) -> list[str]:
    """Why steps are not open to somebody, a sentence for each reason."""
    by_reason: dict[str, list[str]] = {}
    for _, step, refused in found:
        if refused:
            by_reason.setdefault(refused, []).append(f"“{step.title}”")
    return [
        f"{listed(titles, most=len(titles))} {'are' if len(titles) > 1 else 'is'} not open to you now: {why}"
        for why, titles in by_reason.items()
    ]
