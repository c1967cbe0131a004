"""How the OpenAPI document describes this API: every operation says that it answers errors as problems."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from readiness.api.problems import MEDIA_TYPE, ProblemSerializer

ALWAYS = {
    "400": "The request is not understood; `errors` says which field and why.",
    "401": "Nobody is logged in.",
    "403": "The log-in does not allow this.",
    "500": "Something went wrong that was not foreseen.",
}
NOT_FOUND = {"404": "There is nothing at this address."}
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
