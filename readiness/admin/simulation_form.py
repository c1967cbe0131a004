"""Asks for a simulation or a backtest of a policy version."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from readiness import clock, simulation
from readiness.admin.labels import actor
from readiness.models import PolicyVersion, Simulation
from readiness.nudging import nudge
from readiness.tasks import run_simulation

YEAR = 364
HORIZON = 90
_DATE = {"type": "date"}


class MomentsForm(forms.Form):
    """As of when: the last day, how far back, and how often."""

    since = forms.DateField(
        label="From",
        widget=UnfoldAdminTextInputWidget(attrs=_DATE),
        help_text="No moment before this day (UTC) is judged.",
    )
    until = forms.DateField(
        label="To",
        widget=UnfoldAdminTextInputWidget(attrs=_DATE),
        help_text="The last moment; the others are counted back from it. Today means now, else 00:00 UTC.",
    )
    every = forms.IntegerField(
        label="Days between moments",
        min_value=1,
        max_value=366,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def clean(self) -> dict[str, Any]:
        """As moments, the first of them a whole number of steps before the last."""
        asked: dict[str, Any] = self.cleaned_data
        if self.errors:
            return asked
        now = clock.now()
        if asked["until"] > now.date():
            self.add_error("until", f"That is in the future: today is {now:%Y-%m-%d}.")
        elif asked["until"] < asked["since"]:
            self.add_error("until", "That is before the first day.")
        else:
            every = dt.timedelta(days=asked["every"])
            until = now.replace(microsecond=0) if asked["until"] == now.date() else _midnight(asked["until"])
            asked["first"] = until - (until - _midnight(asked["since"])) // every * every
            asked["last"] = until
        return asked


class HorizonForm(MomentsForm):
    """Also how far after each moment to look."""

    horizon = forms.IntegerField(
        label="Horizon in days",
        min_value=1,
        max_value=1_000,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="What came in so many days after a judgement is put beside it; they must have passed.",
    )


def show(admin: ModelAdmin, request: HttpRequest, version: PolicyVersion, *, kind: str) -> HttpResponse:
    """The form, and what comes of it."""
    if kind not in Simulation.Kind.values:
        raise Http404
    if not request.user.has_perm("readiness.add_simulation"):
        raise PermissionDenied(
            "Simulating takes the right to add simulations, which leads and ops engineers have."
        )
    which = HorizonForm if kind == Simulation.Kind.BACKTEST else MomentsForm
    form = which(request.POST) if request.method == "POST" else which(initial=_usual(kind))
    if request.method == "POST" and form.is_valid():
        row = _asked(form, request, version)
        if row is not None:
            return HttpResponseRedirect(reverse("admin:readiness_simulation_change", args=[row.pk]))
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "version": version,
        "kind": kind,
        "title": f"{'Backtest' if kind == Simulation.Kind.BACKTEST else 'Simulate'} {version}",
        "form": form,
    }
    return TemplateResponse(request, "readiness/ask_simulation.html", context)


def _usual(kind: str) -> dict[str, Any]:
    """The last twelve weeks, weekly; of a backtest the year that ends a horizon ago, every four weeks."""
    today = clock.now().date()
    if kind == Simulation.Kind.BACKTEST:
        until = today - dt.timedelta(days=HORIZON)
        return {"since": until - dt.timedelta(days=YEAR), "until": until, "every": 28, "horizon": HORIZON}
    return {"since": today - dt.timedelta(days=84), "until": today, "every": 7}


def _asked(form: forms.Form, request: HttpRequest, version: PolicyVersion) -> Simulation | None:
    found = form.cleaned_data
    ask = simulation.Ask(version, found["first"], found["last"], found["every"], found.get("horizon"))
    try:
        row = simulation.request(ask, requested_by=actor(request))
    except ValueError as error:
        said = str(error)
        form.add_error(None, f"{said[:1].upper()}{said[1:]}.")
        return None
    if not nudge(run_simulation, row.pk):
        messages.warning(request, "The broker does not answer: it begins when the worker's sweep finds it.")
    return row


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
