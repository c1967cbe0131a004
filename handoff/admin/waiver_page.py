"""The page of one waiver: who asked and decided why, which scorecards relied on it, what can be done now."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from handoff import actions
from handoff.admin.transitions import VIEW as VIEW_TRANSITIONS
from handoff.admin.waiver_words import left_label, state_label, target_words
from handoff.models import Transition
from readiness.admin.labels import moment, words
from readiness.models import Scorecard, Waiver

LOOKED_AT = 1_000
"""So many of the service's newest scorecards are looked at: half a year's, judged five times a day."""
SHOWN = 5

_ACTS: Final[dict[str, Callable[..., Waiver]]] = {
    "approve": actions.approve_waiver,
    "refuse": actions.refuse_waiver,
    "withdraw": actions.withdraw_waiver,
    "revoke": actions.revoke_waiver,
}
_DONE: Final[dict[str, str]] = {
    "approve": "The waiver counts from now on; the service is being judged again.",
    "refuse": "The waiver is refused.",
    "withdraw": "The waiver is withdrawn.",
    "revoke": "The waiver counts no more; the service is being judged again.",
}


@dataclass(frozen=True, slots=True)
class Move:
    """Something that can be done about it now, and why this person may not."""

    name: str
    obstacle: str


@dataclass(frozen=True, slots=True)
class Relied:
    """A scorecard whose verdicts named the waiver."""

    pk: int
    at: str
    kind: str
    verdicts: str


class DecisionForm(forms.Form):
    """What is done, and why."""

    move = forms.ChoiceField(choices=[(name, name) for name in _ACTS], widget=forms.HiddenInput)
    reason = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="It is kept with your name. Refusing and revoking take one.",
    )


def show(
    admin: ModelAdmin, request: HttpRequest, waiver: Waiver, *, form: DecisionForm | None = None
) -> HttpResponse:
    """The page; ``form`` has what was wrong with a decision."""
    moves = [Move(name, why) for name, why in actions.waiver_moves(waiver, request.user).items()]  # type: ignore[arg-type]  # logged in
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": waiver,
        "title": f"Waiver of {waiver.target}",
        "waiver": waiver,
        "what": target_words(waiver.target),
        "state": state_label(waiver.state),
        "left": left_label(waiver),
        "moves": moves,
        "open": [move for move in moves if not move.obstacle],
        "form": form or DecisionForm(),
        "transitions": _transitions(request, waiver),
        "looked_at": LOOKED_AT,
        **_reliance(waiver),
    }
    return TemplateResponse(request, "handoff/waiver.html", context)


def decide(admin: ModelAdmin, request: HttpRequest, waiver: Waiver) -> HttpResponse:
    """Do one move, and go back to the page. Raises ``PermissionDenied`` for somebody who may not."""
    page = HttpResponseRedirect(reverse("admin:readiness_waiver_change", args=[waiver.pk]))
    if request.method != "POST":
        return page
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return show(admin, request, waiver, form=form)
    move, reason = form.cleaned_data["move"], form.cleaned_data["reason"]
    try:
        _ACTS[move](waiver, by=request.user, reason=reason)
    except actions.NotAllowedError as refused:
        raise PermissionDenied(str(refused)) from refused
    except actions.MovedError as refused:
        messages.warning(request, str(refused))
    except actions.InvalidError as refused:
        form.add_error("reason", str(refused))
        return show(admin, request, waiver, form=form)
    else:
        messages.success(request, _DONE[move])
    return page


def _transitions(request: HttpRequest, waiver: Waiver) -> list[Transition]:
    if not request.user.has_perm(VIEW_TRANSITIONS):
        return []
    story = Transition.objects.filter(subject=Transition.Subject.WAIVER, subject_id=waiver.pk)
    return list(story.order_by("pk"))


def _reliance(waiver: Waiver) -> dict[str, Any]:
    """The newest scorecards that relied on it, and how many did; only while it was live could any."""
    rows = _while_live(waiver)
    relied = [
        Relied(pk, moment(at), kind, ", ".join(said))
        for pk, at, kind, verdicts in rows
        if (said := list(_naming(waiver, verdicts or {})))
    ]
    return {"relied": relied[:SHOWN], "relied_number": len(relied), "capped": len(rows) == LOOKED_AT}


def _while_live(waiver: Waiver) -> list[tuple[int, dt.datetime, str, Any]]:
    """Key, moment, kind and verdicts of the service's scorecards of that time, by its index; one query."""
    if waiver.approved_at is None:
        return []
    until = min(waiver.ends_at, waiver.revoked_at or waiver.ends_at)
    cards = Scorecard.objects.filter(service=waiver.service_id, at__gte=waiver.approved_at, at__lt=until)
    rows = cards.order_by("-at", "-pk").values_list("pk", "at", "kind", "numbers__verdicts")
    return list(rows[:LOOKED_AT])


def _naming(waiver: Waiver, verdicts: dict[str, Any]) -> Iterator[str]:
    for name, verdict in verdicts.items():
        if verdict and waiver.pk in verdict["waivers"]:
            yield f"{name}: {words(verdict['verdict'])}"
