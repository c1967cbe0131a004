"""Consultants: the list, the page of each with its notes, naming and ending; the filter of the fleet list."""

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from handoff.actions import (
    InvalidError,
    MovedError,
    NotAllowedError,
    RefusedError,
    advise,
    end_consulting,
    name_consultant,
)
from handoff.actions.consulting import WHO_NAMES, check_advising, check_ending
from handoff.admin.consultant_forms import NamingForm, NoteForm, People, ReasonForm, Services, chosen
from handoff.models import AdviceNote, Consultant, Transition
from handoff.models.consultant import advisable, without_consultant
from readiness import clock, rights
from readiness.admin.exports import Columns
from readiness.admin.filters import BetweenFilter, ChoiceFilter, OpenFilter
from readiness.admin.labels import label
from readiness.admin.policy_page import is_key
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import Service

VIEW = "handoff.view_consultant"
LIST = "admin:handoff_consultant_changelist"
PERSON = ("person", AutocompleteSelectFilter)
NOTES = 200
"""So many of a consultant's notes are shown, the newest."""
NEWEST = 3
"""So many of a service's notes are shown on its page."""


class StillAdvisingFilter(OpenFilter):
    """Whether it goes on."""

    title = "whether it goes on"
    parameter_name = "advising"
    options = [("yes", "advising"), ("no", "ended")]
    ended = "ended_at"


class AdvisedFilter(ChoiceFilter):
    """Of the fleet list: whether somebody advises."""

    title = "consultant"
    parameter_name = "consultant"
    options = [("none", "without a consultant (live, developer-managed)"), ("some", "with a consultant")]

    def condition(self, value: str) -> Q | None:
        """Services without one are those that should have one."""
        if value == "none":
            return Q(pk__in=without_consultant(clock.now()).values("pk"))
        return Q(pk__in=Consultant.objects.advising().values("service")) if value == "some" else None


