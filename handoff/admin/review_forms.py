"""Forms of a review's item: each leads to one action."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from handoff import actions
from handoff.checklists import Side
from handoff.models import ChecklistItem, Condition
from readiness.models import Person


def _words(rows: int = 2) -> UnfoldAdminTextareaWidget:
    return UnfoldAdminTextareaWidget(attrs={"rows": rows})


def _day(**told: Any) -> forms.DateField:
    return forms.DateField(widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}), **told)


class ItemForm(forms.Form):
    """What is said of an item, and the action that it leads to."""

    title = ""
    button = ""
    attested_only = True

    def act(self, item: ChecklistItem, by: Any) -> None:
        """Do it. Raises ``RefusedError``."""
        raise NotImplementedError


class AttestForm(ItemForm):
    """It is met."""

    title, button = "It is met", "Attest"

    name = forms.CharField(label="Who attests it", max_length=300, widget=UnfoldAdminTextInputWidget)
    said_on = _day(label="Since when it is so")
    url = forms.CharField(label="Link", max_length=1000, required=False, widget=UnfoldAdminTextInputWidget)
    remark = forms.CharField(required=False, widget=_words(), help_text="A link or a remark, or both.")

    def act(self, item: ChecklistItem, by: Any) -> None:
        """Attest it."""
        actions.attest_item(item, by=by, **self.cleaned_data)


class FindingForm(ItemForm):
    """It is not met."""

    title, button = "It is not met", "Record the finding"

    remark = forms.CharField(label="What was found", widget=_words())
    blocking = forms.BooleanField(
        label="It blocks: the review is to be rejected", required=False, widget=UnfoldBooleanWidget
    )

    def act(self, item: ChecklistItem, by: Any) -> None:
        """Record the finding."""
        actions.report_finding(item, by=by, **self.cleaned_data)


class AcceptForm(ItemForm):
    """It is not met, and accepted."""

    title, button = "Accept it under a condition", "Accept"

    condition = forms.CharField(label="What is to be done", widget=_words())
    severity = forms.TypedChoiceField(
        coerce=int, choices=[(n, str(n)) for n in range(1, 5)], initial=3, widget=UnfoldAdminSelectWidget
    )
    owner = forms.ModelChoiceField(Person.objects.order_by("name"), widget=UnfoldAdminSelect2Widget)
    due_on = _day(label="Due", help_text="Overdue, it opens the item again.")

    def act(self, item: ChecklistItem, by: Any) -> None:
        """Accept it."""
        actions.accept_item(item, by=by, **self.cleaned_data)


class AsideForm(ItemForm):
    """It does not apply."""

    title, button = "It does not apply", "Set it aside"

    side = forms.TypedChoiceField(
        label="For",
        coerce=Side,
        choices=[(side.value, side.value) for side in (Side.DEVELOPERS, Side.OPERATIONS)],
        widget=UnfoldAdminSelectWidget,
        help_text="It does not apply once both sides say so.",
    )
    remark = forms.CharField(label="Why", widget=_words())

    def act(self, item: ChecklistItem, by: Any) -> None:
        """Say so for one side."""
        actions.set_item_aside(item, by=by, **self.cleaned_data)


class AssignForm(ItemForm):
    """Who sees to it."""

    title, button, attested_only = "Who sees to it", "Assign", False

    to = forms.ModelChoiceField(
        Person.objects.order_by("name"), required=False, label="Person", widget=UnfoldAdminSelect2Widget
    )
    due_on = _day(label="Due", required=False)

    def act(self, item: ChecklistItem, by: Any) -> None:
        """Assign it."""
        actions.assign_item(item, by=by, **self.cleaned_data)


class CommentForm(ItemForm):
    """A word about it."""

    title, button, attested_only = "Comment", "Comment", False

    text = forms.CharField(label="Text", widget=_words())

    def act(self, item: ChecklistItem, by: Any) -> None:
        """Comment it."""
        actions.comment_review(item.review, item=item, by=by, **self.cleaned_data)


class FulfilForm(ItemForm):
    """Its condition is fulfilled."""

    title, button = "Its condition", "It is fulfilled"

    condition = forms.ModelChoiceField(Condition.objects.none(), widget=forms.HiddenInput)

    def act(self, item: ChecklistItem, by: Any) -> None:
        """Fulfil it."""
        actions.fulfil_condition(self.cleaned_data["condition"], by=by)


FORMS: dict[str, type[ItemForm]] = {
    "attest": AttestForm,
    "finding": FindingForm,
    "accept": AcceptForm,
    "aside": AsideForm,
    "assign": AssignForm,
    "comment": CommentForm,
}
"""What can be done with an item of an open review, by the name of its button."""


def forms_of(item: ChecklistItem, move: str = "", data: Any = None) -> dict[str, ItemForm]:
    """The forms that an item has now; the one that was sent carries its data."""
    condition = item.conditions.filter(fulfilled_at=None).first()
    kinds = {
        name: kind
        for name, kind in FORMS.items()
        if item.review.state == "open" and (item.days is not None or not kind.attested_only)
    }
    made = {
        name: kind(data if name == move else None, prefix=name, auto_id=f"{name}_%s")
        for name, kind in kinds.items()
    }
    if condition is not None:
        form = FulfilForm(
            data if move == "fulfil" else None, prefix="fulfil", initial={"condition": condition}
        )
        form.fields["condition"].queryset = Condition.objects.filter(pk=condition.pk)  # type: ignore[attr-defined]  # a field of models
        made["fulfil"] = form
    return made
