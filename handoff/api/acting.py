"""What views that act on decisions share: who may ask at all, and what a refused action is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from django.contrib.auth.models import User
from django.http import JsonResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from handoff.actions import InvalidError, MovedError, NotAllowedError
from handoff.api.idempotency import OnceDocumented, key_of, once
from readiness.api.filters.base import refuse_unknown
from readiness.api.permissions import MayView
from readiness.api.problems import MEDIA_TYPE, ProblemSerializer, refusal
from readiness.api.views.judgement import NUMBER
from readiness.models import MachineToken


class MayAct(MayView):
    """Acting: people with a log-in who may view the rows; the action itself says who may do it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the one logged in may read, or try to act."""
        if request.method != "POST":
            return super().has_permission(request, view)
        if not request.user.is_authenticated:
            return False
        if isinstance(request.auth, MachineToken):
            self.message = "A token decides nothing: people do, with their own log-in."
            return False
        named = view.queryset.model._meta  # type: ignore[attr-defined]  # noqa: SLF001 - Django documents it
        return request.user.has_perm(f"{named.app_label}.view_{named.model_name}")


class Acts(APIView):
    """Answers what an action refused: 400 with the field, 403, or 409 with the state that it is in.

    What is asked for under an ``Idempotency-Key`` is done once.
    """

    schema = OnceDocumented()
    post: Callable[..., Response]
    """What a POST does: the router gives each action its own."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Look at the key once the one who asks is known: that a log-in failed must stay on record."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and hasattr(self, "post"):
            key = key_of(request)
            if key is not None:
                self.post = partial(once, self.post, key)

    def handle_exception(self, exc: Exception) -> Response | JsonResponse:  # type: ignore[override]  # as the handler of problems
        """As a problem that says why."""
        if isinstance(exc, MovedError):
            return refusal(
                self.request, status=HTTPStatus.CONFLICT, detail=str(exc), more={"state": exc.state}
            )
        if isinstance(exc, InvalidError):
            exc = ValidationError({exc.field: [str(exc)]})
        elif isinstance(exc, NotAllowedError):
            exc = PermissionDenied(str(exc))
        return super().handle_exception(exc)


class MovedSerializer(ProblemSerializer):
    """The problem of an action that came too late."""

    state = serializers.CharField(
        help_text="The state that it is in by now; in_progress: a request with the same key is being done."
    )


MOVED = {
    (HTTPStatus.CONFLICT, MEDIA_TYPE): OpenApiResponse(
        MovedSerializer, description="It is no longer in the state that this needs: somebody was faster."
    )
}
"""What every action may answer."""


class Said(serializers.Serializer[dict[str, Any]]):
    """What an action is told. A misspelt field would say less than was meant, so it is refused."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ``ValidationError``."""
        refuse_unknown(self.initial_data, self.fields.keys())
        return attrs


def takes(body: type[Said], answers: Mapping[Any, Any], *, of: str = "") -> Callable[[Any], Any]:
    """An action of one object: ``POST …/name-of-the-method/`` with this body, described in the schema.

    ::

        ANSWERS = {200: HandoffSerializer, **MOVED}


        class HandoffViewSet(Acts, mixins.RetrieveModelMixin, ListViewSet[Case]):
            permission_classes = (MayAct,)

            @takes(ReasonBody, ANSWERS)
            def decline(self, request: Request, pk: str) -> Response:
                "Let it be."
                case = self.get_object()
                actions.decline(case, by=asking(request), **said(ReasonBody(data=request.data)))
                return Response(self._shown(case))

    ``of`` names a part that is acted on instead, by its key: with ``of="item"`` the address is
    ``…/items/{item}/name-of-the-method/``, and the method has an argument of that name, too.
    """

    number = OpenApiParameter(of, OpenApiTypes.INT, OpenApiParameter.PATH, description=f"Key of the {of}.")
    parameters = [number] if of else []

    def decorated(method: Any) -> Any:
        step = method.__name__.replace("_", "-")
        path, name = (f"{of}s/(?P<{of}>{NUMBER})/{step}", f"{of}-{step}") if of else (step, step)
        made = action(detail=True, methods=["post"], url_path=path, url_name=name)(method)
        return extend_schema(request=body, responses=dict(answers), parameters=parameters)(made)

    return decorated


def said(asked: serializers.Serializer[dict[str, Any]]) -> dict[str, Any]:
    """What an action is told, read. Raises ``ValidationError``."""
    asked.is_valid(raise_exception=True)
    read: dict[str, Any] = asked.validated_data
    return read


def asking(request: Request) -> User:
    """Who acts."""
    user: User = request.user  # type: ignore[assignment]  # MayAct lets nobody else in
    return user