@admin.register(Consultant)
class ConsultantAdmin(ReadOnlyAdmin):
    """Who advises on which service, and who did."""

    change_list_template = "handoff/consultants.html"
    list_before_template = "handoff/fragments/why_not_name.html"
    list_display = (
        *("service", "person", "now", "began_at", "ended_at"),
        *("all_hours", "all_notes", "late_hours", "late_notes", "newest"),
    )
    list_select_related = ("service", "person")
    list_filter = (
        StillAdvisingFilter,
        ("service", AutocompleteSelectFilter),
        PERSON,
        ("began_at", BetweenFilter),
    )
    search_fields = ("service__slug", "service__title", "person__name")
    search_help_text = "A service's slug or title, or a consultant's name"
    ordering = ("-began_at", "-pk")
    empty_says = (
        "Nobody was named yet. The fleet list's filter “consultant” shows the services that their developers "
        "run and nobody advises on."
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Consultant]":
        """With what each did, up to today."""
        rows: QuerySet[Consultant] = super().get_queryset(request)
        return cast("Any", rows).with_advice(clock.now().date())  # type: ignore[no-any-return]  # of its manager

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Looking for people takes the right to view them."""
        shown = super().get_list_filter(request)
        may = request.user.has_perm("readiness.view_person")
        return [each for each in shown if may or each != PERSON]

    def get_urls(self) -> list[URLPattern]:
        """The forms and what they look up, before Django's."""
        wrap, name = self.admin_site.admin_view, "handoff_consultant"
        own = [
            path("name/", wrap(self.name_view), name=f"{name}_name"),
            path("people/", wrap(People.as_view(admin_site=self.admin_site)), name=f"{name}_people"),
            path("services/", wrap(Services.as_view(admin_site=self.admin_site)), name=f"{name}_services"),
            path("<int:pk>/end/", wrap(self.end_view), name=f"{name}_end"),
            path("<int:pk>/note/", wrap(self.note_view), name=f"{name}_note"),
        ]
        urls: list[URLPattern] = super().get_urls()
        return own + urls

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the button that names one, or why there is none."""
        why_not = "" if request.user.has_perm(rights.NAME_CONSULTANT) else WHO_NAMES
        told = {**(extra_context or {}), "why_not_name": why_not}
        answer: HttpResponse = super().changelist_view(request, told)
        return answer

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """One consultant with the notes, and the buttons for those who may."""
        consultant, by = self._found(request, object_id), _user(request)
        history = Transition.objects.filter(
            subject=Transition.Subject.CONSULTANT, subject_id=consultant.pk
        ).order_by("at", "pk")
        context = {
            **self._frame(request, str(consultant)),
            "consultant": consultant,
            "now": self.now(consultant),
            "notes": list(consultant.notes.all()[:NOTES]),
            "history": list(history) if request.user.has_perm("handoff.view_transition") else [],
            "why_not_end": _hindrance(lambda: check_ending(consultant, by=by)),
            "why_not_note": _hindrance(lambda: check_advising(consultant, by=by)),
        }
        return TemplateResponse(request, "handoff/consultant.html", context)

    def name_view(self, request: HttpRequest) -> HttpResponse:
        """The form that names one, and what comes of it."""
        if not request.user.has_perm(rights.NAME_CONSULTANT):
            raise PermissionDenied(WHO_NAMES)
        form = NamingForm(request.POST or None, initial=chosen(request.GET))
        made = _done(request, form, lambda **said: name_consultant(**said, by=_user(request)))
        if made:
            self.log_addition(request, made, "Named.")
            return self._told(request, made, f"{made.person} advises on {made.service} from now on.")
        return self._form(request, form, title="Name a consultant", back=reverse(LIST))

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Asks once, and ends it."""
        consultant, by = self._found(request, pk), _user(request)
        try:
            check_ending(consultant, by=by)
        except NotAllowedError as error:
            raise PermissionDenied(str(error)) from error
        except MovedError as error:
            messages.info(request, str(error))
            return HttpResponseRedirect(_page_of(consultant))
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if _done(request, form, lambda **said: end_consulting(consultant, **said, by=by)):
            self.log_change(request, consultant, "Ended.")
            return self._told(request, consultant, f"{consultant.person} advises no more. The notes stay.")
        return self._form(
            request, form, title=f"End {consultant}", button="End it", back=_page_of(consultant)
        )

    def note_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form for a note, and what comes of it."""
        consultant, by = self._found(request, pk), _user(request)
        if why_not := _hindrance(lambda: check_advising(consultant, by=by)):
            raise PermissionDenied(why_not)
        form = NoteForm(request.POST or None, initial={"given_on": clock.now().date()})
        if _done(request, form, lambda **said: advise(consultant, **said, by=by)):
            return self._told(request, consultant, "The note is kept.")
        return self._form(
            request, form, title=f"Note of {consultant}", button="Keep the note", back=_page_of(consultant)
        )

    def _found(self, request: HttpRequest, pk: str | int) -> Consultant:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related("service", "person")
        return get_object_or_404(rows, pk=pk if is_key(str(pk)) else 0)

    def _told(self, request: HttpRequest, consultant: Consultant, said: str) -> HttpResponse:
        messages.success(request, said)
        return HttpResponseRedirect(_page_of(consultant))

    def _form(
        self, request: HttpRequest, form: forms.Form, *, title: str, back: str, button: str = ""
    ) -> HttpResponse:
        context = {**self._frame(request, title), "form": form, "back": back, "button": button or title}
        return TemplateResponse(request, "handoff/consultant_form.html", context)

    def _frame(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}

    def exported(self) -> Columns:
        """What a row of the list says."""
        return EXPORTED

    @admin.display(description="now", ordering="ended_at")
    def now(self, consultant: Consultant) -> SafeString:
        """Whether it goes on."""
        return label(consultant.state, "good" if consultant.state == "advising" else "plain")

    @admin.display(description="hours", ordering="hours")
    def all_hours(self, consultant: Any) -> str:
        """Of all notes."""
        return f"{consultant.hours:,.2f}"

    @admin.display(description="notes", ordering="noted")
    def all_notes(self, consultant: Any) -> str:
        """How many."""
        return str(consultant.noted)

    @admin.display(description="hours, 90 days", ordering="hours_lately")
    def late_hours(self, consultant: Any) -> str:
        """Of the notes of the last 90 days."""
        return f"{consultant.hours_lately:,.2f}"

    @admin.display(description="notes, 90 days", ordering="noted_lately")
    def late_notes(self, consultant: Any) -> str:
        """How many in the last 90 days."""
        return str(consultant.noted_lately)

    @admin.display(description="newest note", ordering="newest_on")
    def newest(self, consultant: Any) -> str:
        """Its day."""
        return str(consultant.newest_on or "none")


EXPORTED: Columns = {
    "service": lambda row: row.service.slug,
    "person": lambda row: row.person.slug,
    "name": lambda row: row.person.name,
    "state": lambda row: row.state,
    "began_at": lambda row: row.began_at,
    "ended_at": lambda row: row.ended_at,
    "hours": lambda row: float(row.hours),
    "notes_written": lambda row: row.noted,
    "hours_90_days": lambda row: float(row.hours_lately),
    "notes_written_90_days": lambda row: row.noted_lately,
    "newest_note_on": lambda row: row.newest_on,
}
"""Named as over REST."""


def part(request: HttpRequest, service: Service) -> dict[str, Any]:
    """Who advises on a service and what was advised, for its page."""
    told: dict[str, Any] = {"template": "handoff/fragments/consultants.html"}
    if not request.user.has_perm(VIEW):
        return told
    now = clock.now()
    everybody: Any = Consultant.objects.filter(service=service).with_advice(now.date())
    rows = list(everybody.select_related("person"))
    open_to_advice = advisable(now).filter(pk=service.pk).exists()
    notes = AdviceNote.objects.filter(consultant__service=service).select_related("consultant__person")
    may = request.user.has_perm(rights.NAME_CONSULTANT, service)
    query = urlencode({"service": service.pk})
    return {
        **told,
        "shown": bool(rows) or open_to_advice,
        "rows": [row for row in rows if row.ended_at is None],
        "past": len([row for row in rows if row.ended_at is not None]),
        "everybody_url": f"{reverse(LIST)}?{urlencode({'service__id__exact': service.pk})}",
        "notes": list(notes[:NEWEST]) if any(row.noted for row in rows) else [],
        "name_url": f"{reverse('admin:handoff_consultant_name')}?{query}" if open_to_advice and may else "",
        "why_not": WHO_NAMES if open_to_advice else "Its developers do not run it: nobody is named.",
    }


def _done(request: HttpRequest, form: forms.Form, act: Callable[..., Any]) -> Any:
    """What the action of a filled form answers; where it is refused, nothing, and the form says why."""
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        return act(**form.cleaned_data)
    except InvalidError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
    except MovedError as error:
        form.add_error(None, str(error))
    except NotAllowedError as error:
        raise PermissionDenied(str(error)) from error
    return None


def _hindrance(check: Callable[[], object]) -> str:
    """Why an action would be refused; empty where nothing stands in its way."""
    try:
        check()
    except RefusedError as error:
        return str(error)
    return ""


def _page_of(consultant: Consultant) -> str:
    return reverse("admin:handoff_consultant_change", args=[consultant.pk])


def _user(request: HttpRequest) -> User:
    user: User = request.user  # type: ignore[assignment]  # the admin lets nobody else in
    return user
