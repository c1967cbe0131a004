"""Reviews: the list, the page of one with its items by topic, and the buttons that are legal now."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RangeDateTimeFilter

from handoff import actions
from handoff.admin.overrides import marked, reviews_with_overrides
from handoff.admin.review_forms import forms_of
from handoff.checklists import Side, Signing
from handoff.checklists.rules import blocking, now_is, same_person
from handoff.models import ChecklistItem, Review
from readiness import clock, rights
from readiness.admin.labels import Tone, actor, label
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import Service

VIEW = "handoff.view_review"
LIST = "admin:handoff_review_changelist"
TONES: dict[str, Tone] = {
    "met": "good",
    "not_met": "bad",
    "accepted": "warn",
    "overridden": "warn",
    "not_applicable": "plain",
    "lapsed": "warn",
    "open": "unknown",
}
STATES: dict[str, Tone] = {"open": "warn", "signed": "good", "used": "good", "rejected": "bad"}
SHOWN = 5


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    """Every review. People work on one on its page."""

    list_display = ("service", "kind", "stands", "opened_at", "opened_by", "signed_at", "ended_at")
    list_select_related = ("service",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("service", AutocompleteSelectFilter),
        ("opened_at", RangeDateTimeFilter),
    )
    search_fields = ("service__slug", "opened_by")
    search_help_text = "Slug of a service, or who opened it"
    ordering = ("-opened_at", "-pk")
    empty_says = "No review yet: one is opened on the page of a service that is to be launched."

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Review]":
        """With the overrides that stand."""
        return reviews_with_overrides(super().get_queryset(request))

    @admin.display(description="state", ordering="state")
    def stands(self, review: Review) -> SafeString | str:
        """Its state, in colour."""
        return marked(state_label(review), review)

    def get_urls(self) -> list[URLPattern]:
        """With what people do on a review's page."""
        wrap = self.admin_site.admin_view
        act = wrap(require_POST(self.act_view))
        return [
            path("open/<int:service>/", wrap(require_POST(self.open_view)), name="handoff_review_open"),
            path("<int:pk>/act/<slug:move>/", act, name="handoff_review_act"),
            path("<int:pk>/print/", wrap(self.print_view), name="handoff_review_print"),
            path("<int:pk>/item/<int:item>/", wrap(self.item_view), name="handoff_review_item"),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """The page of one review."""
        review = self._review(request, object_id)
        items = actions.items_of(review)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": review,
            **_report(review, items),
            "state": state_label(review),
            "buttons": buttons(request, review, actions.standing(review, items)),
        }
        return TemplateResponse(request, "handoff/review.html", context)

    def print_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The same on paper."""
        review = self._review(request, str(pk))
        return TemplateResponse(
            request, "handoff/review_print.html", _report(review, actions.items_of(review))
        )

    def item_view(self, request: HttpRequest, pk: int, item: int) -> HttpResponse:
        """What was said of an item, and what may be said now."""
        review = self._review(request, str(pk))
        mine = get_object_or_404(review.items.prefetch_related("conditions__owner"), pk=item)
        mine.review = review
        move = request.POST.get("move", "")
        forms = forms_of(mine, move, request.POST)
        if request.method == "POST":
            if move not in forms:
                messages.error(request, f"The review is {review.state} by now, or the item is measured.")
                return _back(review)
            form = forms[move]
            if form.is_valid() and _done(request, lambda: form.act(mine, request.user)):
                return _back(review)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": review,
            "title": str(mine),
            "review": review,
            "item": mine,
            "outcome": outcome_label(mine),
            "forms": forms if request.user.has_perm(rights.REVIEW, review.service) else {},
            "history": mine.history.all(),
            "comments": mine.comments.all(),
        }
        return TemplateResponse(request, "handoff/review_item.html", context)

    def act_view(self, request: HttpRequest, pk: int, move: str) -> HttpResponse:
        """A button of a review's page."""
        review = self._review(request, str(pk))
        said: Any = {"by": request.user}
        reason = {**said, "reason": request.POST.get("reason", "")}
        moves: dict[str, Callable[[], object]] = {
            "reject": lambda: actions.reject_review(review, **reason),
            "withdraw": lambda: actions.withdraw_review(review, **reason),
            "launch": lambda: actions.launch(review, **reason),
            "override": lambda: actions.override_verdict(review, **reason),
            "take-back": lambda: actions.take_back_override(review, **reason),
            "comment": lambda: actions.comment_review(review, text=request.POST.get("reason", ""), **said),
            **{
                f"sign-{side}": _sign(review, side, remark=request.POST.get("reason", ""), **said)
                for side in Side
            },
        }
        if move not in moves:
            raise PermissionDenied(f"There is no such move: {move}.")
        _done(request, moves[move])
        return _back(review)

    def open_view(self, request: HttpRequest, service: int) -> HttpResponse:
        """Opens a launch review, and leads to its page."""
        of = get_object_or_404(Service.objects.select_related("owner", "ops_team"), pk=service)
        opened: list[Review] = []
        by: Any = request.user
        reason = request.POST.get("reason", "")
        if _done(request, lambda: opened.append(actions.open_launch_review(of, by=by, reason=reason))):
            return _back(opened[0])
        return HttpResponseRedirect(reverse("admin:readiness_service_change", args=[of.pk]))

    def _review(self, request: HttpRequest, pk: str) -> Review:
        if not request.user.has_perm(VIEW):
            raise PermissionDenied
        rows = Review.objects.select_related(
            "service__owner", "service__ops_team", "scorecard__policy", "case"
        ).defer("scorecard__policy__text", "scorecard__numbers")
        return get_object_or_404(rows, pk=pk if pk.isdecimal() else 0)


