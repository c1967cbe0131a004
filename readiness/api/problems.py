"""Errors as RFC 9457 problem details, whatever goes wrong under `/api/`."""

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import Http404, JsonResponse
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from readiness.policy import PolicyError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
INVALID = "The request is not understood as it stands; `errors` says which field and why."
UNFORESEEN = "Something went wrong that was not foreseen. It has been logged; the request may be tried again."


class FieldErrorSerializer(serializers.Serializer[dict[str, Any]]):
    """What is wrong with one field of a request."""

    field = serializers.CharField(
        allow_null=True,
        help_text="A query parameter, or a dotted path into the body; null is the request as a whole.",
    )
    reason = serializers.CharField()


class ProblemSerializer(serializers.Serializer[dict[str, Any]]):
    """Problem details (RFC 9457)."""

    type = serializers.CharField(help_text="about:blank: the status says it all.")
    title = serializers.CharField(help_text="The phrase of the status.")
    status = serializers.IntegerField()
    detail = serializers.CharField()
    # The names are the standard's; a serializer calls what it shows and what it refuses so, too.
    instance = serializers.CharField(help_text="The path that was asked.")  # type: ignore[assignment]
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]


class Conflict(exceptions.APIException):
    """The request makes sense, but not in the state that its object is in."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"


class Busy(exceptions.APIException):
    """Others store the same again and again; the request may be sent again as it is."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "Others keep writing the same rows: send the request again; what it wrote is kept."
    default_code = "busy"
    wait = 1


def handler(error: Exception, context: Mapping[str, Any]) -> JsonResponse:
    """Turn any exception of a view into a problem; rendered here, since negotiation may be what failed."""
    set_rollback()
    request: Request = context["request"]
    known = _known(error)
    if known is None:
        return _unforeseen(error, request)
    listed = isinstance(known.detail, dict | list)
    response = _problem(
        request,
        status=known.status_code,
        detail=INVALID if listed else str(known.detail),
        errors=list(_errors(known.detail)) if listed else [],
    )
    if header := getattr(known, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(known, "wait", None):
        response["Retry-After"] = str(int(wait))
    return response


def _known(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, PolicyError):  # requests bring none: a stored version is what could not be read
        return Conflict(f"This release cannot read a policy that another one stored: {error}")
    if isinstance(error, SuspiciousOperation):
        return exceptions.ParseError("The request is refused as it stands: it has too many parameters, say.")
    return None


def _unforeseen(error: Exception, request: Request) -> JsonResponse:
    # An exception answered here never reaches Django, which would have told the log and those who listen.
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=handler, request=request._request)  # noqa: SLF001 - DRF has no other way
    return _problem(request, status=500, detail=UNFORESEEN, errors=[])


def refusal(request: Request, *, status: int, detail: str, more: Mapping[str, Any]) -> JsonResponse:
    """A problem with members of its own beside the standard's (RFC 9457 section 3.2)."""
    return _problem(request, status=status, detail=detail, errors=[], more=more)


def _problem(
    request: Request,
    *,
    status: int,
    detail: str,
    errors: list[dict[str, Any]],
    more: Mapping[str, Any] = MappingProxyType({}),
) -> JsonResponse:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "errors": errors,
        **more,
    }
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def _errors(detail: Any, path: str | None = None) -> Iterator[dict[str, Any]]:
    """Flatten nested mistakes: ``{"services": {0: ["unknown"]}}`` is one about ``services.0``."""
    if isinstance(detail, dict):
        for name, below in detail.items():
            whole = name == api_settings.NON_FIELD_ERRORS_KEY
            yield from _errors(below, path if whole else _joined(path, name))
    elif isinstance(detail, list):
        for place, below in enumerate(detail):
            yield from _errors(below, _joined(path, place) if isinstance(below, dict | list) else path)
    else:
        yield {"field": path, "reason": str(detail)}


def _joined(path: str | None, name: object) -> str:
    return str(name) if path is None else f"{path}.{name}"
