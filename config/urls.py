"""Addresses of the whole site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from readiness.api.views.base import Nowhere
from readiness.monitoring import views as monitoring

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("handoff.api.urls")),
    # Errors under api/ are problem details, an unknown address too, with DEBUG or without.
    re_path(r"^api/", Nowhere.as_view()),
    path("healthz", monitoring.alive, name="healthz"),
    path("readyz", monitoring.ready, name="readyz"),
    path("metrics", monitoring.numbers, name="metrics"),
]
