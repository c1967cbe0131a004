"""The page for whom failed to log in too often."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from readiness.admin.labels import span


def page(
    request: HttpRequest, response: HttpResponse | None, credentials: Mapping[str, Any] | None
) -> HttpResponse:
    """Says how long to wait, and nothing about whether there is such a log-in. Called by django-axes."""
    context = {
        **admin.site.each_context(request),
        "title": "Locked out",
        "failures": settings.AXES_FAILURE_LIMIT,
        "wait": span(settings.AXES_COOLOFF_TIME),
    }
    wait = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    answer = render(request, "readiness/locked_out.html", context, status=429)
    answer["Retry-After"] = wait
    return answer
