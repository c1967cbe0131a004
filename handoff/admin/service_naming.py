"""Renames a service, or makes it another name of another, by hand: a form, and a page that asks."""

import re
from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from handoff.actions import MovedError
from handoff.admin import confirming
from handoff.catalogue import Naming, foresee_naming, name_anew
from readiness.admin.labels import actor
from readiness.evidence.fields import NO_SLUG, SLUG_PATTERN
from readiness.models import Service, ServiceAlias
from readiness.turns import take_turn


class NamingForm(forms.Form):
    """A new name, or the service that this one becomes another name of."""

    slug = forms.CharField(
        required=False,
        max_length=200,
        label="Its new name",
        widget=UnfoldAdminTextInputWidget,
        help_text="The old one stays another name of it, and all that is open goes on.",
    )
    into = forms.CharField(
        required=False,
        max_length=200,
        label="Or: merge it into",
        widget=UnfoldAdminTextInputWidget,
        help_text="Another service, by its short name. This one is retired then, its names are the other's, "
        "and what comes in under them counts there. Its history stays here.",
    )

    def __init__(self, data: Any = None, *, service: Service) -> None:
        super().__init__(data)
        self.service = service

    def clean_slug(self) -> str:
        """A name that a catalogue file could use too, and that is no other service's."""
        slug: str = self.cleaned_data["slug"]
        if slug and not re.fullmatch(SLUG_PATTERN, slug):
            raise forms.ValidationError(f"This {NO_SLUG}.")
        others = Service.objects.filter(slug__iexact=slug).exclude(pk=self.service.pk)
        aliases = ServiceAlias.objects.filter(name__iexact=slug).exclude(service=self.service)
        if others.exists() or aliases.exists():
            raise forms.ValidationError("This names another service already.")
        return slug

    def clean_into(self) -> Service | None:
        """Another service that is not retired."""
        name: str = self.cleaned_data["into"]
        found = Service.objects.named(name).exclude(pk=self.service.pk).first() if name else None
        if name and (found is None or found.lifecycle == "retired"):
            raise forms.ValidationError("There is no other service of this name that is not retired.")
        return found

    def clean(self) -> dict[str, Any]:
        """One of both, and something else than now."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and bool(said["slug"]) is bool(said["into"]):
            raise forms.ValidationError("Say its new name, or the service that it is merged into.")
        if said.get("slug") == self.service.slug:
            raise forms.ValidationError("That is its name already.")
        return said

    @property
    def naming(self) -> Naming:
        """What was said, once it is valid."""
        return Naming(self.service, to=self.cleaned_data["slug"], into=self.cleaned_data["into"])


def show(admin: ModelAdmin[Service], request: HttpRequest, service: Service) -> HttpResponse:
    """The form, the page that asks where it must, and what comes of it."""
    form = NamingForm(request.POST if request.method == "POST" else None, service=service)
    if request.method == "POST" and form.is_valid():
        found = foresee_naming([form.naming])
        if not confirming.is_accepted(request, found):
            return confirming.ask(
                admin, request, found, title=f"Rename or merge {service}", back=request.path
            )
        if _done(form, actor(request)):
            said = str(form.naming.happening)
            admin.log_change(request, service, f"By hand: {said}.")
            admin.message_user(request, f"Done: {said}.")
            shown = form.naming.into or service
            return HttpResponseRedirect(reverse("admin:readiness_service_change", args=[shown.pk]))
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": service,
        "title": f"Rename or merge {service}",
        "form": form,
    }
    return TemplateResponse(request, "handoff/service_naming.html", context)


def _done(form: NamingForm, who: str) -> bool:
    try:
        with transaction.atomic():
            take_turn()
            name_anew([form.naming], actor=who, reason="by hand")
    except IntegrityError:
        form.add_error(None, "Somebody gave this name to a service just now. Try once more.")
        return False
    except MovedError as error:
        form.add_error(None, f"{error} Try once more.")
        return False
    return True
