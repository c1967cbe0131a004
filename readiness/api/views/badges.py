"""The badge of a service: anonymous, at a signed address, cached by whoever embeds it."""

from typing import Any

from django.http import Http404, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from readiness import badges
from readiness.api.schema import Documented
from readiness.models import Service

CACHED_SECONDS = 300
NOTHING_ELSE = "default-src 'none'"
"""An SVG that is opened by itself is a page: it may load and run nothing."""
SIGNATURE = OpenApiParameter(
    "signature", str, required=True, description="As `badge_url` of the service has it."
)


class SvgRenderer(BaseRenderer):
    """Hands a picture on as it is."""

    media_type = "image/svg+xml"
    format = "svg"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        """The picture's bytes."""
        return str(data).encode()


class BadgeView(APIView):
    """State, score and verdict of a service as a picture."""

    schema = Documented()
    http_method_names = ("get", "head")  # OPTIONS would be answered without a signature
    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (SvgRenderer,)

    @extend_schema(
        operation_id="services_badge_retrieve",
        tags=["services"],
        parameters=[SIGNATURE],
        responses={
            (200, "image/svg+xml"): OpenApiTypes.STR,
            304: OpenApiResponse(description="The picture that the ETag names is still right."),
        },
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """A wrong signature and an unknown service are answered alike: nobody learns what there is."""
        if not badges.is_signed(slug, request.query_params.get("signature", "")):
            raise Http404
        service = Service.objects.select_related("current").filter(slug=slug).first()
        if service is None:
            raise Http404
        picture = badges.badge_of(service).svg
        etag = badges.etag(picture)
        response = Response(picture, headers={"ETag": etag, "Content-Security-Policy": NOTHING_ELSE})
        patch_cache_control(response, public=True, max_age=CACHED_SECONDS)
        plain = request._request  # noqa: SLF001 - DRF has no other way
        return get_conditional_response(plain, etag=etag, response=response) or response
