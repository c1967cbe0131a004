"""Addresses under `/api/v1/`: those of `readiness`, with what writes states and tells of decisions."""

from handoff.api.cases import AllCasesViewSet
from handoff.api.consultants import ConsultantViewSet
from handoff.api.handbacks import HandbackViewSet
from handoff.api.handoffs import HandoffViewSet
from handoff.api.reviews import ReviewViewSet
from handoff.api.services import ServiceViewSet
from handoff.api.transitions import TransitionViewSet
from handoff.api.waivers import WaiverViewSet
from readiness.api.urls import addresses, routed

router = routed(services=ServiceViewSet)
router.register("transitions", TransitionViewSet)
router.register("waivers", WaiverViewSet)
router.register("consultants", ConsultantViewSet)
router.register("cases", AllCasesViewSet)
router.register("handoffs", HandoffViewSet, basename="handoff")
router.register("handbacks", HandbackViewSet, basename="handback")
router.register("reviews", ReviewViewSet)
urlpatterns = addresses(router)
