"""Cases: the list, and a page that says where one is and what this person may do about it, or why not."""

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from handoff import actions
from handoff.admin import case_forms, shadow_pages
from handoff.admin.reviews import state_label as review_state
from handoff.models import Case, Review, StabilisationItem
from handoff.reporting import items_left, report, share, watched
from handoff.shadowing import GOOD, Tally
from readiness import clock, rights
from readiness.admin.charts import range_bar
from readiness.admin.labels import Tone, label
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import Service

SHOWN = 5
PAGE = "admin:handoff_case_change"
TONES: dict[str, Tone] = {
    "proposed": "warn",
    "in_review": "warn",
    "approved": "warn",
    "shadowing": "warn",
    "backed_up": "good",
    "completed": "good",
    "joint_repair": "warn",
    "stabilising": "warn",
    "stabilised": "good",
}


class OpenFilter(admin.SimpleListFilter):
    """Cases under way, and those among them whose plan is overdue."""

    title, parameter_name = "open", "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What can be asked for."""
        return [("yes", "open"), ("overdue", "open, with overdue plan items"), ("no", "ended")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Those asked for."""
        if self.value() in {"yes", "no"}:
            return queryset.filter(ended_at__isnull=self.value() == "yes")
        late = StabilisationItem.objects.filter(
            case=OuterRef("pk"), done_at__isnull=True, due_on__lt=clock.now().date()
        )
        return queryset.filter(Exists(late), ended_at__isnull=True) if self.value() else queryset


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin):
    """Every case. Decisions are made on its page."""

    list_display = (
        "opened_at",
        "service",
        "what",
        "stage",
        "trigger",
        "proposer",
        "overdue",
        "reason",
    )
    list_select_related = ("service",)
    list_filter = (
        OpenFilter,
        ("service", AutocompleteSelectFilter),
        ("kind", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("handback_kind", ChoicesDropdownFilter),
    )
    search_fields = ("service__slug", "reason", "proposer")
    search_help_text = "Slug of a service, words of the reason, or who proposed it"
    ordering = ("-opened_at", "-pk")
    empty_says = (
        "No case yet. Rules propose handoffs and handbacks from scorecards; members of the teams of a "
        "service and SRE leads propose them on its page."
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Case]":
        """With how many plan items are overdue."""
        late = Q(plan__done_at__isnull=True, plan__due_on__lt=clock.now().date())
        rows: QuerySet[Case] = super().get_queryset(request).annotate(late=Count("plan", filter=late))
        return rows

    def get_urls(self) -> list[URLPattern]:
        """With the forms, the pages of a shadow and the printable page."""
        wrap = self.admin_site.admin_view
        own = [
            path(
                "propose-handoff/<int:service>/",
                wrap(self.propose_handoff_view),
                name="handoff_case_propose_handoff",
            ),
            path("propose/<int:service>/", wrap(self.propose_view), name="handoff_case_propose"),
            path("<int:pk>/do/<slug:step>/", wrap(self.step_view), name="handoff_case_step"),
            path("<int:pk>/pages/", wrap(self.pages_view), name="handoff_case_pages"),
            path("<int:pk>/print/", wrap(self.print_view), name="handoff_case_print"),
        ]
        urls: list[URLPattern] = super().get_urls()
        return own + urls

    @admin.display(description="kind", ordering="kind")
    def what(self, case: Case) -> str:
        """Handoff or handback, and which."""
        return case.about

    @admin.display(description="state", ordering="state")
    def stage(self, case: Case) -> Any:
        """Where it is."""
        return _state(case)

    @admin.display(description="overdue", ordering="late")
    def overdue(self, case: Any) -> Any:
        """Plan items of an open case whose day has passed."""
        if not case.late or case.ended_at:
            return "–"
        return label(f"{case.late} plan item{'s' if case.late > 1 else ''}", "bad")

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """The page of a case."""
        case = self._case(request, object_id)
        steps = case_forms.steps(case, request.user)
        more = {"steps": steps, "refusals": case_forms.refusals(steps), "state": _state(case)}
        return self._page(request, case, "handoff/case.html", **more, **_told(case))

    def pages_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The pages of a handoff's shadow, to be assessed one by one."""
        return shadow_pages.show(self, request, self._case(request, pk))

    def print_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What a management meeting would ask, on paper."""
        case = self._case(request, pk)
        return self._page(request, case, "handoff/case_print.html", report=report(case))

    def propose_view(self, request: HttpRequest, service: int) -> HttpResponse:
        """The form that proposes a handback."""
        found, user = self._movable(request, service)
        form = case_forms.ProposeForm(_posted(request))
        done = f"Proposed that {found} goes back to its developers."
        title, back = (
            f"Propose a handback of {found}",
            reverse("admin:readiness_service_change", args=[found.pk]),
        )
        return self._ask(
            request, form, lambda said: actions.propose_handback(found, by=user, **said),
            title=title, back=back, done=done,
        )  # fmt: skip

    def propose_handoff_view(self, request: HttpRequest, service: int) -> HttpResponse:
        """The form that proposes a handoff."""
        found, user = self._movable(request, service)
        form = case_forms.ProposeHandoffForm(_posted(request))
        return self._ask(
            request, form, lambda said: actions.propose_handoff(found, by=user, **said),
            title=f"Propose a handoff of {found}",
            back=reverse("admin:readiness_service_change", args=[found.pk]),
            done=f"Proposed that operations take {found} over.",
            says="What its newest scorecard says of a handoff then stands beside your reason.",
        )  # fmt: skip

    def _movable(self, request: HttpRequest, service: int) -> tuple[Service, Any]:
        """The service, for a person who may propose to move it, and that person."""
        found = Service.objects.filter(pk=service).first()
        if found is None:
            raise Http404
        user: Any = request.user
        if not user.has_perm(rights.PROPOSE_CASE, found):
            raise PermissionDenied(f"You may not propose to move {found.slug}.")
        return found, user

    def step_view(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        """The form of one step, and what comes of it."""
        case, user = self._case(request, pk), request.user
        known = case_forms.STEPS.get(step)
        if known is None or known.kind not in {"", case.kind}:
            raise Http404
        # what was sent already is refused beside its form, where nothing of it is lost
        if request.method != "POST" and (refused := known.refused(case, user)):
            messages.error(request, refused)
            return HttpResponseRedirect(reverse(PAGE, args=[case.pk]))
        form = known.form(_posted(request), case=case)
        return self._ask(
            request, form, lambda said: _led_to(known.act(case, by=user, **said), case),
            title=f"{known.title}: {case.service}", back=reverse(PAGE, args=[case.pk]), done=known.done,
            says=known.says, **form.beside,
        )  # fmt: skip

    def _ask(self, request: HttpRequest, form: Any, act: Any, **told: Any) -> HttpResponse:
        if request.method == "POST" and form.is_valid():
            try:
                made = act(form.cleaned_data)
            except actions.RefusedError as refused:
                field = getattr(refused, "field", None)
                form.add_error(field if field in form.fields else None, str(refused))
            else:
                self.message_user(request, told["done"])
                address = f"admin:handoff_{made._meta.model_name}_change"  # noqa: SLF001 - Django's way to it
                return HttpResponseRedirect(reverse(address, args=[made.pk]))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "form": form, **told}
        return TemplateResponse(request, "handoff/case_form.html", context)

    def _page(self, request: HttpRequest, case: Case, template: str, **more: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": case,
            "title": f"{case.service}: {case}",
            "case": case,
            **more,
        }
        return TemplateResponse(request, template, context)

    def _case(self, request: HttpRequest, pk: str | int) -> Case:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = Case.objects.select_related("service__owner", "service__ops_team", "repair_owner", "review")
        found = rows.filter(pk=int(pk)).first() if str(pk).isdecimal() and len(str(pk)) < 19 else None
        if found is None:
            raise Http404
        return found


def _state(case: Case) -> SafeString:
    return label(case.get_state_display(), TONES.get(case.state, "plain"))


def _led_to(made: Any, case: Case) -> Case | Review:
    """What a step leads to: a review that it opened, else its case."""
    return made if isinstance(made, Review) else case


def _told(case: Case) -> dict[str, Any]:
    """The report; above it where a handoff stands: its review, its newest shadow and what that lacks."""
    if case.kind != Case.Kind.HANDOFF:
        return {"report": report(case)}
    shadows, review = watched(case), case.review
    newest = shadows[-1] if shadows else None
    return {
        "report": [each for each in report(case, shadows) if newest is None or each.title != newest.title],
        "shadow": newest,
        "shares": _shares(newest.tally) if newest else [],
        "review_state": review and review_state(review),
        "items_left": items_left(review) if review and review.state == Review.State.OPEN else None,
    }


def _shares(tally: Tally) -> list[tuple[str, str, SafeString]]:
    """Of a shadow's pages: how many are critical and actionable, in words and as a picture."""
    counts = {
        "Critical": (tally.critical, tally.critical_share),
        "Actionable": (tally.actionable, tally.actionable_share),
    }
    return [
        (name, share(count, tally), range_bar(of_all and of_all * 100, threshold=GOOD * 100))
        for name, (count, of_all) in counts.items()
    ]


def _posted(request: HttpRequest) -> Any:
    """What was sent: an empty form is sent, too."""
    return request.POST if request.method == "POST" else None


def part(request: HttpRequest, service: Service) -> dict[str, Any]:
    """The newest cases of a service with their overdue plan items, and the way to propose one."""
    user: Any = request.user
    cases = service.cases.prefetch_related("plan__owner")
    shown = list(cases[:SHOWN]) if user.has_perm("handoff.view_case") else []
    today = clock.now().date()
    views = {Case.Kind.HANDBACK.value: "propose", Case.Kind.HANDOFF.value: "propose_handoff"}
    return {
        "template": "handoff/fragments/cases.html",
        "rows": [(case, reverse(PAGE, args=[case.pk]), _late(case, today)) for case in shown],
        "proposable": [
            (kind, reverse(f"admin:handoff_case_{view}", args=[service.pk]))
            for kind, view in views.items()
            if not actions.proposing_obstacle(service, kind, user)
        ],
    }


def _late(case: Case, today: dt.date) -> list[StabilisationItem]:
    return [] if case.ended_at else [item for item in case.plan.all() if item.is_overdue(today)]
