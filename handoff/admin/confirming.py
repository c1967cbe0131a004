"""The page between a change of a service and what comes of it: what is open, what becomes of it, a button."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from handoff.consequences import Foreseen, digest
from readiness.models import Service

ACCEPTED: Final = "accepted"
"""The field in which the second page says what the first one's form leads to."""
OWN: Final = frozenset({ACCEPTED, "csrfmiddlewaretoken"})


def is_accepted(request: HttpRequest, found: Sequence[Foreseen]) -> bool:
    """Whether this person was shown just this, and agreed; nothing open needs no agreement."""
    return not found or request.POST.get(ACCEPTED) == digest(found)


def ask(
    admin: ModelAdmin[Service], request: HttpRequest, found: Sequence[Foreseen], *, title: str, back: str
) -> HttpResponse:
    """The second page. It sends what the form said once more, and nothing is written before."""
    sent = ((name, value) for name, values in request.POST.lists() for value in values)
    context: dict[str, Any] = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": title,
        "found": found,
        "sent": [each for each in sent if each[0] not in OWN],
        "accepted": digest(found),
        "back": back,
    }
    return TemplateResponse(request, "handoff/service_confirm.html", context)
