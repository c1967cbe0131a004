"""What the views of handoffs and handbacks share: how cases are asked for, and acted on."""

from collections.abc import Callable
from typing import Any

from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from handoff.api.acting import Acts, MayAct, Said, asking, said
from handoff.models import Case
from readiness.api.filters.base import ChoicesFilter, FlagFilter, TimedFilter, service_filter
from readiness.api.views.base import ListViewSet
from readiness.api.views.judgement import NUMBER


class CaseFilter(TimedFilter):
    """Cases: a stretch of time asks for those that were open at some moment of it."""

    begins, ends = "opened_at", "ended_at"
    searched = ("reason", "proposer")

    service = service_filter()
    state = ChoicesFilter(Case.State.choices)
    open = FlagFilter(field_name="ended_at", lookup_expr="isnull", help_text="It has not come to its end.")


class CaseViewSet(Acts, mixins.RetrieveModelMixin, ListViewSet[Case]):
    """Cases of one kind; each step is answered with the whole case."""

    permission_classes = (MayAct,)
    lookup_value_regex = NUMBER
    orderings = {"opened_at": "opened_at", "service": "service__slug", "state": "state"}
    ordering = ("-opened_at",)

    def step(self, request: Request, act: Callable[..., Any], body: type[Said]) -> Response:
        """Act on the case that the address names, with what the body says."""
        case = self.get_object()
        act(case, by=asking(request), **said(body(data=request.data)))
        return Response(self.shown(case))

    def shown(self, case: Case) -> Any:
        """The case as it is now."""
        return self.get_serializer(self.get_queryset().get(pk=case.pk)).data
