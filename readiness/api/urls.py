"""Addresses under `/api/v1/`."""

from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.routers import DefaultRouter

from readiness.api.views import catalogue, evidence, judgement

router = DefaultRouter()
router.include_format_suffixes = False
router.register("teams", catalogue.TeamViewSet)
router.register("systems", catalogue.SystemViewSet)
router.register("services", catalogue.ServiceViewSet)
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
router.register("policies", judgement.PolicyViewSet, basename="policy")

urlpatterns: list[URLPattern | URLResolver] = [
    *router.urls,
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    # A page for people: whoever is not logged in is led to the log-in.
    path("docs/", login_required(SpectacularSwaggerView.as_view(url_name="schema")), name="docs"),
]
