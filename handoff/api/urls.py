"""Addresses under `/api/v1/`: those of `readiness`, with the one that writes states."""

from handoff.api.services import ServiceViewSet
from readiness.api.urls import addresses, routed

router = routed(services=ServiceViewSet)
urlpatterns = addresses(router)
