"""Machine tokens: who may write evidence over REST; made here, shown once, revoked here."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import FieldTextFilter
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from readiness import clock, tokens
from readiness.admin.labels import actor, label, moment
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.evidence import Kind
from readiness.models import MachineToken, Service
from readiness.models.evidence import KINDS
from readiness.models.token import CATALOGUE, EVERY_SERVICE

SOON = dt.timedelta(days=14)
LASTING = [(30, "30 days"), (90, "90 days"), (365, "a year"), (730, "two years")]
TAKEN = "There is, or was, a token of this name."
WRITTEN = [
    *((kind, f"{title}s" if not title.endswith("y") else f"{title[:-1]}ies") for kind, title in KINDS),
    (Kind.FEED.value, "feeds (heartbeats)"),
    (CATALOGUE, "catalogue (teams, systems, services)"),
]


class TokenForm(forms.Form):
    """What a new token may write, and for how long."""

    name = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="Which machine writes with it, such as “deploy pipeline of team A”.",
    )
    source = forms.CharField(
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="The system's name in every row: it writes rows of this source alone.",
    )
    kinds = forms.MultipleChoiceField(
        choices=WRITTEN,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What it may write. A machine that reports a kind should send its heartbeats, too, which "
        "it may for its kinds alone.",
    )
    services = forms.CharField(
        initial=EVERY_SERVICE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Slugs, separated by blanks or commas; * is every service, those to come included.",
    )
    days = forms.TypedChoiceField(
        label="Lasts",
        choices=LASTING,
        coerce=int,
        initial=365,
        widget=UnfoldAdminSelectWidget,
        help_text="Then it is refused; make a new one before.",
    )

    def clean_name(self) -> str:
        """A name that no token has, or had: who wrote must stay clear."""
        name: str = self.cleaned_data["name"]
        if MachineToken.objects.filter(name=name).exists():
            raise forms.ValidationError(TAKEN)
        return name

    def clean_kinds(self) -> list[str]:
        """More than heartbeats: who says that it listens for a kind must be able to tell what it heard."""
        kinds: list[str] = self.cleaned_data["kinds"]
        if kinds == [Kind.FEED.value]:
            raise forms.ValidationError("Heartbeats go with a kind of evidence: choose what it reports, too.")
        return kinds

    def clean_services(self) -> list[str]:
        """Slugs that the catalogue knows, unless it is the catalogue that the token writes."""
        slugs = sorted(set(self.cleaned_data["services"].replace(",", " ").split()))
        if CATALOGUE in self.cleaned_data.get("kinds", ()):  # it may make them
            return slugs
        known = set(Service.objects.filter(slug__in=slugs).values_list("slug", flat=True))
        unknown = [slug for slug in slugs if slug not in known and slug != EVERY_SERVICE]
        if unknown:
            raise forms.ValidationError(f"The catalogue knows no {', '.join(unknown)}.")
        return slugs

    def issue(self, who: str) -> tokens.Issued | None:
        """Make the token; where its name was taken just now, or by a log-in, say so and make none."""
        said = self.cleaned_data
        try:
            return tokens.issue(
                said["name"],
                source=said["source"],
                kinds=said["kinds"],
                services=said["services"],
                created_by=who,
                lasts=dt.timedelta(days=said["days"]),
            )
        except IntegrityError:
            self.add_error("name", TAKEN)
            return None


@admin.register(MachineToken)
class MachineTokenAdmin(ReadOnlyAdmin):
    """Tokens, those in use and those that ended."""

    change_list_template = "readiness/tokens.html"
    list_display = (
        "name",
        "state",
        "source",
        "writes",
        "covers",
        "expiry",
        "last_used",
        "created_by",
        "created",
    )
    list_filter = (("source", FieldTextFilter),)
    search_fields = ("name", "source", "created_by")
    ordering = ("name",)
    empty_says = "No token yet. A machine that writes evidence over REST needs one."

    def get_urls(self) -> list[URLPattern]:
        """The form of a new one, and revoking, before Django's."""
        wrap = self.admin_site.admin_view
        own = [
            path("new/", wrap(self.new), name="readiness_machinetoken_new"),
            path("<str:digest>/revoke/", wrap(self.revoke), name="readiness_machinetoken_revoke"),
        ]
        urls: list[URLPattern] = super().get_urls()
        return own + urls

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the button for a new one where the right is there."""
        may = request.user.has_perm("readiness.add_machinetoken")
        answer: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "may_make": may})
        return answer

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """What a token may, and the button that revokes it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._page(request, get_object_or_404(MachineToken, pk=object_id))

    def new(self, request: HttpRequest) -> HttpResponse:
        """The form; what comes of it shows the token's text, this once."""
        if not request.user.has_perm("readiness.add_machinetoken"):
            raise PermissionDenied("Making a token takes the right to add tokens, which SRE leads have.")
        form = TokenForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and (issued := form.issue(actor(request))):
            self.log_addition(request, issued.token, "Made.")
            return self._page(request, issued.token, text=issued.text)
        context = {**self._frame(request, "New token"), "form": form}
        return TemplateResponse(request, "readiness/token_form.html", context)

    def revoke(self, request: HttpRequest, digest: str) -> HttpResponse:
        """End a token, once it was asked about."""
        if not request.user.has_perm("readiness.change_machinetoken"):
            raise PermissionDenied("Revoking a token takes the right to change tokens, which SRE leads have.")
        token = get_object_or_404(MachineToken, pk=digest)
        if request.method != "POST":
            context = {**self._frame(request, f"Revoke {token}"), "token": token}
            return TemplateResponse(request, "readiness/revoke_token.html", context)
        if tokens.revoke(token):
            self.log_change(request, token, "Revoked.")
            messages.success(request, f"{token} is revoked: it is refused from now on.")
        else:
            messages.info(request, f"{token} had ended before.")
        return HttpResponseRedirect(reverse("admin:readiness_machinetoken_changelist"))

    def _page(self, request: HttpRequest, token: MachineToken, *, text: str = "") -> HttpResponse:
        context = {
            **self._frame(request, str(token)),
            "token": token,
            "text": text,
            "state": self.state(token),
            "writes": self.writes(token),
            "covers": self.covers(token),
            "last_used": self.last_used(token),
            "live": _is_live(token),
            "may_revoke": request.user.has_perm("readiness.change_machinetoken"),
        }
        answer = TemplateResponse(request, "readiness/token.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    def _frame(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}

    @admin.display(description="state")
    def state(self, token: MachineToken) -> SafeString:
        """Whether it may still write."""
        if token.revoked:
            return label("revoked", "bad")
        if not _is_live(token):
            return label("expired", "bad")
        if token.expiry is not None and token.expiry - clock.real_now() < SOON:
            return label("expires soon", "warn")
        return label("in use", "good") if token.last_used_at else label("not used yet", "unknown")

    @admin.display(description="may write")
    def writes(self, token: MachineToken) -> str:
        """Kinds."""
        return ", ".join(kind.replace("_", " ") for kind in token.kinds)

    @admin.display(description="for")
    def covers(self, token: MachineToken) -> str:
        """Services."""
        return "every service" if EVERY_SERVICE in token.services else ", ".join(token.services)

    @admin.display(description="last used", ordering="last_used_at")
    def last_used(self, token: MachineToken) -> str:
        """When it was last used, to the minute."""
        return moment(token.last_used_at) if token.last_used_at else "never"


def _is_live(token: MachineToken) -> bool:
    return token.expiry is None or token.expiry > clock.real_now()
