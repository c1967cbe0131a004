"""What the filters of all lists share: strictness, names of related rows, flags, time and search."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import Model, Q, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from readiness.api.moments import MomentFilter
from readiness.api.pagination import PARAMETERS
from readiness.models import Service, System, Team

Choices = list[tuple[Any, Any]]
Names = Callable[[Collection[str]], Mapping[str, int]]


class StrictFilters(DjangoFilterBackend):
    """Filters lists (one resource alone has no filters), and refuses parameters that a list does not know."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        """Raises ``ValidationError`` that names the parameter."""
        if getattr(view, "detail", False):
            return queryset
        asked = self.get_filterset(request, queryset, view)
        refuse_unknown(request.query_params, asked.filters.keys() | PARAMETERS)
        if not asked.is_valid():
            # Not by the base class, which takes a % in a message for a place to fill.
            raise ValidationError(
                {name: [str(each) for each in errors] for name, errors in asked.errors.items()}
            )
        filtered: QuerySet[Any] = asked.qs
        return filtered


def refuse_unknown(given: Mapping[str, Any], known: Collection[str]) -> None:
    """A misspelt parameter would silently answer another question. Raises ``ValidationError``."""
    unknown = set(given) - set(known) - {api_settings.URL_FORMAT_OVERRIDE}
    if unknown:
        reason = f"is no parameter here; there are {', '.join(sorted(known))}"
        raise ValidationError({name: [reason] for name in sorted(unknown)})


class FlagField(forms.Field):
    """true or false; the usual field reads anything else as not given."""

    def to_python(self, value: Any) -> bool | None:
        """``None`` where the filter is not set."""
        if value in self.empty_values:
            return None
        if str(value).lower() not in {"true", "false"}:
            raise forms.ValidationError("is neither true nor false")
        return str(value).lower() == "true"


class FlagFilter(django_filters.BooleanFilter):
    """A filter that is true or false."""

    field_class = FlagField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The base class passes a widget of its own, whose reading of values is the one refused above.
        super().__init__(*args, widget=forms.TextInput, **kwargs)


class ChoicesFilter(django_filters.MultipleChoiceFilter):
    """One of some words; repeat the parameter for several."""

    def __init__(self, choices: Choices, **kwargs: Any) -> None:
        # Every choice is a value of the row itself, so nothing can come twice.
        super().__init__(choices=choices, distinct=False, **kwargs)


class NamesField(forms.MultipleChoiceField):
    """Names of rows, read into their keys with one query; an unknown name is refused."""

    def __init__(self, *, names: Names, **kwargs: Any) -> None:
        # The name of the field in the other table is for the OpenAPI document alone.
        kwargs.pop("to_field_name", None)
        super().__init__(**kwargs)
        self.names = names

    def clean(self, value: Any) -> list[int]:
        """The primary keys; an empty list where the filter is not set."""
        wanted = [name for name in self.to_python(value) if name]
        for name in wanted:
            ProhibitNullCharactersValidator()(name)
        known = self.names(wanted) if wanted else {}
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise forms.ValidationError(f"there is no {', '.join(unknown)}")
        return [known[name] for name in wanted]


class NamesFilter(django_filters.MultipleChoiceFilter):
    """Rows that belong to one of these; repeat the parameter for several."""

    field_class = NamesField

    def __init__(self, names: Names, **kwargs: Any) -> None:
        super().__init__(names=names, to_field_name="slug", **kwargs)

    def filter(self, qs: QuerySet[Any], value: list[int]) -> QuerySet[Any]:
        """All rows where nothing is asked for."""
        return qs.filter(**{f"{self.field_name}__in": value}) if value else qs


def services_named(names: Collection[str]) -> dict[str, int]:
    """Services by slug or alias; a slug wins over another service's alias."""
    rows = Service.objects.filter(Q(slug__in=names) | Q(aliases__name__in=names))
    found: dict[str, int] = {}
    for slug, alias, pk in rows.values_list("slug", "aliases__name", "pk"):
        found.setdefault(alias, pk)
        found[slug] = pk
    return found


def _by_slug(model: type[Team | System]) -> Names:
    return lambda names: dict(model._default_manager.filter(slug__in=names).values_list("slug", "pk"))  # noqa: SLF001 - the typed way to the manager of either model


def service_filter(field_name: str = "service") -> NamesFilter:
    """By service."""
    return NamesFilter(services_named, field_name=field_name, help_text="Slug or alias of a service.")


def team_filter(field_name: str, help_text: str) -> NamesFilter:
    """By team."""
    return NamesFilter(_by_slug(Team), field_name=field_name, help_text=help_text)


def system_filter(field_name: str) -> NamesFilter:
    """By system."""
    return NamesFilter(_by_slug(System), field_name=field_name, help_text="Slug of a system.")


class ListFilter(django_filters.FilterSet):
    """What every list can do. ``searched`` names what ``search`` looks into; without any there is none."""

    searched: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def get_filters(cls) -> Any:
        """Adds ``search``, which names where it looks."""
        filters = super().get_filters()
        if cls.searched:
            where = ", ".join("id" if path == "external_id" else path for path in cls.searched)
            filters["search"] = django_filters.CharFilter(
                method="look", max_length=200, help_text=f"Every word stands in one of: {where}."
            )
        return filters

    def look(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Rows where every word stands somewhere."""
        for word in value.split():
            rows = rows.filter(self.contains(word))
        return rows

    def contains(self, word: str) -> Q:
        """Rows where this word stands somewhere."""
        found = Q()
        for path in self.searched:
            found |= Q(**{f"{path}__icontains": word})
        return found


class TimedFilter(ListFilter):
    """Adds ``from`` and ``to``: rows whose span from ``begins`` to ``ends`` touches that stretch.

    Both moments are included. What happens at a moment begins and ends then; a side that is null is open.
    """

    begins: ClassVar[str] = ""
    ends: ClassVar[str] = ""

    @classmethod
    def get_filters(cls) -> Any:
        """``from`` is a word of Python's, so the two cannot be declared."""
        filters = super().get_filters()
        if cls.begins:
            filters["from"] = MomentFilter(method="since", help_text=f"{cls.ends} at or after this moment.")
            filters["to"] = MomentFilter(method="until", help_text=f"{cls.begins} at or before this moment.")
        return filters

    def since(self, rows: QuerySet[Any], name: str, value: dt.datetime) -> QuerySet[Any]:
        """Rows that had not ended before."""
        return rows.filter(_open_or(rows.model, self.ends, comparison="gte", value=value))

    def until(self, rows: QuerySet[Any], name: str, value: dt.datetime) -> QuerySet[Any]:
        """Rows that had begun."""
        return rows.filter(_open_or(rows.model, self.begins, comparison="lte", value=value))


def _open_or(model: type[Model], field: str, *, comparison: str, value: Any) -> Q:
    found = Q(**{f"{field}__{comparison}": value})
    # Only where it may be null: an OR keeps a database from entering an index.
    if getattr(model._meta.get_field(field), "null", False):  # noqa: SLF001 - public in all but name
        found |= Q(**{f"{field}__isnull": True})
    return found
