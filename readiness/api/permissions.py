"""Who may ask the REST interface: reading takes the right to view what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from readiness import rights
from readiness.models import MachineToken, Service

if TYPE_CHECKING:  # the settings name this module, and views read the settings while they are loaded
    from rest_framework.views import APIView


class MayView(BasePermission):
    """The rule of every view that names none of its own: log in, and hold the right to view its rows.

    What is not reading is for the view's own rule to allow; a view without one answers that it has no such
    method.
    """

    message = "Your log-in has no right to view this. A member of any standard group may; ask an SRE lead."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the one logged in may ask."""
        if not request.user.is_authenticated:
            return False
        if request.method not in SAFE_METHODS:
            return not hasattr(view, str(request.method).lower())
        if isinstance(request.auth, MachineToken):  # whatever groups somebody puts its log-in into
            self.message = "A token reads nothing but the gate of the services that it may write for."
            return False
        queryset = getattr(view, "queryset", None)
        if queryset is None:  # an overview, or an address that is none
            return True
        named = queryset.model._meta  # noqa: SLF001 - Django documents it
        return request.user.has_perm(f"{named.app_label}.view_{named.model_name}")


class MayEvaluate(MayView):
    """Starting an evaluation: of any service, or of those of one's own teams, which the view looks at."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the one logged in may ask, or start any evaluation at all."""
        if request.method != "POST":
            return super().has_permission(request, view)
        self.message = (
            "Starting an evaluation takes the right to add evaluations, which SRE leads have, or to evaluate "
            "services of one's own teams, which developers and ops engineers have."
        )
        return not isinstance(request.auth, MachineToken) and rights.may_somewhere(
            request.user, rights.EVALUATE
        )


class MayAsk(MayView):
    """Asking the gate: whoever may view services, and a machine about the services that it writes for."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the one who asks may ask anything here; a token is looked at with its service."""
        return isinstance(request.auth, MachineToken) or super().has_permission(request, view)

    def has_object_permission(self, request: Request, view: APIView, obj: Service) -> bool:
        """Whether this service is one of the token's."""
        return not isinstance(request.auth, MachineToken) or request.auth.may_write_for(obj.slug)


class MayWrite(MayView):
    """Writing: machine tokens of the view's kind. Reading: as everywhere."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the one who asks may read, or write anything at all here."""
        if request.method != "POST":
            return super().has_permission(request, view)
        kind = str(view.kind)  # type: ignore[attr-defined]  # every view that is written to names its kind
        if not isinstance(request.auth, MachineToken):
            self.message = (
                "This is written by machine tokens, which SRE leads make in the admin; people bring rows in "
                "from spreadsheets there."
            )
            return False
        self.message = (
            f"The token {request.auth.name} was not made for writing {kind.replace('_', ' ')} rows."
        )
        return request.auth.may_write(kind)
