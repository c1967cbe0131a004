"""Addresses under `/api/v1/`."""

from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

from readiness.api.views import alerts, badges, catalogue, evidence, judgement


def routed(services: type[catalogue.ServiceViewSet] = catalogue.ServiceViewSet) -> DefaultRouter:
    """The lists. An upper layer may answer for ``services``, which it then reads and writes."""
    router = DefaultRouter()
    router.include_format_suffixes = False
    router.register("teams", catalogue.TeamViewSet)
    router.register("systems", catalogue.SystemViewSet)
    router.register("services", services)
    router.register("dependencies", evidence.DependencyViewSet)
    router.register("deployments", evidence.DeploymentViewSet)
    router.register("incidents", evidence.IncidentViewSet)
    router.register("pages", evidence.PageViewSet)
    router.register("defects", evidence.DefectViewSet)
    router.register("signals", evidence.SignalViewSet)
    router.register("pipeline-runs", evidence.PipelineRunViewSet)
    router.register("feeds", evidence.FeedViewSet)
    router.register("shifts", evidence.ShiftViewSet)
    router.register("observations", evidence.ObservationViewSet)
    router.register("work-items", evidence.WorkItemViewSet)
    router.register("scorecards", judgement.ScorecardViewSet)
    router.register("evaluations", judgement.EvaluationViewSet)
    router.register("alerts", alerts.AlertViewSet)
    router.register("policies", judgement.PolicyViewSet, basename="policy")
    return router


def addresses(router: DefaultRouter) -> list[URLPattern | URLResolver]:
    """The lists, and what is none."""
    return [
        *router.urls,
        path("services/<str:slug>/badge.svg", badges.BadgeView.as_view(), name="service-badge"),
        path("schema/", SpectacularAPIView.as_view(), name="schema"),
        # A page for people: whoever is not logged in is led to the log-in.
        path(
            "docs/",
            login_required(
                SpectacularSwaggerSplitView.as_view(
                    url_name="schema", template_name="readiness/api_docs.html"
                )
            ),
            name="docs",
        ),
    ]
