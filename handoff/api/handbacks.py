"""Handbacks: read as lists, moved on by the actions that the admin's buttons call, too."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from handoff import actions
from handoff.api import handback_records as records
from handoff.api.acting import MOVED, asking, said, takes
from handoff.api.cases import JUSTIFIED, CaseFilter, CaseViewSet
from handoff.misses import misses
from handoff.models import Case
from readiness.api.filters.base import ChoicesFilter

ANSWERS: dict[Any, Any] = {200: records.HandbackSerializer, **MOVED}


class HandbackFilter(CaseFilter):
    """Handbacks: a stretch of time asks for those that were open at some moment of it."""

    kind = ChoicesFilter(Case.HandbackKind.choices, field_name="handback_kind")


class HandbackViewSet(CaseViewSet):
    """Handbacks: from proposal to end, with findings, plan and progress."""

    queryset = (
        Case.objects.filter(kind=Case.Kind.HANDBACK)
        .select_related("service", "repair_owner")
        .prefetch_related(JUSTIFIED, "findings", "plan__owner", "exit_criteria", "comments")
    )
    serializer_class = records.HandbackSerializer
    filterset_class = HandbackFilter

    @extend_schema(
        request=records.ProposeBody, responses={201: records.HandbackSerializer, **MOVED}, filters=False
    )
    def create(self, request: Request) -> Response:
        """Propose that a service goes back to its developers."""
        told = said(records.ProposeBody(data=request.data))
        case = actions.propose_handback(told.pop("service"), by=asking(request), **told)
        return Response(self.shown(case), status=status.HTTP_201_CREATED)

    @extend_schema(responses=records.MissesSerializer, filters=False)
    @action(detail=False, pagination_class=None)
    def misses(self, request: Request) -> Response:
        """What reviews missed: findings of all handbacks, by the review item that should have caught them."""
        return Response(records.MissesSerializer({"results": misses()}).data)

    @takes(records.ReasonBody, ANSWERS)
    def reject(self, request: Request, pk: str) -> Response:
        """Let operations keep it; by another person than proposed it."""
        return self.step(request, actions.reject_handback, records.ReasonBody)

    @takes(records.ReasonBody, ANSWERS)
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take back one's own proposal."""
        return self.step(request, actions.withdraw_handback, records.ReasonBody)

    @takes(records.JointRepairBody, ANSWERS)
    def joint_repair(self, request: Request, pk: str) -> Response:
        """Answer a proposal by `below` with repair on both sides."""
        return self.step(request, actions.repair_jointly, records.JointRepairBody)

    @takes(records.ConfirmBody, ANSWERS)
    def confirm(self, request: Request, pk: str) -> Response:
        """Move the service to its developers at once: confirm a repair, or sign a release."""
        return self.step(request, actions.confirm_handback, records.ConfirmBody)

    @takes(records.StabiliseBody, ANSWERS)
    def stabilise(self, request: Request, pk: str) -> Response:
        """End the stabilisation, once its exit criteria are met."""
        return self.step(request, actions.stabilise_handback, records.StabiliseBody)

    @takes(records.FindingBody, ANSWERS)
    def findings(self, request: Request, pk: str) -> Response:
        """Add a finding."""
        return self.step(request, actions.add_finding, records.FindingBody)

    @takes(records.CloseBody, ANSWERS)
    def close_finding(self, request: Request, pk: str) -> Response:
        """Say that a finding is mended."""
        case, told = self.get_object(), said(records.CloseBody(data=request.data))
        found = case.findings.filter(pk=told["finding"]).first()
        if found is None:
            raise Http404
        actions.close_finding(found, by=asking(request))
        return Response(self.shown(case))

    @takes(records.PlanBody, ANSWERS)
    def plan(self, request: Request, pk: str) -> Response:
        """Add to the plan."""
        return self.step(request, actions.add_plan_item, records.PlanBody)

    @takes(records.FinishBody, ANSWERS)
    def finish_plan_item(self, request: Request, pk: str) -> Response:
        """Say that something of the plan is done."""
        case, told = self.get_object(), said(records.FinishBody(data=request.data))
        item = case.plan.filter(pk=told["item"]).first()
        if item is None:
            raise Http404
        actions.finish_plan_item(item, by=asking(request))
        return Response(self.shown(case))

    @takes(records.CommentBody, ANSWERS)
    def comment(self, request: Request, pk: str) -> Response:
        """Say something about it."""
        return self.step(request, actions.comment_case, records.CommentBody)
