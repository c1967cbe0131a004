"""Reviews: read as lists, worked on and signed by the actions that the admin's buttons call, too."""

from collections.abc import Callable
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from handoff import actions
from handoff.api import review_records as records
from handoff.api.acting import MOVED, Acts, MayAct, asking, said, takes
from handoff.checklists import Side
from handoff.models import ChecklistItem, Review, VerdictOverride
from readiness.api.filters.base import ChoicesFilter, FlagFilter, TimedFilter, service_filter
from readiness.api.views.base import ListViewSet
from readiness.api.views.judgement import NUMBER

OVERRIDES = Prefetch("overrides", VerdictOverride.objects.select_related("end"))
ANSWERS: dict[Any, Any] = {200: records.ReviewDetailSerializer, **MOVED}


class ReviewFilter(TimedFilter):
    """Reviews: a stretch of time asks for those that were under way at some moment of it."""

    begins, ends = "opened_at", "ended_at"
    searched = ("reason", "opened_by")

    service = service_filter()
    kind = ChoicesFilter(Review.Kind.choices)
    state = ChoicesFilter(Review.State.choices)
    open = FlagFilter(field_name="ended_at", lookup_expr="isnull", help_text="It has not come to its end.")


class ReviewViewSet(Acts, mixins.RetrieveModelMixin, ListViewSet[Review]):
    """Reviews: their checklists, who signed them, and what they led to."""

    queryset = Review.objects.select_related("service__owner", "service__ops_team", "case").prefetch_related(
        "sign_offs", OVERRIDES
    )
    serializer_class = records.ReviewSerializer
    permission_classes = (MayAct,)
    filterset_class = ReviewFilter
    lookup_value_regex = NUMBER
    orderings = {"opened_at": "opened_at", "service": "service__slug", "state": "state"}
    ordering = ("-opened_at",)

    def get_serializer_class(self) -> type[serializers.ModelSerializer[Review]]:
        """One review alone shows its items, too."""
        return records.ReviewDetailSerializer if self.action == "retrieve" else records.ReviewSerializer

    def get_queryset(self) -> QuerySet[Review]:
        """One review alone needs its items."""
        rows = super().get_queryset()
        return _whole(rows) if self.action == "retrieve" else rows

    @extend_schema(
        request=records.OpenBody, responses={201: records.ReviewDetailSerializer, **MOVED}, filters=False
    )
    def create(self, request: Request) -> Response:
        """Open the review before the launch of a service."""
        told = said(records.OpenBody(data=request.data))
        opened = actions.open_launch_review(told.pop("service"), by=asking(request), **told)
        return Response(_shown(opened), status=status.HTTP_201_CREATED)

    @takes(records.AttestBody, ANSWERS, of="item")
    def attest(self, request: Request, pk: str, item: str) -> Response:
        """Say that an item is met."""
        return self._of_item(
            request, item, act=actions.attest_item, told=said(records.AttestBody(data=request.data))
        )

    @takes(records.OutcomeBody, ANSWERS, of="item")
    def outcome(self, request: Request, pk: str, item: str) -> Response:
        """Say that an item is not met, accepted under a condition, or not applicable."""
        told = said(records.OutcomeBody(data=request.data))
        act, arguments = _OUTCOMES[told.pop("outcome")](told)
        return self._of_item(request, item, act=act, told=arguments)

    @takes(records.AssignBody, ANSWERS, of="item")
    def assign(self, request: Request, pk: str, item: str) -> Response:
        """Have a person see to an item."""
        return self._of_item(
            request, item, act=actions.assign_item, told=said(records.AssignBody(data=request.data))
        )

    @takes(records.FulfilBody, ANSWERS, of="item")
    def fulfil(self, request: Request, pk: str, item: str) -> Response:
        """Say that a condition of an item is fulfilled."""
        review, told = self.get_object(), said(records.FulfilBody(data=request.data))
        found = _item(review, item).conditions.filter(pk=told["condition"]).first()
        if found is None:
            raise Http404
        found.item.review = review
        actions.fulfil_condition(found, by=asking(request))
        return Response(_shown(review))

    @takes(records.ReviewCommentBody, ANSWERS)
    def comments(self, request: Request, pk: str) -> Response:
        """Say something of a review or of one of its items."""
        review, told = self.get_object(), said(records.ReviewCommentBody(data=request.data))
        of = _item(review, told["item"]) if "item" in told else None
        actions.comment_review(review, text=told["text"], item=of, by=asking(request))
        return Response(_shown(review))

    @takes(records.SignBody, ANSWERS)
    def sign(self, request: Request, pk: str) -> Response:
        """Sign for a side; with the last signature that is needed the review is signed."""
        told = said(records.SignBody(data=request.data))
        return self._step(request, actions.sign_review, {**told, "side": Side(told["side"])})

    @takes(records.ReviewReasonBody, ANSWERS)
    def reject(self, request: Request, pk: str) -> Response:
        """Close a review in which a blocking finding stands."""
        return self._step(
            request,
            actions.reject_review,
            {"reason": "", **said(records.ReviewReasonBody(data=request.data))},
        )

    @takes(records.OverrideBody, ANSWERS)
    def override(self, request: Request, pk: str) -> Response:
        """Let an open review be signed in spite of its verdict; an SRE lead, with a reason."""
        return self._step(request, actions.override_verdict, said(records.OverrideBody(data=request.data)))

    @takes(records.OverrideBody, ANSWERS)
    def take_back_override(self, request: Request, pk: str) -> Response:
        """Let the verdict count again."""
        return self._step(request, actions.take_back_override, said(records.OverrideBody(data=request.data)))

    @takes(records.ReviewReasonBody, ANSWERS)
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take back a review."""
        return self._step(request, actions.withdraw_review, said(records.ReviewReasonBody(data=request.data)))

    @takes(records.ReviewReasonBody, ANSWERS)
    def launch(self, request: Request, pk: str) -> Response:
        """Launch the service of a signed launch review: live, and run by its developers, from now on."""
        return self._step(request, actions.launch, said(records.ReviewReasonBody(data=request.data)))

    def _of_item(
        self, request: Request, item: str, *, act: Callable[..., Any], told: dict[str, Any]
    ) -> Response:
        review = self.get_object()
        act(_item(review, item), by=asking(request), **told)
        return Response(_shown(review))

    def _step(self, request: Request, act: Callable[..., Any], told: dict[str, Any]) -> Response:
        review = self.get_object()
        act(review, by=asking(request), **told)
        return Response(_shown(review))


def _finding(said: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    return actions.report_finding, {"blocking": False, **said}


def _acceptance(said: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    return actions.accept_item, {"condition": said.pop("remark"), **said}


def _aside(said: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    return actions.set_item_aside, {**said, "side": Side(said["side"])}


_OUTCOMES = {"not_met": _finding, "accepted": _acceptance, "not_applicable": _aside}


def _whole(rows: "QuerySet[Review]") -> "QuerySet[Review]":
    return rows.prefetch_related("items__conditions__owner", "items__assignee", "comments")


def _item(review: Review, key: str | int) -> ChecklistItem:
    found = ChecklistItem.objects.filter(review=review, pk=key).first()
    if found is None:
        raise Http404
    found.review = review
    return found


def _shown(review: Review) -> Any:
    rows = Review.objects.select_related("service", "case").prefetch_related("sign_offs", OVERRIDES)
    return records.ReviewDetailSerializer(_whole(rows).get(pk=review.pk)).data
