"""Subscriptions: what a team is told of and where; made, changed, tested and switched off here."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesDropdownFilter
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from handoff.actions import InvalidError, NotAllowedError
from handoff.models import Delivery, Subscription
from handoff.models.notification import TOPICS
from handoff.notifications import subscribing
from handoff.tasks_notifications import deliver_to
from readiness import rights
from readiness.admin.labels import label
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import Team
from readiness.nudging import nudge

WHOLE_FLEET = "the whole fleet"
SHOWN = 20
NAME = "handoff_subscription"


class SubscriptionForm(forms.Form):
    """What somebody wants to hear of, where, and how soon."""

    team = forms.ModelChoiceField(
        queryset=Team.objects.none(),
        required=False,
        widget=UnfoldAdminSelect2Widget,
        empty_label=None,
        help_text="It hears of services that it owns or runs, and of alerts on which it should act.",
    )
    topics = forms.MultipleChoiceField(
        choices=TOPICS, widget=UnfoldAdminCheckboxSelectMultipleWidget, help_text="What to hear of."
    )
    channel = forms.ChoiceField(choices=Subscription.Channel.choices, widget=UnfoldAdminSelectWidget)
    address = forms.CharField(
        max_length=2_000,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="E-mail: addresses with commas between them. Chat: an apprise address, such as "
        "slack://token/#channel. Webhook: https://… . It may hold a secret, so it is not shown again.",
    )
    urgency = forms.ChoiceField(
        choices=Subscription.Urgency.choices,
        widget=UnfoldAdminSelectWidget,
        help_text="A digest comes once a day, as the team's day begins.",
    )
    new_secret = forms.BooleanField(
        required=False,
        label="Make a new secret",
        widget=UnfoldBooleanWidget,
        help_text="What is signed from then on is believed by the new secret alone.",
    )

    def __init__(self, user: Any, subscription: Subscription | None, data: Any = None) -> None:
        super().__init__(data, initial=_initial(subscription))
        self.user, self.subscription = user, subscription
        team: Any = self.fields["team"]
        if user.has_perm(rights.SUBSCRIBE):
            team.queryset, team.empty_label = Team.objects.all(), WHOLE_FLEET
        else:
            team.queryset, team.required = Team.objects.filter(pk__in=rights.teams_of(user)), True
        if subscription is None:
            del self.fields["new_secret"]
        else:
            self.fields["address"].required = False
            self.fields["address"].help_text = f"Empty: it stays as it is. {self.fields['address'].help_text}"

    def save(self) -> Subscription | None:
        """Make or change it; where it was refused, say so beside the field and change nothing."""
        wish = subscribing.Wish(**self.cleaned_data)
        try:
            if self.subscription is None:
                return subscribing.subscribe(wish, by=self.user)
            return subscribing.change(self.subscription, wish, by=self.user)
        except InvalidError as error:
            self.add_error(error.field, str(error))
        except NotAllowedError as error:
            self.add_error("team", str(error))
        return None


def _initial(subscription: Subscription | None) -> dict[str, Any]:
    if subscription is None:
        return {"topics": [topic for topic, _ in TOPICS]}
    names = ("team", "topics", "channel", "urgency")
    return {name: getattr(subscription, name) for name in names}


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Subscriptions of one's own teams; of all, for SRE leads."""

    change_list_template = "handoff/subscriptions.html"
    list_display = ("who", "told_of", "channel", "where", "urgency", "standing", "waiting", "dead")
    list_select_related = ("team",)
    list_filter = (
        ("team", AutocompleteSelectFilter),
        ("channel", ChoicesDropdownFilter),
        ("active", BooleanRadioFilter),
    )
    search_fields = ("team__slug",)
    ordering = ("team__slug", "pk")
    export_without = ("address", "secret", "due_at")
    empty_says = "Nobody is told of anything yet. A subscription names a team, what it hears of, and where."

    def get_urls(self) -> list[URLPattern]:
        """Forms and buttons, before Django's."""
        wrap = self.admin_site.admin_view
        own = [
            path("new/", wrap(self.new), name=f"{NAME}_new"),
            path("<int:pk>/edit/", wrap(self.edit), name=f"{NAME}_edit"),
            path("<int:pk>/test/", wrap(require_POST(self.test)), name=f"{NAME}_test"),
            path("<int:pk>/switch/", wrap(require_POST(self.switch)), name=f"{NAME}_switch"),
        ]
        urls: list[URLPattern] = super().get_urls()
        return own + urls

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Subscription]":
        """What somebody may see, with how much waits and how much died."""
        rows: QuerySet[Subscription] = super().get_queryset(request)
        seen = rows.filter(subscribing.seen_by(request.user))  # type: ignore[arg-type]  # logged in
        return seen.annotate(
            pending_number=Count("deliveries", filter=Q(deliveries__state=Delivery.State.PENDING)),
            dead_number=Count("deliveries", filter=Q(deliveries__state=Delivery.State.DEAD)),
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the button for a new one where the right is there."""
        context = {**(extra_context or {}), "may_make": _may_somewhere(request)}
        answer: HttpResponse = super().changelist_view(request, context)
        return answer

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """What it is, its last messages, and the buttons."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._page(request, get_object_or_404(self.get_queryset(request), pk=object_id))

    def new(self, request: HttpRequest) -> HttpResponse:
        """The form; what comes of it shows a webhook's secret, this once."""
        if not _may_somewhere(request):
            raise PermissionDenied("Subscribing takes a team of one's own, or the right to change all.")
        return self._form(request, None)

    def edit(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form of one that is there."""
        return self._form(request, self._changeable(request, pk))

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a test message; what came of it stands among the last messages."""
        subscription = self._changeable(request, pk)
        try:
            subscribing.test(subscription, by=request.user)  # type: ignore[arg-type]  # logged in
        except InvalidError as error:
            messages.error(request, str(error))
        else:
            soon = nudge(deliver_to, subscription.pk)
            messages.success(
                request,
                "A test message is on its way: look at this page again "
                f"{'in a few seconds' if soon else 'in a minute or two'}.",
            )
        return self._to(subscription)

    def switch(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Switch it on or off."""
        subscription = self._changeable(request, pk)
        on = request.POST.get("on") == "yes"
        subscribing.switch(subscription, on=on, by=request.user)  # type: ignore[arg-type]  # logged in
        self.log_change(request, subscription, "Switched on." if on else "Switched off.")
        messages.success(request, "It is on." if on else "It is off: what waited is among the dead letters.")
        return self._to(subscription)

    def _form(self, request: HttpRequest, subscription: Subscription | None) -> HttpResponse:
        form = SubscriptionForm(request.user, subscription, request.POST or None)
        former = subscription.secret if subscription else ""
        if request.method == "POST" and form.is_valid() and (saved := form.save()):
            if subscription is None:
                self.log_addition(request, saved, "Made.")
            else:
                self.log_change(request, saved, f"Changed {', '.join(form.changed_data) or 'nothing'}.")
            if saved.secret != former and saved.secret:
                found = get_object_or_404(self.get_queryset(request), pk=saved.pk)
                return self._page(request, found, secret=saved.secret)
            messages.success(request, "Saved. Send a test message to see whether it arrives.")
            return self._to(saved)
        title = f"Change {subscription}" if subscription else "New subscription"
        context = {**self._frame(request, title), "form": form, "subscription": subscription}
        return TemplateResponse(request, "handoff/subscription_form.html", context)

    def _page(self, request: HttpRequest, subscription: Subscription, *, secret: str = "") -> HttpResponse:
        rows = subscription.deliveries.select_related("message__service", "message__transition")
        context = {
            **self._frame(request, str(subscription)),
            "subscription": subscription,
            "secret": secret,
            "standing": self.standing(subscription),
            "told_of": self.told_of(subscription),
            "where": self.where(subscription),
            "deliveries": rows[:SHOWN],
            "may_change": subscribing.may_subscribe(request.user, subscription.team_id),  # type: ignore[arg-type]  # logged in
            "deliveries_url": f"{reverse('admin:handoff_delivery_changelist')}"
            f"?subscription__id__exact={subscription.pk}",
        }
        answer = TemplateResponse(request, "handoff/subscription.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    def _changeable(self, request: HttpRequest, pk: int) -> Subscription:
        subscription = get_object_or_404(self.get_queryset(request), pk=pk)
        if not subscribing.may_subscribe(request.user, subscription.team_id):  # type: ignore[arg-type]  # logged in
            raise PermissionDenied("You may change the subscriptions of your own teams.")
        return subscription

    def _to(self, subscription: Subscription) -> HttpResponse:
        return HttpResponseRedirect(reverse(f"admin:{NAME}_change", args=[subscription.pk]))

    def _frame(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}

    @admin.display(description="who is told", ordering="team__slug")
    def who(self, subscription: Subscription) -> str:
        """A team, or whoever reads for the whole fleet."""
        return str(subscription.team or WHOLE_FLEET)

    @admin.display(description="of what")
    def told_of(self, subscription: Subscription) -> str:
        """The topics."""
        return ", ".join(title for topic, title in TOPICS if topic in subscription.topics)

    @admin.display(description="where")
    def where(self, subscription: Subscription) -> str:
        """As much of the address as is no secret."""
        return shown_address(subscription)

    @admin.display(description="standing")
    def standing(self, subscription: Subscription) -> SafeString:
        """Whether messages arrive."""
        if not subscription.active:
            return label("off", "plain")
        if subscription.failures:
            return label(f"failed {subscription.failures} times in a row", "bad")
        return label("on", "good")

    @admin.display(description="waiting", ordering="pending_number")
    def waiting(self, subscription: Any) -> int:
        """Messages that are to be sent."""
        return int(subscription.pending_number)

    @admin.display(description="dead letters", ordering="dead_number")
    def dead(self, subscription: Any) -> int:
        """Messages that were given up."""
        return int(subscription.dead_number)


def shown_address(subscription: Subscription) -> str:
    """E-mail addresses whole; of others the scheme, and the host of a webhook: the rest may be a secret."""
    if subscription.channel == Subscription.Channel.EMAIL:
        return subscription.address
    scheme, _, rest = subscription.address.partition("://")
    if subscription.channel == Subscription.Channel.CHAT:
        return f"{scheme}://…"
    host = rest.split("/", 1)[0].split("?", 1)[0]
    return f"{scheme}://{host}/…"


def _may_somewhere(request: HttpRequest) -> bool:
    user: Any = request.user
    return user.has_perm(rights.SUBSCRIBE) or (
        user.has_perm(rights.SUBSCRIBE_OWN) and bool(rights.teams_of(user))
    )
