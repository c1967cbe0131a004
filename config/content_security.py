"""What pages may load and run, by path: a Content-Security-Policy for each part of the site.

docs/security.md says why each entry is there; a test drives a browser over the pages and hears complaints.
"""

from __future__ import annotations

from typing import Any

from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest
from django.http.response import HttpResponseBase

NOTHING: dict[str, Any] = {
    "default-src": [NONE],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [NONE],
}
"""For answers that are no pages: JSON, pictures, text. Whatever one is made to be, it does nothing."""

ADMIN: dict[str, Any] = {
    **NOTHING,
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
}

DOCS: dict[str, Any] = {
    **NOTHING,
    "script-src": [SELF],
    "style-src": [SELF, NONCE],
    "img-src": [SELF, "data:"],
    "connect-src": [SELF],
}

BY_PREFIX = (("/admin/", ADMIN), ("/api/v1/docs/", DOCS))
"""The first that a path begins with; other paths have ``NOTHING``, the setting."""


class ContentSecurityMiddleware(CSPMiddleware):
    """Chooses the policy by path."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """The policy of the path, unless the view has chosen one of its own."""
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and parts.config is None:
            parts.config = next(
                (policy for prefix, policy in BY_PREFIX if request.path_info.startswith(prefix)), None
            )
        return parts
