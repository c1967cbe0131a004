"""The form that asks for a waiver; what stands against the service by now is offered first."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldAdminURLInputWidget,
)

from handoff import actions
from handoff.actions.waiving import LONGEST, LONGEST_LINK, SIGNAL_BLOCKER
from handoff.admin.waiver_words import target_words
from readiness import clock, governing, reading, rights
from readiness.criteria import CRITERIA
from readiness.criteria.wording import number
from readiness.evaluation import parsed
from readiness.evidence import SignalName
from readiness.models import Scorecard, Service, Waiver
from readiness.rendering.sentences import BLOCKERS

Choices = list[tuple[str, str]]
NEWEST = "Stand against it by its newest scorecard"
FIELDS = {"ends_at": "ends_on"}
"""Arguments of the action that the form asks for under another name."""


class AskForm(forms.Form):
    """What is to be set aside, why, and until when."""

    target = forms.ChoiceField(label="Set aside", widget=UnfoldAdminSelectWidget)
    reason = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Why the service may do without, and what is done about it meanwhile.",
    )
    url = forms.URLField(
        label="Link",
        required=False,
        max_length=LONGEST_LINK,
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
        help_text="The ticket, the plan, the decision.",
    )
    ends_on = forms.DateField(
        label="Counts until (UTC)",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=f"It ends when this day begins; at most {LONGEST.days} days from now.",
    )

    def __init__(self, targets: list[tuple[str, Choices]], data: Any = None, *, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["target"].choices = [("", "Choose one"), *targets]  # type: ignore[attr-defined]  # a choice field
        today = clock.now().date()
        self.fields["ends_on"].widget.attrs |= {
            "min": (today + dt.timedelta(days=1)).isoformat(),
            "max": (today + LONGEST).isoformat(),
        }

    def ask(self, service: Service, by: Any) -> Waiver | None:
        """Do it; ``None`` where something was refused, which the form says then."""
        said = dict(self.cleaned_data)
        ends_at = dt.datetime.combine(said.pop("ends_on"), dt.time(), dt.UTC)
        try:
            return actions.ask_waiver(service, **said, ends_at=ends_at, by=by)
        except actions.InvalidError as refused:
            field = FIELDS.get(refused.field, refused.field)
            self.add_error(field if field in self.fields else None, str(refused))
        except actions.MovedError as refused:
            self.add_error(None, str(refused))
        return None


def show(admin: ModelAdmin, request: HttpRequest, service: Service) -> HttpResponse:
    """The form, and what comes of it."""
    if not request.user.has_perm(rights.ASK_WAIVER, service):
        raise PermissionDenied("Your teams neither own nor run this service.")
    initial = {"target": request.GET.get("target", "")}
    form = AskForm(targets(service), request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        waiver = form.ask(service, request.user)
        if waiver is not None:
            messages.success(request, "The waiver is asked for. It counts once another person approves it.")
            return HttpResponseRedirect(reverse("admin:readiness_waiver_change", args=[waiver.pk]))
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "service": service,
        "title": f"Ask for a waiver of {service}",
        "form": form,
    }
    return TemplateResponse(request, "handoff/waiver_form.html", context)


def targets(service: Service) -> list[tuple[str, Choices]]:
    """What can be set aside, in groups: what stands against the service now, then the rest."""
    card = reading.latest(service)
    readable = card is not None and not governing.unreadable(card.policy)
    against = list(_against(card)) if card is not None and readable else []
    first = {target for target, _ in against}
    rest = [
        (target, target_words(target)) for target in _all(card if readable else None) if target not in first
    ]
    return [(NEWEST, against), ("All others", rest)] if against else [("All", rest)]


def _against(card: Scorecard) -> Iterator[tuple[str, str]]:
    """Criteria under their threshold or without a score, and blockers."""
    shown = reading.rendered(card)
    for each in shown["criteria"]:
        if each["score"] is None:
            yield each["slug"], f"{each['title']}: cannot be judged"
        elif each["score"] < each["threshold"]:
            yield each["slug"], f"{each['title']}: {number(each['score'])} of {number(each['threshold'])}"
    for blocker in shown["blockers"]:
        yield blocker["code"], f"{blocker['text']} (blocker)"


def _all(card: Scorecard | None) -> Iterator[str]:
    """Everything that judgement compares with a waiver."""
    signals = list(SignalName) if card is None else parsed(card.policy).golden_signals
    yield from (each.slug for each in CRITERIA)
    for code in BLOCKERS:
        if code == SIGNAL_BLOCKER:
            yield from (f"{code}:{signal}" for signal in signals)
        else:
            yield code
