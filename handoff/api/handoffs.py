"""Handoffs: read as lists, proposed and answered by the actions that the admin's buttons call, too."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from handoff import actions
from handoff.api.acting import MOVED, Said, asking, said, takes
from handoff.api.cases import CaseFilter, CaseViewSet
from handoff.api.handback_records import CaseCommentSerializer, CommentBody, ReasonBody
from handoff.models import Case
from readiness.api.filters.base import ChoicesFilter
from readiness.models import Service


class HandoffSerializer(serializers.ModelSerializer[Case]):
    """A handoff, whole."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True)
    scorecards: Any = serializers.PrimaryKeyRelatedField(
        many=True, read_only=True, help_text="Keys of the scorecards that justified it."
    )
    comments = CaseCommentSerializer(many=True, read_only=True)

    class Meta:
        model = Case
        fields = (
            *("id", "service", "state", "trigger", "verdict", "reason", "proposer", "proposer_side"),
            *("opened_at", "decider", "ended_at", "scorecards", "comments"),
        )
        read_only_fields = fields


class ProposeHandoffBody(Said):
    """A service that operations should take over."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", queryset=Service.objects.all())
    reason = serializers.CharField()


ANSWERS: dict[Any, Any] = {200: HandoffSerializer, **MOVED}


class HandoffFilter(CaseFilter):
    """Handoffs: a stretch of time asks for those that were open at some moment of it."""

    trigger = ChoicesFilter(Case.Trigger.choices)


class HandoffViewSet(CaseViewSet):
    """Handoffs: proposals that operations take a service over, with what justified them."""

    queryset = (
        Case.objects.filter(kind=Case.Kind.HANDOFF)
        .select_related("service")
        .prefetch_related("scorecards", "comments")
    )
    serializer_class = HandoffSerializer
    filterset_class = HandoffFilter

    @extend_schema(request=ProposeHandoffBody, responses={201: HandoffSerializer, **MOVED}, filters=False)
    def create(self, request: Request) -> Response:
        """Propose that operations take a service over, whatever its verdict is."""
        told = said(ProposeHandoffBody(data=request.data))
        case = actions.propose_handoff(told["service"], by=asking(request), reason=told["reason"])
        return Response(self.shown(case), status=status.HTTP_201_CREATED)

    @takes(ReasonBody, ANSWERS)
    def reject(self, request: Request, pk: str) -> Response:
        """Leave it to its developers; by another person than proposed it."""
        return self.step(request, actions.reject_handoff, ReasonBody)

    @takes(ReasonBody, ANSWERS)
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take back one's own proposal."""
        return self.step(request, actions.withdraw_handoff, ReasonBody)

    @takes(CommentBody, ANSWERS)
    def comment(self, request: Request, pk: str) -> Response:
        """Say something about it."""
        return self.step(request, actions.comment_case, CommentBody)
