"""Evaluations that people ask for: of one service, or of the whole fleet, now."""

from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from readiness import clock, evaluation, rights
from readiness.models import Service
from readiness.nudging import nudge
from readiness.tasks import run_evaluation


@require_POST
def service_now(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a live evaluation of one service, and go back to its page."""
    if not rights.may_somewhere(request.user, rights.EVALUATE):
        raise PermissionDenied  # before it is told whether there is such a service
    service = get_object_or_404(Service, pk=pk)
    if not request.user.has_perm(rights.EVALUATE, service):
        raise PermissionDenied("Your teams neither own nor run this service.")
    _ask(request, [service.pk], str(service))
    return HttpResponseRedirect(reverse("admin:readiness_service_change", args=[service.pk]))


@require_POST
@permission_required(rights.EVALUATE, raise_exception=True)
def fleet_now(request: HttpRequest) -> HttpResponse:
    """Ask for a live evaluation of every service, and go to the evaluations."""
    _ask(request, None, "the fleet")
    return HttpResponseRedirect(reverse("admin:readiness_evaluation_changelist"))


def _ask(request: HttpRequest, service_ids: Sequence[int] | None, whom: str) -> None:
    run = evaluation.request(clock.now(), service_ids, request.user.get_username())
    page = format_html(
        '<a class="rd-link" href="{}">see how far it is</a>',
        reverse("admin:readiness_evaluation_change", args=[run.pk]),
    )
    if nudge(run_evaluation, run.pk):
        said = format_html("{} is being evaluated: {}, then load this page again.", whom, page)
        messages.success(request, said)
    else:
        said = format_html(
            "The evaluation of {} is noted ({}). The broker does not answer, so it begins when the worker's "
            "sweep finds it.",
            whom,
            page,
        )
        messages.warning(request, said)
