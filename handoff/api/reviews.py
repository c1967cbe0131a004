"""Reviews: read as lists, worked on and signed by the actions that the admin's buttons call, too."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from handoff import actions
from handoff.api import review_records as records
from handoff.api.acting import MOVED, Acts, MayAct
from handoff.checklists import Side
from handoff.models import ChecklistItem, Review
from readiness.api.filters.base import ChoicesFilter, FlagFilter, TimedFilter, service_filter
from readiness.api.views.base import ListViewSet
from readiness.api.views.judgement import NUMBER

Body = type[serializers.Serializer[dict[str, Any]]]
ANSWERS: dict[Any, Any] = {200: records.ReviewDetailSerializer, **MOVED}
ITEM = OpenApiParameter("item", OpenApiTypes.INT, OpenApiParameter.PATH, description="Key of an item.")


def _takes(body: Body, step: str, *, of_item: bool = False) -> Callable[[Any], Any]:
    """A step of a review or of one of its items: a POST with this body, answered with the whole review."""
    path = f"items/(?P<item>{NUMBER})/{step}" if of_item else step
    name = f"item-{step}" if of_item else step

    def decorated(method: Any) -> Any:
        made = action(detail=True, methods=["post"], url_path=path, url_name=name)(method)
        return extend_schema(request=body, responses=ANSWERS, parameters=[ITEM] if of_item else [])(made)

    return decorated


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

    queryset = Review.objects.select_related("service__owner", "service__ops_team").prefetch_related(
        "sign_offs"
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
        said = _said(records.OpenBody, request)
        opened = actions.open_launch_review(said.pop("service"), by=_user(request), **said)
        return Response(_shown(opened), status=status.HTTP_201_CREATED)

    @_takes(records.AttestBody, "attest", of_item=True)
    def attest(self, request: Request, pk: str, item: str) -> Response:
        """Say that an item is met."""
        return self._of_item(request, item, act=actions.attest_item, said=_said(records.AttestBody, request))

    @_takes(records.OutcomeBody, "outcome", of_item=True)
    def outcome(self, request: Request, pk: str, item: str) -> Response:
        """Say that an item is not met, accepted under a condition, or not applicable."""
        said = _said(records.OutcomeBody, request)
        act, arguments = _OUTCOMES[said.pop("outcome")](said)
        return self._of_item(request, item, act=act, said=arguments)

    @_takes(records.AssignBody, "assign", of_item=True)
    def assign(self, request: Request, pk: str, item: str) -> Response:
        """Have a person see to an item."""
        return self._of_item(request, item, act=actions.assign_item, said=_said(records.AssignBody, request))

    @_takes(records.FulfilBody, "fulfil", of_item=True)
    def fulfil(self, request: Request, pk: str, item: str) -> Response:
        """Say that a condition of an item is fulfilled."""
        review, said = self.get_object(), _said(records.FulfilBody, request)
        found = _item(review, item).conditions.filter(pk=said["condition"]).first()
        if found is None:
            raise Http404
        found.item.review = review
        actions.fulfil_condition(found, by=_user(request))
        return Response(_shown(review))

    @_takes(records.ReviewCommentBody, "comments")
    def comments(self, request: Request, pk: str) -> Response:
        """Say something of a review or of one of its items."""
        review, said = self.get_object(), _said(records.ReviewCommentBody, request)
        of = _item(review, said["item"]) if "item" in said else None
        actions.comment_review(review, text=said["text"], item=of, by=_user(request))
        return Response(_shown(review))

    @_takes(records.SignBody, "sign")
    def sign(self, request: Request, pk: str) -> Response:
        """Sign for a side; with the last signature that is needed the review is signed."""
        said = _said(records.SignBody, request)
        return self._step(request, actions.sign_review, {**said, "side": Side(said["side"])})

    @_takes(records.ReviewReasonBody, "reject")
    def reject(self, request: Request, pk: str) -> Response:
        """Close a review in which a blocking finding stands."""
        return self._step(
            request, actions.reject_review, {"reason": "", **_said(records.ReviewReasonBody, request)}
        )

    @_takes(records.ReviewReasonBody, "withdraw")
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take back a review."""
        return self._step(request, actions.withdraw_review, _said(records.ReviewReasonBody, request))

    @_takes(records.ReviewReasonBody, "launch")
    def launch(self, request: Request, pk: str) -> Response:
        """Launch the service of a signed launch review: live, and run by its developers, from now on."""
        return self._step(request, actions.launch, _said(records.ReviewReasonBody, request))

    def _of_item(
        self, request: Request, item: str, *, act: Callable[..., Any], said: dict[str, Any]
    ) -> Response:
        review = self.get_object()
        act(_item(review, item), by=_user(request), **said)
        return Response(_shown(review))

    def _step(self, request: Request, act: Callable[..., Any], said: dict[str, Any]) -> Response:
        review = self.get_object()
        act(review, by=_user(request), **said)
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
    rows = Review.objects.select_related("service").prefetch_related("sign_offs")
    return records.ReviewDetailSerializer(_whole(rows).get(pk=review.pk)).data


def _said(body: Body, request: Request) -> dict[str, Any]:
    read = body(data=request.data)
    read.is_valid(raise_exception=True)
    return dict(read.validated_data)


def _user(request: Request) -> Any:
    return request.user
