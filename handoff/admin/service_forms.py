"""Services by hand: a form to add one, and one to correct what the catalogue says of one."""

import re
from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from handoff.actions import MovedError
from handoff.admin import confirming
from handoff.catalogue import Entry, consequences_of, write
from handoff.consequences import Foreseen
from readiness.admin.labels import actor
from readiness.evidence.fields import MAX_NAME, NO_SLUG, SLUG_PATTERN
from readiness.ingest import launch_days, unlaunching
from readiness.models import ManagementState, Service, ServiceAlias
from readiness.turns import take_turn

FIELDS = (
    *("title", "description", "owner", "ops_team", "system", "tier", "lifecycle", "deprecated"),
    *("launched_on", "components", "default_branch"),
)
TIERS = [(1, "1 – the highest"), (2, "2"), (3, "3"), (4, "4 – the lowest")]
DAY = {"type": "date"}


class _Names(forms.CharField):
    """Names separated by commas, as a list of possible ones; capitals make no other name."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        parts = (part.strip() for part in (value or "").split(","))
        first: dict[str, str] = {}
        for name in filter(None, parts):
            first.setdefault(name.lower(), name)
        return list(first.values())

    def validate(self, value: Any) -> None:
        super().validate(value)
        if any(len(name) > MAX_NAME or "\0" in name for name in value):
            raise forms.ValidationError(f"A name has at most {MAX_NAME} characters and no NUL.")


class ServiceForm(forms.ModelForm[Service]):
    """What the catalogue says of a service, and the state of one that has none yet."""

    tier = forms.TypedChoiceField(coerce=int, choices=TIERS, initial=3, widget=UnfoldAdminSelectWidget)
    components = _Names(required=False, help_text="Parts that telemetry must cover, separated by commas.")
    aliases = _Names(
        required=False,
        label="Also called",
        help_text="Other names under which evidence speaks of it, separated by commas.",
    )
    split_from = forms.CharField(
        required=False,
        label="Taken out of",
        widget=UnfoldAdminTextInputWidget,
        help_text="The service that it was a part of until now, by its short name. What is open of that one "
        "stays there, and the new one begins with a clock of its own.",
    )
    state = forms.ChoiceField(
        label="Run by",
        choices=ManagementState.choices,
        widget=UnfoldAdminSelectWidget,
        help_text="Who runs it once it is live: adopted without review, from its launch date on. Later "
        "changes take a review.",
    )

    class Meta:
        model = Service
        fields = ("slug", *FIELDS)
        widgets = {
            "slug": UnfoldAdminTextInputWidget,
            "title": UnfoldAdminTextInputWidget,
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "owner": UnfoldAdminSelect2Widget,
            "ops_team": UnfoldAdminSelect2Widget,
            "system": UnfoldAdminSelect2Widget,
            "lifecycle": UnfoldAdminSelectWidget,
            "deprecated": UnfoldBooleanWidget,
            "launched_on": UnfoldAdminTextInputWidget(attrs=DAY),
            "default_branch": UnfoldAdminTextInputWidget,
        }
        help_texts = {
            "slug": "Its short name in addresses and evidence. It cannot be changed later.",
            "owner": "The developers' team; its hours decide what is after hours.",
            "launched_on": "Since when it is live. Empty: unknown.",
        }

    def __init__(self, data: Any = None, *, service: Service | None = None) -> None:
        super().__init__(data, instance=service)
        self.service = service
        self.fields["slug"].disabled = service is not None
        if service is not None:
            del self.fields["split_from"]
            self.initial["aliases"] = list(service.aliases.order_by("name").values_list("name", flat=True))
            if service.management_changes.exists():
                del self.fields["state"]

    def clean_slug(self) -> str:
        """A name that a catalogue file could describe too, and that is no other service's."""
        slug: str = self.cleaned_data["slug"]
        if self.service is None:
            if not re.fullmatch(SLUG_PATTERN, slug):
                raise forms.ValidationError(f"This {NO_SLUG}.")
            if taken := _named(slug, but=None):
                raise forms.ValidationError(f"This already names {taken.slug}.")
        return slug

    def clean_aliases(self) -> list[str]:
        """Names that are no other service's."""
        names: list[str] = self.cleaned_data["aliases"]
        for name in names:
            if taken := _named(name, but=self.service):
                raise forms.ValidationError(f"{name} already names {taken.slug}.")
        return names

    def clean_split_from(self) -> Service | None:
        """A service that there is."""
        name: str = self.cleaned_data["split_from"]
        found = Service.objects.named(name).first() if name else None
        if name and found is None:
            raise forms.ValidationError("There is no service of this name.")
        return found

    def clean(self) -> dict[str, Any]:
        """Refuse what would take back a launch that a review led to."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if self.service is None:
            return said
        day = launch_days(service=self.service).get(self.service.slug)
        if day is not None:
            for name, reason in unlaunching(said, day).items():
                self.add_error(name, f"This {reason}.")
            if said.get("launched_on", day) is None:
                self.add_error("launched_on", f"It was launched here on {day}: that day stays known.")
        return said

    def foreseen(self) -> list[Foreseen]:
        """What would come of it for what is open. Ask it once the form is valid."""
        return consequences_of([self._entry()])

    def write(self, *, actor: str, reason: str) -> Service:
        """Write it as every other way in does. Names that were taken out of the list go.

        Raises ``MovedError`` where somebody decided about what is open just then.
        """
        entry = self._entry()
        with transaction.atomic():
            take_turn()
            gone = ServiceAlias.objects.filter(service__slug=entry.slug).exclude(name__in=entry.aliases)
            gone.delete()
            write([entry], actor=actor, reason=reason)
        return Service.objects.get(slug=entry.slug)

    def _entry(self) -> Entry:
        said = self.cleaned_data
        return Entry(
            said["slug"],
            {name: said[name] for name in FIELDS},
            tuple(said["aliases"]),
            split_from=said.get("split_from"),
            **({"state": said["state"]} if "state" in said else {}),
        )


def _named(name: str, *, but: Service | None) -> Service | None:
    """Another service that goes by this name."""
    others = Service.objects.all() if but is None else Service.objects.exclude(pk=but.pk)
    return others.filter(slug__iexact=name).first() or others.filter(aliases__name__iexact=name).first()


def show(admin: ModelAdmin[Service], request: HttpRequest, service: Service | None) -> HttpResponse:
    """The form, for a new service or for one that is there, and what comes of it.

    Where something is open that this would touch, a second page says what becomes of it, and asks.
    """
    title = f"Edit {service}" if service else "Add a service"
    form = ServiceForm(request.POST or None, service=service)
    if request.method == "POST" and form.is_valid():
        found = form.foreseen()
        if not confirming.is_accepted(request, found):
            return confirming.ask(admin, request, found, title=title, back=request.path)
        if saved := _saved(form, actor(request)):
            _tell(admin, request, form=form, saved=saved)
            return HttpResponseRedirect(reverse("admin:readiness_service_change", args=[saved.pk]))
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": service,
        "title": title,
        "form": form,
    }
    return TemplateResponse(request, "handoff/service_form.html", context)


def _saved(form: ServiceForm, who: str) -> Service | None:
    parent: Service | None = form.cleaned_data.get("split_from")
    added = f"added by hand, taken out of {parent.slug}" if parent else "added by hand"
    try:
        return form.write(actor=who, reason=added if form.service is None else "edited by hand")
    except IntegrityError:
        form.add_error(None, "Somebody gave one of these names to a service just now. Try once more.")
    except MovedError as error:
        form.add_error(None, f"{error} Try once more.")
    return None


def _tell(admin: ModelAdmin[Service], request: HttpRequest, *, form: ServiceForm, saved: Service) -> None:
    """On record in the admin's log, and to whoever did it."""
    if form.service is None:
        admin.log_addition(request, saved, "Added by hand.")
        admin.message_user(request, f"{saved} is in the catalogue.")
    else:
        admin.log_change(request, saved, f"Changed {', '.join(form.changed_data) or 'nothing'}.")
        admin.message_user(request, "Saved. The service is judged again soon.")
