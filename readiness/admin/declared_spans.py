"""Declares a span of a feed: somebody vouches for a past period, with reason and link."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldAdminURLInputWidget,
)

from readiness import clock
from readiness.admin.labels import actor
from readiness.models import Feed, Service
from readiness.models.evidence import KINDS

MOMENT = {"type": "datetime-local", "step": "60"}


class SpanForm(forms.Form):
    """What is declared. Moments are UTC, and in the past: nobody can vouch for the future."""

    kind = forms.ChoiceField(
        choices=KINDS,
        widget=UnfoldAdminSelectWidget,
        help_text="Which kind of evidence would have been reported.",
    )
    source = forms.CharField(
        max_length=200, widget=UnfoldAdminTextInputWidget, help_text="The system that would have reported it."
    )
    since = forms.DateTimeField(
        label="From (UTC)",
        widget=UnfoldAdminTextInputWidget(attrs=MOMENT),
        help_text="The first moment at which you know that it reported.",
    )
    last_seen_at = forms.DateTimeField(
        label="To (UTC)",
        widget=UnfoldAdminTextInputWidget(attrs=MOMENT),
        help_text="The last moment at which you know that it reported; not after now.",
    )
    reason = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="How you know. It is shown wherever this span carries a score.",
    )
    url = forms.URLField(
        label="Link",
        max_length=1000,
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
        help_text="What shows it: the log, the ticket, the dashboard.",
    )

    def __init__(self, service: Service, data: Any = None) -> None:
        super().__init__(data)
        self.service = service

    def clean(self) -> dict[str, Any]:
        """Refuse a period that is none, lies ahead, or is declared already."""
        found: dict[str, Any] = self.cleaned_data
        since, until = found.get("since"), found.get("last_seen_at")
        if until is not None and until > clock.now():
            self.add_error("last_seen_at", "This lies ahead of the clock: only past periods can be declared.")
        if since is not None and until is not None and since >= until:
            self.add_error("last_seen_at", "The span must end after it begins.")
        if since is not None and self._overlapping(found):
            self.add_error(
                "since", "A span of this source and kind covers some of this period already: see the feeds."
            )
        return found

    def _overlapping(self, found: dict[str, Any]) -> bool:
        spans = Feed.objects.filter(service=self.service, kind=found.get("kind"), source=found.get("source"))
        until = found.get("last_seen_at") or found["since"]
        return spans.filter(since__lte=until, last_seen_at__gte=found["since"]).exists()


def show(admin: ModelAdmin, request: HttpRequest, service: Service) -> HttpResponse:
    """The form, and what comes of it."""
    if not request.user.has_perm("readiness.add_feed"):
        raise PermissionDenied("Declaring a span takes the right to add feeds, which SRE leads have.")
    form = SpanForm(service, request.POST or None)
    if request.method == "POST" and form.is_valid() and _saved(form, request):
        said = "The span is declared. The next evaluation judges by it; “Evaluate now” asks for one."
        messages.success(request, said)
        page = reverse("admin:readiness_service_change", args=[service.pk])
        return HttpResponseRedirect(f"{page}#feeds")
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": service,
        "service": service,
        "title": f"Declare a span of {service}",
        "form": form,
    }
    return TemplateResponse(request, "readiness/declare_span.html", context)


def _saved(form: SpanForm, request: HttpRequest) -> bool:
    received = clock.real_now()
    try:
        with transaction.atomic():
            Feed.objects.create(
                service=form.service,
                **form.cleaned_data,
                origin=Feed.DECLARED,
                declared_by=actor(request)[:200],
                first_received_at=received,
                last_received_at=received,
                changed_at=received,
                stated_at=received,
            )
    except IntegrityError:
        form.add_error(None, ValidationError("Somebody declared the same span just now."))
        return False
    return True
