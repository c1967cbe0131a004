"""Does once what is asked for twice under one ``Idempotency-Key``, and answers the same again.

As the IETF draft "The Idempotency-Key HTTP Header Field" has it. An answer is stored in the transaction of
the action, so that neither is there without the other, whatever dies when. Refusals undo all of it and are
not kept: what was refused may be tried again under the same key.
"""

import json
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from django.db import connection, transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from handoff.actions import MovedError
from handoff.models import Answer
from readiness import clock
from readiness.api.schema import Documented

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
IN_PROGRESS: Final = "in_progress"
LONGEST: Final = 200

_BARE: Final = f"[A-Za-z0-9._~:/+=-]{{1,{LONGEST}}}"
_KEY: Final = re.compile(rf'(?P<quote>"?)(?P<key>{_BARE})(?P=quote)')
_PARAMETER = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    pattern=f"^{_BARE}$",
    description=(
        "Made up by the client, a UUID say: the same request under the same key is done once, and answered "
        "the same again for at least 24 hours."
    ),
)


class OtherRequestError(APIException):
    """422: the key was used for something else."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = f"This {HEADER} stands for another request, which was done. Make up a new one."
    default_code = "other_request"


class OnceDocumented(Documented):
    """Says of every action that it takes a key."""

    def get_override_parameters(self) -> list[Any]:
        """The library's, and the header."""
        known: list[Any] = super().get_override_parameters()
        return [*known, _PARAMETER] if self.method == "POST" else known

    def _problems(self) -> dict[str, str]:
        other = {"422": "The key was used for another request."} if self.method == "POST" else {}
        return super()._problems() | other


def key_of(request: Request) -> str | None:
    """The key of a request, where it has one. Raises ``ParseError``.

    The draft writes it in quotes, most clients do without: both are the same key.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return None
    read = _KEY.fullmatch(given)
    if read is None:
        raise ParseError(f"{HEADER} takes 1 to {LONGEST} letters, digits and characters of . _ ~ : / + = -")
    return read["key"]


def once(act: Callable[..., Response], key: str, request: Request, *args: Any, **kwargs: Any) -> Response:
    """Do this, or answer what was answered when it was done.

    Raises what the action raises, ``OtherRequestError``, and ``MovedError`` while another does it.
    """
    asked = _digest(request)
    user: Any = request.user  # somebody: nobody else may act
    with transaction.atomic():
        _hold(f"{user.pk} {key}")
        given = Answer.objects.filter(user=user, key=key).first()
        if given is not None:
            return _again(given, asked)
        response = act(request, *args, **kwargs)
        Answer.objects.create(
            user=user,
            key=key,
            request=asked,
            status=response.status_code,
            location=response.get("Location", ""),
            body=JSONRenderer().render(response.data).decode(),
            given_at=clock.real_now(),
        )
    return response


def _digest(request: Request) -> str:
    asked = json.dumps([request.method, request.path, request.data], sort_keys=True)
    return sha256(asked.encode()).hexdigest()


def _hold(name: str) -> None:
    """Keep the key for us until the transaction, which it needs, ends, also if we die. Raises ``MovedError``.

    A row would not do: before the commit nobody sees it, and after it nobody could tell a dead holder.
    On SQLite a transaction has the database to itself: the second waits, and finds the answer.
    """
    if connection.vendor != "postgresql":
        return
    number = int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if cursor.fetchone() != (True,):
            raise MovedError(f"A request with this {HEADER} is being done: ask again.", IN_PROGRESS)


def _again(given: Answer, asked: str) -> Response:
    if given.request != asked:
        raise OtherRequestError
    headers = {REPLAYED: "true", **({"Location": given.location} if given.location else {})}
    return Response(json.loads(given.body), status=given.status, headers=headers)
