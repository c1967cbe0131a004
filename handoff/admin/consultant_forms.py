"""The forms of consultants: naming one, ending it, writing a note; and the look-ups behind naming."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from handoff.models import Consultant
from handoff.models.consultant import advisable, fit_people
from readiness import clock, rights
from readiness.admin.policy_page import is_key
from readiness.models import Person, Service

NUMBER = {"type": "number", "step": "0.25", "min": "-24", "max": "24"}


class _LookUp(AutocompleteJsonView):
    """What is found while somebody types; asked by the form, so who may use that may ask."""

    def has_perm(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the one who asks may name consultants."""
        return request.user.has_perm(rights.NAME_CONSULTANT)


class People(_LookUp):
    """Those who may be consultants."""

    def get_queryset(self) -> Any:
        """Of those that the list of people finds."""
        return super().get_queryset().filter(pk__in=fit_people().values("pk"))

    def serialize_result(self, obj: Person, to_field_name: str) -> dict[str, str]:
        """With their teams, which tell people of one name apart."""
        said: dict[str, str] = super().serialize_result(obj, to_field_name)  # type: ignore[misc]  # not in its types
        teams = ", ".join(str(team) for team in obj.teams.all())
        return {**said, "text": f"{obj} ({teams})"} if teams else said


class Services(_LookUp):
    """Those that may have a consultant."""

    def get_queryset(self) -> Any:
        """Of those that the fleet list finds."""
        return super().get_queryset().filter(pk__in=advisable(clock.now()).values("pk"))


class _Found(AutocompleteSelect):
    """A choice that is looked up while typing."""

    def __init__(self, field_name: str, url_name: str) -> None:
        field = Consultant._meta.get_field(field_name)  # noqa: SLF001 - documented by Django
        super().__init__(field, admin.site)
        self.url_name = f"%s:{url_name}"

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """What is chosen; Django would break at what is no key."""
        keys = [each for each in value if is_key(str(each))]
        return super().optgroups(name, keys, attr)


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="It stays on record with your name.",
    )


class NamingForm(ReasonForm):
    """Who is to advise on which service."""

    service = forms.ModelChoiceField(
        Service.objects.all(),
        widget=_Found("service", "handoff_consultant_services"),
        help_text="One that its developers run, or are to launch.",
    )
    person = forms.ModelChoiceField(
        Person.objects.all(),
        widget=_Found("person", "handoff_consultant_people"),
        help_text="Somebody in a team that operates services. Whoever may look at services sees the name.",
    )
    field_order = ("service", "person", "reason")


class NoteForm(forms.Form):
    """What was advised on a day."""

    given_on = forms.DateField(label="Day (UTC)", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
    hours = forms.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=-24,
        max_value=24,
        widget=UnfoldAdminTextInputWidget(attrs=NUMBER),
        help_text="Spent on it that day. Notes are written once: fewer than 0 take back what an earlier note "
        "of the day has too much.",
    )
    text = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="What was advised, with links. It stays on record with your name.",
    )


def chosen(query: Mapping[str, str]) -> dict[str, Any]:
    """What an address fills into the form that names."""
    service = query.get("service", "")
    return {"service": service} if is_key(service) else {}
