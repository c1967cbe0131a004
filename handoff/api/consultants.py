"""Consultants over REST: who advises on which service, what they advised, naming them and ending it."""

from collections.abc import Collection
from typing import TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from handoff.actions import NotAllowedError, advise, end_consulting, name_consultant
from handoff.actions.consulting import WHO_NAMES, check_advising, check_ending
from handoff.api.acting import MOVED, Acts, MayAct, Said, asking, said, takes
from handoff.models import AdviceNote, Consultant
from readiness import clock, rights
from readiness.api.filters.base import FlagFilter, NamesFilter, TimedFilter, service_filter, services_named
from readiness.api.views.base import ListViewSet
from readiness.api.views.judgement import NUMBER
from readiness.models import Person, Service

M = TypeVar("M", bound=Model)


class AdviceNoteSerializer(serializers.ModelSerializer[AdviceNote]):
    """What was advised, and how long that took."""

    hours = serializers.FloatField(read_only=True, help_text="Fewer than 0 take back what was too much.")

    class Meta:
        model = AdviceNote
        fields = ("id", "given_on", "hours", "text", "author", "written_at")
        read_only_fields = fields


class ConsultantSerializer(serializers.ModelSerializer[Consultant]):
    """Who advises on a service, since when, and how much."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True)
    person = serializers.SlugRelatedField[Person](slug_field="slug", read_only=True)
    name = serializers.CharField(source="person.name", read_only=True)
    state = serializers.ChoiceField(choices=Consultant.State.choices, read_only=True)
    hours = serializers.FloatField(read_only=True, help_text="Of all notes.")
    notes_written = serializers.IntegerField(source="noted", read_only=True)
    hours_90_days = serializers.FloatField(source="hours_lately", read_only=True)
    notes_written_90_days = serializers.IntegerField(source="noted_lately", read_only=True)
    newest_note_on = serializers.DateField(source="newest_on", read_only=True, allow_null=True)

    class Meta:
        model = Consultant
        fields: tuple[str, ...] = (
            *("id", "service", "person", "name", "state", "began_at", "ended_at", "hours"),
            *("notes_written", "hours_90_days", "notes_written_90_days", "newest_note_on"),
        )
        read_only_fields: tuple[str, ...] = fields


class ConsultantDetailSerializer(ConsultantSerializer):
    """One consultant, with all notes, the newest first."""

    notes = AdviceNoteSerializer(many=True, read_only=True)

    class Meta(ConsultantSerializer.Meta):
        fields = (*ConsultantSerializer.Meta.fields, "notes")
        read_only_fields = fields


class NamingSerializer(Said):
    """Who is to advise on which service."""

    service = serializers.CharField(max_length=200, help_text="Slug or alias.")
    person = serializers.CharField(max_length=200, help_text="Slug of a person in a team that operates.")
    reason = serializers.CharField(required=False, allow_blank=True, default="")

    def validate_service(self, name: str) -> Service:
        """By slug or alias."""
        return _known(Service.objects.filter(pk=services_named([name]).get(name, 0)), name)

    def validate_person(self, name: str) -> Person:
        """By slug."""
        return _known(Person.objects.filter(slug=name), name)


class EndingSerializer(Said):
    """Why it ends."""

    reason = serializers.CharField(required=False, allow_blank=True, default="")


class NoteSerializer(Said):
    """A note."""

    given_on = serializers.DateField(help_text="The day of the advice, in UTC.")
    hours = serializers.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=-24,
        max_value=24,
        help_text="Hours spent; fewer than 0 take back what was written too much. A day's are 0 to 24.",
    )
    text = serializers.CharField(help_text="What was advised, or why hours are taken back.")


def _consultants(slugs: Collection[str]) -> dict[str, int]:
    """Those who are or were consultants: whether somebody else exists is not for everybody to ask."""
    known = Person.objects.filter(slug__in=slugs, consulting__isnull=False)
    return dict(known.values_list("slug", "pk"))


class ConsultantFilter(TimedFilter):
    """Consultants: a stretch of time asks for those that advised at some moment of it."""

    begins, ends = "began_at", "ended_at"
    searched = ("service__slug", "person__name")

    service = service_filter()
    person = NamesFilter(_consultants, help_text="Slug of somebody who is or was one.")
    advising = FlagFilter(field_name="ended_at", lookup_expr="isnull", help_text="It goes on.")


class ConsultantViewSet(mixins.RetrieveModelMixin, Acts, ListViewSet[Consultant]):
    """Consultants: ops engineers who advise on services that their developers run."""

    queryset = Consultant.objects.select_related("service", "person")
    serializer_class = ConsultantSerializer
    permission_classes = (MayAct,)
    filterset_class = ConsultantFilter
    lookup_value_regex = NUMBER
    orderings = {
        "began_at": "began_at",
        "ended_at": "ended_at",
        "service": "service__slug",
        "person": "person__slug",
    }
    ordering = ("-began_at",)

    def get_queryset(self) -> QuerySet[Consultant]:
        """With what they did, up to today; one alone also with its notes."""
        rows: QuerySet[Consultant] = Consultant.objects.with_advice(clock.now().date())
        rows = rows.select_related("service", "person")
        return rows.prefetch_related("notes") if self.detail else rows

    def get_serializer_class(self) -> type[ConsultantSerializer]:
        """One alone shows its notes, too."""
        return ConsultantDetailSerializer if self.detail else ConsultantSerializer

    @extend_schema(request=NamingSerializer, responses={201: ConsultantDetailSerializer, **MOVED})
    def create(self, request: Request) -> Response:
        """Name somebody of an ops team for a service that its developers run, or are to launch."""
        by = asking(request)
        if not rights.may_somewhere(by, rights.NAME_CONSULTANT):
            raise NotAllowedError(WHO_NAMES)  # before names are looked up: not everybody may ask who exists
        told = said(NamingSerializer(data=request.data))
        made = name_consultant(told["service"], person=told["person"], by=by, reason=told["reason"])
        location = reverse("consultant-detail", args=[made.pk], request=request)
        return Response(
            self._shown(made).data, status=status.HTTP_201_CREATED, headers={"Location": location}
        )

    @takes(EndingSerializer, {200: ConsultantDetailSerializer, **MOVED})
    def end(self, request: Request, pk: str) -> Response:
        """End it. The notes stay."""
        consultant, by = self.get_object(), asking(request)
        check_ending(consultant, by=by)
        ended = end_consulting(consultant, by=by, **said(EndingSerializer(data=request.data)))
        return Response(self._shown(ended).data)

    @takes(NoteSerializer, {201: AdviceNoteSerializer, **MOVED})
    def notes(self, request: Request, pk: str) -> Response:
        """Write down what was advised: the consultant, or whoever may name one. It stays as written."""
        consultant, by = self.get_object(), asking(request)
        check_advising(consultant, by=by)
        note = advise(consultant, by=by, **said(NoteSerializer(data=request.data)))
        return Response(AdviceNoteSerializer(note).data, status=status.HTTP_201_CREATED)

    def _shown(self, consultant: Consultant) -> ConsultantDetailSerializer:
        rows = Consultant.objects.with_advice(clock.now().date()).select_related("service", "person")
        return ConsultantDetailSerializer(rows.get(pk=consultant.pk))


def _known(rows: QuerySet[M], name: str) -> M:
    found = rows.first()
    if found is None:
        raise serializers.ValidationError(f"there is no {name}")
    return found
