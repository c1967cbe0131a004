"""How the OpenAPI document describes this API: every operation says that it answers errors as problems."""

from typing import Any

from drf_spectacular.authentication import BasicScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from readiness.api.limits import MOST
from readiness.api.problems import MEDIA_TYPE, ProblemSerializer
from readiness.api.records import body_schema

ALWAYS = {
    "400": "The request is not understood; `errors` says which field and why.",
    "401": "Nobody is logged in.",
    "403": "The log-in does not allow this.",
    "429": "Too many failed attempts to log in; the answer says how long to wait.",
    "500": "Something went wrong that was not foreseen.",
}
NOT_FOUND = {"404": "There is nothing at this address."}
UNWRITTEN = {
    "413": "The body is too large: send several lists.",
    "503": "Others keep writing the same rows: send the request again.",
}
UNREADABLE_BODY = {"415": "The body is no JSON."}


class Documented(AutoSchema):
    """The library's description, with the problems added."""

    def get_operation(  # noqa: PLR0917 - the library's signature
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        """Describe one operation; ``None`` hides it, as the library has it."""
        operation: dict[str, Any] | None = super().get_operation(
            path, path_regex, path_prefix, method, registry
        )
        if operation is not None:
            problem = self.resolve_serializer(ProblemSerializer, "response").ref
            for status, description in self._problems().items():
                operation["responses"].setdefault(
                    status, {"description": description, "content": {MEDIA_TYPE: {"schema": problem}}}
                )
        return operation

    def _problems(self) -> dict[str, str]:
        problems = dict(ALWAYS)
        if "{" in self.path:
            problems |= NOT_FOUND
        if self.method == "POST":
            problems |= UNREADABLE_BODY
        return problems


class ThrottledBasicScheme(BasicScheme):  # type: ignore[no-untyped-call]  # the library registers its subclasses
    """Name and password, which the library knows by another class."""

    target_class = "readiness.api.basic.ThrottledBasicAuthentication"


class MachineTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers its subclasses
    """A machine's token."""

    target_class = "readiness.api.authentication.MachineTokenAuthentication"
    name = "machineToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Where the token stands, and what stands before it."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "A machine's token: the word `Token`, a blank, and its text.",
        }


class Written(Documented):
    """A list that machine tokens write: one record or a list of them goes in."""

    def get_operation(  # noqa: PLR0917 - the library's signature
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        """As always, but the library takes a body that is no serializer's for one that may be left out."""
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is not None and "requestBody" in operation:
            operation["requestBody"]["required"] = True
        return operation

    def get_request_serializer(self) -> Any:
        """The bodies of a POST, as the records have it."""
        if self.method == "POST":
            return {"application/json": body_schema(self._record_schema(), MOST)}
        return super().get_request_serializer()

    def _record_schema(self) -> dict[str, Any]:
        described: dict[str, Any] = self.view.record_schema()  # type: ignore[attr-defined]  # all that is written has it
        return described

    def _problems(self) -> dict[str, str]:
        return super()._problems() | (UNWRITTEN if self.method == "POST" else {})
