"""Addresses for what watches this installation: alive, ready, and its numbers."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from readiness.monitoring import checks, metrics


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks neither database nor broker: their outage is no reason to restart the web."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Whether all is well: 200, else 503 with what is not. ``?exclude=`` keeps a check out of the verdict."""
    left_out = set(request.GET.getlist("exclude"))
    found = checks.report()
    well = all(check.ok for name, check in found.items() if name not in left_out)
    body = {"ready": well, "checks": {name: check._asdict() for name, check in found.items()}}
    return JsonResponse(body, status=200 if well else 503, headers={"Cache-Control": "no-store"})


@require_safe
def numbers(request: HttpRequest) -> HttpResponse:
    """The numbers for Prometheus, to who has the token. Raises ``Http404`` where no token is set."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponse(
            "The token of METRICS_TOKEN is asked for.\n", "text/plain", 401, headers=_CHALLENGE
        )
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(metrics.registry()), content_type=content_type)


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="metrics"'}
