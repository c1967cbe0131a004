"""Excluding rows of evidence from judgement, and taking them back: actions of the lists, form, and record."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from readiness import exclusions
from readiness.admin.filters import BetweenFilter
from readiness.admin.labels import actor, label, span
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.measures.arrivals import HAPPENED
from readiness.models import Evidence, Exclusion

MOST = 500
"""Rows that one form changes: as many as somebody can have looked at."""
EXCLUDE, TAKE_BACK = "Exclude from judgement", "Take back into judgement"


View = Callable[..., HttpResponse]


def _row_action(**told: Any) -> Callable[[View], View]:
    """An action of each row; the library ships no types."""
    made: Callable[[View], View] = action(**told)
    return made


class ReasonForm(forms.Form):
    """Which rows, and why."""

    rows = forms.CharField(widget=forms.HiddenInput)
    back = forms.CharField(widget=forms.HiddenInput, required=False)
    reason = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="It stays on record with your name, and is shown wherever somebody asks what changed.",
    )

    def clean_rows(self) -> list[int]:
        """Keys of rows, written with commas between them."""
        keys = self.cleaned_data["rows"].split(",")
        if not all(key.isdecimal() and len(key) < 19 for key in keys) or len(keys) > MOST:
            raise forms.ValidationError("These are no rows: begin again from the list.")
        return [int(key) for key in keys]


class Excludable(ModelAdmin):
    """What a list of evidence needs so that its rows can be taken out of judgement and back."""

    actions: Any = ("exclude_selected", "take_back_selected")
    actions_row = ("exclude_one", "take_back_one")
    change_form_before_template = "readiness/fragments/exclusions.html"

    def has_exclude_permission(self, request: HttpRequest) -> bool:
        """SRE leads have it."""
        return request.user.has_perm("readiness.add_exclusion")

    def get_urls(self) -> list[URLPattern]:
        """The two forms, before Django's addresses."""
        wrap, name = self.admin_site.admin_view, f"readiness_{self.opts.model_name}"
        own = [
            path("exclude/", wrap(self.exclude_view), name=f"{name}_exclude"),
            path("take-back/", wrap(self.take_back_view), name=f"{name}_take_back"),
        ]
        urls: list[URLPattern] = super().get_urls()
        return own + urls

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """A row's page, with who excluded it and the button that goes with its state."""
        row = self.get_object(request, object_id)
        known = {} if row is None else self._standing(request, row)
        page: HttpResponse = super().change_view(request, object_id, extra_context=known)
        return page

    def _standing(self, request: HttpRequest, row: Evidence) -> dict[str, Any]:
        way = "take_back" if row.excluded else "exclude"
        address = reverse(f"admin:readiness_{self.opts.model_name}_{way}")
        return {
            "rd_row": row,
            "rd_why_not": [word for word in ("drill", "withdrawn", "excluded") if getattr(row, word)],
            "rd_exclusions": exclusions.history(row),
            "rd_way": TAKE_BACK if row.excluded else EXCLUDE,
            "rd_way_url": f"{address}?rows={row.pk}" if self.has_exclude_permission(request) else "",
        }

    @admin.action(description=EXCLUDE, permissions=["exclude"])
    def exclude_selected(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        """The form for what is selected in the list."""
        return self._selected(request, rows, excluded=True)

    @admin.action(description=TAKE_BACK, permissions=["exclude"])
    def take_back_selected(self, request: HttpRequest, rows: "QuerySet[Any]") -> HttpResponse | None:
        """The form for what is selected in the list."""
        return self._selected(request, rows, excluded=False)

    @_row_action(description=EXCLUDE, permissions=["exclude"], url_path="exclude-one")
    def exclude_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The form for one row."""
        return HttpResponseRedirect(
            f"{reverse(f'admin:readiness_{self.opts.model_name}_exclude')}?rows={object_id}"
        )

    @_row_action(description=TAKE_BACK, permissions=["exclude"], url_path="take-back-one")
    def take_back_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The form for one row."""
        return HttpResponseRedirect(
            f"{reverse(f'admin:readiness_{self.opts.model_name}_take_back')}?rows={object_id}"
        )

    def exclude_view(self, request: HttpRequest) -> HttpResponse:
        """Takes rows out of judgement."""
        return self._ask(request, excluded=True)

    def take_back_view(self, request: HttpRequest) -> HttpResponse:
        """Lets rows count again."""
        return self._ask(request, excluded=False)

    def _selected(
        self, request: HttpRequest, rows: "QuerySet[Any]", *, excluded: bool
    ) -> HttpResponse | None:
        keys = list(rows.values_list("pk", flat=True)[: MOST + 1])
        if len(keys) > MOST:
            messages.error(request, f"At most {MOST} rows at once: filter the list so that fewer are left.")
            return None
        first = {"rows": ",".join(map(str, keys)), "back": request.GET.urlencode()}
        return self._form_page(request, ReasonForm(initial=first), keys, excluded=excluded)

    def _ask(self, request: HttpRequest, *, excluded: bool) -> HttpResponse:
        if not (self.has_exclude_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied("Excluding rows takes the right to add exclusions, which SRE leads have.")
        form = ReasonForm(request.POST if request.method == "POST" else request.GET)
        valid = form.is_valid()
        keys = form.cleaned_data.get("rows", [])
        if request.method == "POST" and valid:
            return self._changed(request, form, excluded=excluded)
        if request.method != "POST":
            form = ReasonForm(initial={"rows": ",".join(map(str, keys)), "back": ""})
        return self._form_page(request, form, keys, excluded=excluded)

    def _changed(self, request: HttpRequest, form: ReasonForm, *, excluded: bool) -> HttpResponse:
        keys, change = form.cleaned_data["rows"], exclusions.exclude if excluded else exclusions.take_back
        asked = self.model._default_manager.filter(pk__in=keys)  # noqa: SLF001 - documented by Django
        changed = change(asked, actor=actor(request), reason=form.cleaned_data["reason"])
        if changed:
            messages.success(request, _said(changed, excluded=excluded))
        else:
            messages.warning(request, "Nothing changed: somebody did the same just now.")
        name = f"admin:readiness_{self.opts.model_name}"
        if len(keys) == 1 and not form.cleaned_data["back"]:
            return HttpResponseRedirect(reverse(f"{name}_change", args=keys))
        return HttpResponseRedirect(f"{reverse(f'{name}_changelist')}?{form.cleaned_data['back']}")

    def _form_page(
        self, request: HttpRequest, form: ReasonForm, keys: list[int], *, excluded: bool
    ) -> HttpResponse:
        rows = self.get_queryset(request).filter(pk__in=keys).select_related("service")
        changing = [row for row in rows if row.excluded is not excluded]
        happened = HAPPENED[self.model]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": EXCLUDE if excluded else TAKE_BACK,
            "excluding": excluded,
            "form": form,
            "rows": [(row, getattr(row, happened), _words(row)) for row in changing],
            "staying": len(rows) - len(changing),
            "action": reverse(
                f"admin:readiness_{self.opts.model_name}_{'exclude' if excluded else 'take_back'}"
            ),
            "soon": _soon(),
        }
        return TemplateResponse(request, "readiness/exclude.html", context)


def _words(row: Any) -> str:
    """What a row is about, as far as it says so in words."""
    known = (
        getattr(row, name, None) for name in ("title", "finding", "alert", "version", "name", "pipeline")
    )
    return next((said for said in known if said), "")


def _said(changed: list[Exclusion], *, excluded: bool) -> str:
    number = len(changed)
    what = "1 row is" if number == 1 else f"{number} rows are"
    done = "excluded from judgement" if excluded else "taken back into judgement"
    whose = "Its service is" if len({each.service_id for each in changed}) == 1 else "Their services are"
    return f"{what} {done}. {whose} judged again within about {_soon()}."


def _soon() -> str:
    seconds = settings.REJUDGE_AFTER.total_seconds()
    return "a minute" if seconds <= 60 else span(settings.REJUDGE_AFTER)


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyAdmin):
    """Who took which row out of judgement or back into it."""

    list_display = ("at", "service", "kind", "row_link", "what", "actor", "reason")
    list_select_related = ("service",)
    list_filter = (
        ("service", AutocompleteSelectFilter),
        ("kind", ChoicesDropdownFilter),
        ("excluded", BooleanRadioFilter),
        ("at", BetweenFilter),
    )
    search_fields = ("row__startswith", "actor__icontains", "reason__icontains")
    search_help_text = "The beginning of source:id, or words of the person or the reason"
    ordering = ("-at", "-pk")
    empty_says = (
        "No row was ever taken out of judgement. An SRE lead can do so from each list of evidence: select "
        "rows, then “Exclude from judgement”."
    )

    @admin.display(description="row")
    def row_link(self, exclusion: Exclusion) -> SafeString:
        """The row's own page."""
        page = f"admin:readiness_{exclusion.kind.replace('_', '')}_change"
        return format_html(
            '<a class="rd-link" href="{}">{}</a>', reverse(page, args=[exclusion.row_id]), exclusion.row
        )

    @admin.display(description="change", ordering="excluded")
    def what(self, exclusion: Exclusion) -> SafeString:
        """Which way it went."""
        return label("excluded", "warn") if exclusion.excluded else label("taken back", "good")