def part(request: HttpRequest, service: Service) -> dict[str, Any]:
    """A service's reviews, for its page, and the button that opens one before its launch, or late."""
    may_view = request.user.has_perm(VIEW)
    found = reviews_with_overrides(Review.objects.filter(service=service).select_related("case"))
    rows = list(found[:SHOWN]) if may_view else []
    under_way = any(row.kind == Review.Kind.LAUNCH and row.ended_at is None for row in rows)
    waits = not under_way and actions.takes_launch_review(service)
    may = request.user.has_perm(rights.REVIEW, service)
    return {
        "template": "handoff/fragments/reviews.html",
        "rows": [(row, marked(state_label(row), row)) for row in rows],
        "open_url": reverse("admin:handoff_review_open", args=[service.pk]) if waits and may else "",
        "why_not": "Its own teams and SRE leads open its launch review." if waits and not may else "",
    }


def state_label(review: Review) -> SafeString:
    """The state of a review."""
    return label(review.get_state_display(), STATES.get(review.state, "plain"))


def outcome_label(item: ChecklistItem) -> SafeString:
    """What an item comes to today."""
    if item.way == ChecklistItem.Way.SHOWN:
        return label("shown")
    now = now_is(item.state, clock.now().date())
    words = dict(ChecklistItem.OUTCOMES)[now.value]
    return label(f"{words}, blocking" if item.blocking else words, TONES[now.value])


def buttons(request: HttpRequest, review: Review, found: Signing) -> list[dict[str, str]]:
    """What may be done with a review in its state, with the reason where this person may not."""
    by: Any = request.user
    may = by.has_perm(rights.REVIEW, review.service)
    outside = "" if may else "Its own teams and SRE leads review it."
    wanted: list[tuple[str, str, str]] = []
    if review.state == Review.State.OPEN:
        signing = actions.why_not_sign(review, found, by)
        wanted += [(f"sign-{side}", f"Sign for {side}", why) for side, why in signing.items()]
        finding = "" if blocking(found.items) else "Only a blocking finding rejects a review: there is none."
        wanted.append(("reject", "Reject", outside or finding))
        wanted.append(_override(review, found, by))
    if review.state == Review.State.SIGNED and review.kind == Review.Kind.LAUNCH:
        wanted.append(("launch", "Launch", actions.why_not_launch(review, by)))
    if review.ended_at is None:
        opener = same_person(review.opened_by, actor(request)) or by.has_perm(rights.REVIEW)
        wanted.append(
            ("withdraw", "Withdraw", "" if opener else "Who opened it withdraws it, or an SRE lead.")
        )
        wanted.append(("comment", "Comment", outside))
    return [
        {"title": title, "why_not": why, "url": reverse("admin:handoff_review_act", args=[review.pk, move])}
        for move, title, why in wanted
    ]


def _override(review: Review, found: Signing, by: Any) -> tuple[str, str, str]:
    """The button that overrides its verdict, or takes that back."""
    if found.overrider:
        return "take-back", "Take the override back", actions.take_back_obstacle(by)
    return "override", "Override the verdict", actions.override_obstacle(review, by)


def _report(review: Review, items: Sequence[ChecklistItem]) -> dict[str, Any]:
    """What a review says, on its page and on paper."""
    return {
        "title": str(review),
        "review": review,
        "topics": _topics(items),
        "sign_offs": review.sign_offs.all(),
        "overrides": review.overrides.select_related("end", "scorecard__policy").defer(
            "scorecard__numbers", "scorecard__policy__text"
        ),
        "comments": review.comments.select_related("item"),
    }


def _topics(items: Sequence[ChecklistItem]) -> list[tuple[str, list[tuple[ChecklistItem, SafeString]]]]:
    return [
        (topic, [(item, outcome_label(item)) for item in each])
        for topic, each in groupby(items, key=lambda item: item.topic)
    ]


def _sign(review: Review, side: Side, **said: Any) -> Callable[[], object]:
    return lambda: actions.sign_review(review, side=side, **said)


def _done(request: HttpRequest, act: Callable[[], object]) -> bool:
    """Do it, and say how it went."""
    try:
        act()
    except actions.RefusedError as refused:
        messages.error(request, str(refused))
        return False
    messages.success(request, "Done, and on record.")
    return True


def _back(review: Review) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:handoff_review_change", args=[review.pk]))
