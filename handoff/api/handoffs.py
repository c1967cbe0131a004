"""Handoffs: read as lists, moved on by the actions that the admin's buttons call, too."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from handoff import actions
from handoff.api import handoff_records as records
from handoff.api.acting import MOVED, asking, said, takes
from handoff.api.cases import JUSTIFIED, CaseFilter, CaseViewSet
from handoff.api.handback_records import CommentBody, ReasonBody
from handoff.models import Case
from readiness.api.filters.base import ChoicesFilter
from readiness.api.permissions import MayView

ANSWERS: dict[Any, Any] = {200: records.HandoffDetailSerializer, **MOVED}


class HandoffFilter(CaseFilter):
    """Handoffs: a stretch of time asks for those that were open at some moment of it."""

    trigger = ChoicesFilter(Case.Trigger.choices)


class HandoffViewSet(CaseViewSet):
    """Handoffs: from proposal to end, with review, shadows and looks back."""

    queryset = (
        Case.objects.filter(kind=Case.Kind.HANDOFF)
        .select_related("service")
        .prefetch_related("reachable", JUSTIFIED, "shadows__confirmations", "look_backs", "comments")
    )
    filterset_class = HandoffFilter

    def get_serializer_class(self) -> type[serializers.ModelSerializer[Case]]:
        """One handoff alone, also as an action left it, is counted, too."""
        return records.HandoffSerializer if self.action == "list" else records.HandoffDetailSerializer

    @extend_schema(
        request=records.ProposeHandoffBody,
        responses={201: records.HandoffDetailSerializer, **MOVED},
        filters=False,
    )
    def create(self, request: Request) -> Response:
        """Propose that operations take a service over, whatever its verdict is."""
        told = said(records.ProposeHandoffBody(data=request.data))
        case = actions.propose_handoff(told["service"], by=asking(request), reason=told["reason"])
        return Response(self.shown(case), status=status.HTTP_201_CREATED)

    @extend_schema(responses=records.RoomSerializer)
    @action(detail=True)
    def room(self, request: Request, pk: str) -> Response:
        """What its ops team carries now, and would carry with this service."""
        return Response(records.RoomSerializer(actions.seen_room(self.get_object())).data)

    @extend_schema(responses=records.ShadowPagesSerializer)
    @action(detail=True)
    def pages(self, request: Request, pk: str) -> Response:
        """The pages of the shadow that runs, or of the last one, each with what was said of it last."""
        if not request.user.has_perm("readiness.view_page"):
            raise PermissionDenied(MayView.message)
        case = self.get_object()
        shadow = case.shadows.last()
        pages = actions.pages_of(shadow) if shadow else []
        context = {"assessed": actions.assessed(case, pages)}
        return Response(records.ShadowPagesSerializer({"results": pages}, context=context).data)

    @takes(ReasonBody, ANSWERS)
    def reject(self, request: Request, pk: str) -> Response:
        """Leave it to its developers; by another person than proposed it."""
        return self.step(request, actions.reject_handoff, ReasonBody)

    @takes(ReasonBody, ANSWERS)
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take back one's own proposal; once it is reviewed an SRE lead may, too."""
        return self.step(request, actions.withdraw_handoff, ReasonBody)

    @takes(records.HandoffReasonBody, ANSWERS)
    def open_review(self, request: Request, pk: str) -> Response:
        """Open the review that decides about it; `review` is its key."""
        return self.step(request, actions.open_handoff_review, records.HandoffReasonBody)

    @takes(records.HandoffReasonBody, ANSWERS)
    def accept(self, request: Request, pk: str) -> Response:
        """Accept, for the ops team, to carry it; with a reason where `room` says that there is none."""
        return self.step(request, actions.accept_handoff, records.HandoffReasonBody)

    @takes(records.HandoffReasonBody, ANSWERS)
    def begin_shadow(self, request: Request, pk: str) -> Response:
        """Have operations paged beside the developers."""
        return self.step(request, actions.begin_shadow, records.HandoffReasonBody)

    @takes(records.AssessPageBody, ANSWERS)
    def assess_page(self, request: Request, pk: str) -> Response:
        """Say of a page of the shadow whether it was critical and actionable; the newest word counts."""
        return self.step(request, actions.assess_page, records.AssessPageBody)

    @takes(ReasonBody, ANSWERS)
    def stop_shadow(self, request: Request, pk: str) -> Response:
        """End a shadow that goes badly; the second one ends the handoff."""
        return self.step(request, actions.stop_shadow, ReasonBody)

    @takes(records.ConfirmShadowBody, ANSWERS)
    def confirm(self, request: Request, pk: str) -> Response:
        """Say for a side that the shadow ended well; with the second word operations take over, at once."""
        return self.step(request, actions.confirm_shadow, records.ConfirmShadowBody)

    @takes(ReasonBody, ANSWERS)
    def complete(self, request: Request, pk: str) -> Response:
        """End the time of back-up before its day."""
        return self.step(request, actions.complete_handoff, ReasonBody)

    @takes(CommentBody, ANSWERS)
    def comment(self, request: Request, pk: str) -> Response:
        """Say something about it."""
        return self.step(request, actions.comment_case, CommentBody)
