"""Cases: handoffs and handbacks in one list, and what the views of both share."""

from collections.abc import Callable
from typing import Any, Final

from django.db.models import Prefetch
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from handoff.api.acting import Acts, MayAct, Said, asking, said
from handoff.models import Case
from readiness.api.filters.base import ChoicesFilter, FlagFilter, TimedFilter, service_filter
from readiness.api.views.base import ListViewSet
from readiness.api.views.judgement import NUMBER
from readiness.models import Scorecard, Service

JUSTIFIED: Final = Prefetch("scorecards", Scorecard.objects.only("pk"))
"""Only their keys are shown, and their numbers are long."""


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


class CaseSerializer(serializers.ModelSerializer[Case]):
    """What a handoff and a handback have in common."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True)
    about = serializers.CharField(read_only=True, help_text="What it is, in words.")
    url = serializers.SerializerMethodField(help_text="Where it stands whole.")

    class Meta:
        model = Case
        fields = (
            *("id", "kind", "about", "service", "state", "trigger", "verdict", "reason", "proposer"),
            *("opened_at", "decider", "confirmed_at", "ended_at", "url"),
        )
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, case: Case) -> str:
        """Among those of its kind."""
        address: str = reverse(f"{case.kind}-detail", args=[case.pk], request=self.context["request"])
        return address


class AllCasesFilter(CaseFilter):
    """Cases: a stretch of time asks for those that were open at some moment of it."""

    kind = ChoicesFilter(Case.Kind.choices)


class AllCasesViewSet(CaseViewSet):
    """Cases: handoffs and handbacks together; each is whole, and acted on, among those of its kind."""

    queryset = Case.objects.select_related("service")
    serializer_class = CaseSerializer
    filterset_class = AllCasesFilter
