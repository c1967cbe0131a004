"""The pages of a shadow: made for a phone, each with two questions, the ones not assessed yet on top."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from handoff import actions
from handoff.models import Case, PageAssessment, Shadow
from readiness.admin.charts import share_bar
from readiness.admin.labels import label, span
from readiness.hours import time_zone
from readiness.models import Page

SHOWN: Final = 30
"""So many pages stand on one sheet."""
DIGITS: Final = 18
"""A number of more is no key."""


def _yes_or_no(question: str, help_text: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=question,
        help_text=help_text,
        choices=[("yes", "Yes"), ("no", "No")],
        coerce=lambda said: said == "yes",
        widget=forms.RadioSelect,
        error_messages={"required": "Say yes or no."},
    )


class AssessForm(forms.Form):
    """Two questions about a page, and a word, perhaps."""

    critical = _yes_or_no("Critical?", "It was right to wake somebody for it.")
    actionable = _yes_or_no("Actionable?", "Whoever was paged could do something about it.")
    remark = forms.CharField(
        required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 2}), help_text="May stay empty."
    )

    def __init__(self, page: Page, data: Any = None) -> None:
        super().__init__(data, auto_id=f"page-{page.pk}-%s")
        self.page = page

    @property
    def questions(self) -> list[forms.BoundField]:
        """The two that take a yes or no."""
        return [self["critical"], self["actionable"]]


class Word(NamedTuple):
    """What somebody said of a page."""

    words: str
    actor: str
    at: str
    remark: str


@dataclass(frozen=True, slots=True)
class Row:
    """A page as it stands in the list; ``form`` where it may be assessed."""

    page: Page
    at: str
    badges: SafeString
    acknowledged: str
    words: Sequence[Word]
    """The newest first, which counts."""
    form: AssessForm | None


def show(admin: ModelAdmin, request: HttpRequest, case: Case) -> HttpResponse:
    """The list; after an assessment the list again, which begins with the next page."""
    form = _posted(request, case) if request.method == "POST" else None
    if form is not None and form.is_valid():
        try:
            said = actions.assess_page(case, form.page, by=request.user, **form.cleaned_data)  # type: ignore[arg-type]  # logged in
        except actions.RefusedError as refused:
            form.add_error(None, str(refused))
        else:
            admin.message_user(request, f"Saved: {said}.")
            return HttpResponseRedirect(f"{reverse('admin:handoff_case_pages', args=[case.pk])}#next")
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": case,
        "title": f"Pages of {case.service}",
        "case": case,
        "obstacle": actions.assessing_obstacle(case, request.user),  # type: ignore[arg-type]  # as above
    }
    shadow = case.shadows.last()
    if shadow is not None:
        shadow.case = case
        context |= _listed(request, shadow, form=form, may=not context["obstacle"])
    return TemplateResponse(request, "handoff/case_pages.html", context)


def _posted(request: HttpRequest, case: Case) -> AssessForm:
    """The form of the page that something was said of. Raises ``Http404``."""
    key = request.POST.get("page", "")
    found = Page.objects.filter(pk=int(key)).first() if key.isdecimal() and len(key) <= DIGITS else None
    if found is None or found.service_id != case.service_id:
        raise Http404
    return AssessForm(found, request.POST)


def _listed(request: HttpRequest, shadow: Shadow, *, form: AssessForm | None, may: bool) -> dict[str, Any]:
    """The pages of a shadow, one sheet of them, and how many are assessed."""
    pages = actions.pages_of(shadow)
    tally = actions.tally(shadow, pages)
    zone = time_zone(shadow.case.service.owner.time_zone)
    words = _words(shadow.case, pages, zone)
    sheet = Paginator(_in_order(pages, words, form), SHOWN).get_page(request.GET.get("p"))
    return {
        "shadow": shadow,
        "since": _moment(shadow.began_at, zone),
        "until": shadow.ended_at and _moment(shadow.ended_at, zone),
        "zone": zone,
        "tally": tally,
        "progress": share_bar(tally.assessed / (tally.pages or 1), f"{tally.assessed} of {tally.pages}"),
        "sheet": sheet,
        "rows": [_row(page, words.get(page.pk, []), zone, form=_form(page, form, may=may)) for page in sheet],
    }


def _words(case: Case, pages: Iterable[Page], zone: ZoneInfo) -> dict[int, list[Word]]:
    """All that was said, by the key of the page, the newest first."""
    found: dict[int, list[Word]] = {}
    for each in PageAssessment.objects.filter(case=case, page__in=[page.pk for page in pages]):
        said = Word(str(each).capitalize(), each.actor, _moment(each.at, zone), each.remark)
        found.setdefault(each.page_id, []).append(said)
    return found


def _in_order(pages: Sequence[Page], said: Mapping[int, Any], form: AssessForm | None) -> list[Page]:
    """The one whose form was sent, those of which nothing was said, the others; the newest first in each.

    The first is there also where it is none of the shadow's any more: what was typed is not lost.
    """
    sent = [form.page] if form else []
    rest = [page for page in reversed(pages) if page not in sent]
    return [*sent, *sorted(rest, key=lambda page: page.pk in said)]


def _form(page: Page, sent: AssessForm | None, *, may: bool) -> AssessForm | None:
    if sent is not None and sent.page == page:
        return sent
    return AssessForm(page) if may else None


def _row(page: Page, words: Sequence[Word], zone: ZoneInfo, *, form: AssessForm | None) -> Row:
    tags = {"night": page.night, "after hours": page.after_hours and not page.night, "drill": page.drill}
    badges = ((label(tag, "plain" if tag == "drill" else "warn"),) for tag, on in tags.items() if on)
    after = page.acknowledged_at and span(page.acknowledged_at - page.paged_at)
    return Row(
        page=page,
        at=_moment(page.paged_at, zone),
        badges=format_html_join(" ", "{}", badges),
        acknowledged=f"Acknowledged after {after}" if after else "Not acknowledged",
        words=words,
        form=form,
    )


def _moment(at: dt.datetime, zone: ZoneInfo) -> str:
    """``Wed 2026-06-17 11:00``, on the team's clock."""
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}"
