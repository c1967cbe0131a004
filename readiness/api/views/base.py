"""What all lists share: strict filters, cursor pages, a documented schema."""

from collections.abc import Mapping
from typing import ClassVar, NoReturn, TypeVar

from django.db.models import Model
from rest_framework import mixins
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from readiness.api.filters.base import StrictFilters
from readiness.api.pagination import CursorPages
from readiness.api.schema import Documented

M = TypeVar("M", bound=Model)


class ListViewSet(mixins.ListModelMixin, GenericViewSet[M]):
    """A list. ``orderings`` maps each public name to a path; ``ordering`` is the default."""

    schema = Documented()
    filter_backends = (StrictFilters,)
    pagination_class = CursorPages
    orderings: ClassVar[Mapping[str, str]] = {}
    ordering: ClassVar[tuple[str, ...]] = ()


class Nowhere(APIView):
    """Whatever no other address answers."""

    schema = None  # there is nothing to describe

    def initial(self, request: Request, *args: object, **kwargs: object) -> NoReturn:
        """Raise before the method is looked at: nothing is there for any method."""
        super().initial(request, *args, **kwargs)
        hint = "" if request.path.endswith("/") else " Addresses end with a slash."
        raise NotFound(f"There is nothing at this address.{hint}")
