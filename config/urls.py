"""Addresses of the whole site."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from readiness.api.views.base import Nowhere


def alive(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks neither database nor broker: their outage is no reason to restart the web."""
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("readiness.api.urls")),
    # Errors under api/ are problem details, an unknown address too, with DEBUG or without.
    re_path(r"^api/", Nowhere.as_view()),
    path("healthz", alive, name="healthz"),
]
