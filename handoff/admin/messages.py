"""Messages and their deliveries: what was told to whom, what waits, and dead letters to send again."""

from typing import Any

from django.contrib import admin
from django.contrib import messages as notices
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from handoff.actions import NotAllowedError
from handoff.models import Delivery, Message
from handoff.notifications import subscribing
from handoff.notifications.telling import RELATED, happening
from handoff.notifications.wording import letter, words
from readiness import rights
from readiness.admin.filters import BetweenFilter
from readiness.admin.labels import Tone, label, moment
from readiness.admin.readonly import ReadOnlyAdmin

MOST = 500
"""Dead letters that are sent again at once."""
TONES: dict[str, Tone] = {"pending": "warn", "sent": "good", "dead": "bad"}


def _mine(request: HttpRequest) -> Q:
    """Deliveries to subscriptions that somebody may look at."""
    user: Any = request.user
    if not user.has_perm("handoff.view_delivery"):
        return Q(pk__in=())
    return Q() if user.has_perm(rights.SUBSCRIBE) else Q(subscription__team__in=rights.teams_of(user))


def _state(delivery: Delivery) -> SafeString:
    return label(delivery.get_state_display(), TONES[delivery.state])


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """Everything that there was to tell."""

    list_display = ("at", "service", "says", "event", "arrived", "waiting", "dead")
    list_select_related = RELATED
    list_filter = (
        ("service", AutocompleteSelectFilter),
        ("event", ChoicesDropdownFilter),
        ("at", BetweenFilter),
    )
    search_fields = ("service__slug__startswith", "topic")
    search_help_text = "The beginning of a service's slug, or a topic"
    ordering = ("-pk",)
    fields = ("at", "service", "event", "topic", "text", "to_whom", "written_at", "routed_at")
    export_without = ("facts",)
    empty_says = "There was nothing to tell yet: each decision and each alert writes a message."

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Message]":
        """With how far each came, and on its page the deliveries that somebody may see."""
        rows: QuerySet[Message] = super().get_queryset(request)
        mine = Delivery.objects.filter(_mine(request)).select_related("subscription__team")
        numbers = {
            f"{state}_number": Count("deliveries", filter=Q(deliveries__state=state)) for state in TONES
        }
        return rows.annotate(**numbers).prefetch_related(Prefetch("deliveries", mine, to_attr="mine"))

    @admin.display(description="what it says")
    def says(self, message: Message) -> str:
        """Its first line."""
        return words(happening(message)).subject.removeprefix("[Handoff] ")

    @admin.display(description="text")
    def text(self, message: Message) -> SafeString:
        """All of it, as an e-mail has it."""
        return format_html('<pre class="rd-text rd-whole">{}</pre>', letter(words(happening(message))))

    @admin.display(description="who is told")
    def to_whom(self, message: Any) -> SafeString | str:
        """Each delivery that somebody may see, with what came of it."""
        rows = [(str(each.subscription), _state(each), _came(each)) for each in message.mine]
        return format_html_join("", "<p>{} {} {}</p>", rows) if rows else "nobody whom you may see"

    @admin.display(description="arrived", ordering="sent_number")
    def arrived(self, message: Any) -> int:
        """Deliveries that arrived."""
        return int(message.sent_number)

    @admin.display(description="waiting", ordering="pending_number")
    def waiting(self, message: Any) -> int:
        """Deliveries that are to be sent."""
        return int(message.pending_number)

    @admin.display(description="dead letters", ordering="dead_number")
    def dead(self, message: Any) -> int:
        """Deliveries that were given up."""
        return int(message.dead_number)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Each message on its way to each subscription."""

    list_display = ("message_says", "subscription", "standing", "failed", "error", "came")
    list_select_related = ("subscription__team", *(f"message__{each}" for each in RELATED))
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("subscription__team", AutocompleteSelectFilter),
        ("message__service", AutocompleteSelectFilter),
    )
    search_fields = ("message__service__slug__startswith", "error")
    search_help_text = "The beginning of a service's slug, or why it failed"
    ordering = ("-message_id", "-pk")
    fields = ("message_says", "subscription", "standing", "failed", "error", "due_at", "sent_at")
    actions: Any = ("send_again",)
    empty_says = "Nothing was sent yet: nobody subscribed, or nothing happened since."

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Delivery]":
        """Those to one's own teams; all for SRE leads."""
        rows: QuerySet[Delivery] = super().get_queryset(request)
        return rows.filter(_mine(request))

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Whoever may change a subscription may have its dead letters sent again."""
        return any(request.user.has_perm(right) for right in (rights.SUBSCRIBE, rights.SUBSCRIBE_OWN))

    @admin.action(description="Send dead letters again", permissions=["resend"])
    def send_again(self, request: HttpRequest, rows: "QuerySet[Delivery]") -> None:
        """Those among the selected that were given up; the sweep sends them within a minute."""
        keys = list(rows.order_by().values_list("pk", flat=True)[: MOST + 1])
        if len(keys) > MOST:
            notices.error(request, f"At most {MOST} at once: filter the list so that fewer are left.")
            return
        user: Any = request.user
        try:
            number = subscribing.send_again(Delivery.objects.filter(pk__in=keys), by=user)
        except NotAllowedError as error:
            notices.error(request, str(error))
            return
        if number:
            said = "1 message is" if number == 1 else f"{number} messages are"
            notices.success(request, f"{said} sent again within a minute or two.")
        else:
            notices.warning(request, "None of them is a dead letter of a subscription that is on.")

    @admin.display(description="message", ordering="message_id")
    def message_says(self, delivery: Delivery) -> str:
        """Its first line."""
        return words(happening(delivery.message)).subject.removeprefix("[Handoff] ")

    @admin.display(description="state", ordering="state")
    def standing(self, delivery: Delivery) -> SafeString:
        """How far it came."""
        return _state(delivery)

    @admin.display(description="failed attempts", ordering="attempts")
    def failed(self, delivery: Delivery) -> int:
        """How often it failed since it was last begun."""
        return delivery.attempts

    @admin.display(description="when", ordering="sent_at")
    def came(self, delivery: Delivery) -> str:
        """When it arrived, or is tried next."""
        return _came(delivery)


def _came(delivery: Delivery) -> str:
    if delivery.state == Delivery.State.SENT:
        return moment(delivery.sent_at)
    return (
        f"next try {moment(delivery.due_at)}" if delivery.state == Delivery.State.PENDING else delivery.error
    )
