"""Waivers over REST: what is set aside, by whom and until when; asking, deciding, ending."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from handoff.actions import (
    NotAllowedError,
    approve_waiver,
    ask_waiver,
    refuse_waiver,
    revoke_waiver,
    withdraw_waiver,
)
from handoff.actions.waiving import LONGEST, LONGEST_LINK
from handoff.api.acting import MOVED, Acts, MayAct, Said, asking, said, takes
from readiness import clock, rights
from readiness.api.filters.base import ChoicesFilter, ListFilter, service_filter, services_named
from readiness.api.moments import MomentField, MomentFilter
from readiness.api.views.base import ListViewSet
from readiness.api.views.judgement import NUMBER
from readiness.models import Service, Waiver


class WaiverSerializer(serializers.ModelSerializer[Waiver]):
    """An exception to one criterion or blocker of one service."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True)
    url = serializers.CharField(read_only=True, help_text="A link; empty where none was given.")
    state = serializers.ChoiceField(
        choices=Waiver.State.choices, read_only=True, help_text="What became of it, by the clock."
    )

    class Meta:
        model = Waiver
        fields = (
            *("id", "service", "target", "state", "reason", "url", "author", "asked_at"),
            *("approver", "approved_at", "ends_at"),
            *("refused_at", "withdrawn_at", "revoked_at", "expired_at"),
        )
        read_only_fields = fields


ANSWERS: dict[Any, Any] = {200: WaiverSerializer, **MOVED}


class AskingSerializer(Said):
    """What is to be set aside, why, and until when."""

    service = serializers.CharField(max_length=200, help_text="Slug or alias.")
    target = serializers.CharField(max_length=100, help_text="A criterion's slug or a blocker's code.")
    reason = serializers.CharField()
    url = serializers.CharField(max_length=LONGEST_LINK, required=False, allow_blank=True, default="")
    ends_at = MomentField(help_text=f"At most {LONGEST.days} days from now.")

    def validate_service(self, name: str) -> Service:
        """By slug or alias."""
        found = Service.objects.filter(pk=services_named([name]).get(name, 0)).first()
        if found is None:
            raise serializers.ValidationError(f"there is no {name}")
        return found


class ReasonSerializer(Said):
    """Why."""

    reason = serializers.CharField()


class RemarkSerializer(Said):
    """Why, where there is something to say."""

    reason = serializers.CharField(required=False, allow_blank=True, default="")


class WaiverFilter(ListFilter):
    """Waivers."""

    searched = ("reason", "author", "approver")

    service = service_filter()
    target = django_filters.CharFilter(help_text="A criterion's slug or a blocker's code.")
    state = ChoicesFilter(Waiver.State.choices, method="stands", help_text="By the clock.")
    at = MomentFilter(method="live", help_text="Live at this moment.")

    def stands(self, rows: Any, name: str, value: list[str]) -> QuerySet[Waiver]:
        """Those in one of these states; all where nothing is asked for."""
        found: QuerySet[Waiver] = rows.in_state(value, clock.now()) if value else rows
        return found

    def live(self, rows: Any, name: str, value: dt.datetime) -> QuerySet[Waiver]:
        """Those that judgement as of this moment counts."""
        found: QuerySet[Waiver] = rows.live_at(value)
        return found


class WaiverViewSet(mixins.RetrieveModelMixin, Acts, ListViewSet[Waiver]):
    """Waivers: asked for, decided by another person, ended by time or by somebody."""

    queryset = Waiver.objects.select_related("service")
    serializer_class = WaiverSerializer
    permission_classes = (MayAct,)
    filterset_class = WaiverFilter
    lookup_value_regex = NUMBER
    orderings = {
        "ends_at": "ends_at",
        "asked_at": "asked_at",
        "service": "service__slug",
        "target": "target",
    }
    ordering = ("-ends_at",)

    @extend_schema(request=AskingSerializer, responses={201: WaiverSerializer, **MOVED})
    def create(self, request: Request) -> Response:
        """Ask for one. It counts once another person approved it."""
        by = asking(request)
        if not rights.may_somewhere(by, rights.ASK_WAIVER):
            # before names are looked up: not everybody may ask what there is
            raise NotAllowedError("Asking for waivers takes a developer, an ops engineer or an SRE lead.")
        told = said(AskingSerializer(data=request.data))
        made = ask_waiver(told.pop("service"), **told, by=by)
        location = reverse("waiver-detail", args=[made.pk], request=request)
        shown = WaiverSerializer(made).data
        return Response(shown, status=status.HTTP_201_CREATED, headers={"Location": location})

    @takes(RemarkSerializer, ANSWERS)
    def approve(self, request: Request, pk: str) -> Response:
        """Let it count from now on; not its author. The service is judged again at once."""
        return self._moved(request, approve_waiver, RemarkSerializer)

    @takes(ReasonSerializer, ANSWERS)
    def refuse(self, request: Request, pk: str) -> Response:
        """Refuse what was asked for; not its author."""
        return self._moved(request, refuse_waiver, ReasonSerializer)

    @takes(RemarkSerializer, ANSWERS)
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take back what one asked for oneself."""
        return self._moved(request, withdraw_waiver, RemarkSerializer)

    @takes(ReasonSerializer, ANSWERS)
    def revoke(self, request: Request, pk: str) -> Response:
        """End a live one before its time. The service is judged again at once."""
        return self._moved(request, revoke_waiver, ReasonSerializer)

    def _moved(self, request: Request, act: Callable[..., Waiver], asked: type[Said]) -> Response:
        waiver = self.get_object()
        told = said(asked(data=request.data))
        return Response(WaiverSerializer(act(waiver, by=asking(request), **told)).data)
