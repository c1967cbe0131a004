"""Log-in by name and password over REST, throttled like the log-in page."""

from copy import copy
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.http import HttpRequest, QueryDict
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

LONGEST_NAME = User._meta.get_field("username").max_length or 0  # noqa: SLF001 - Django documents it


class ThrottledBasicAuthentication(BasicAuthentication):
    """Name and password; who failed too often is told to wait (429), whatever the password."""

    def authenticate_credentials(
        self, userid: str, password: str, request: Any = None
    ) -> tuple[AbstractBaseUser, None]:
        """The user. Raises ``Throttled``, and ``AuthenticationFailed``."""
        if "\0" in userid or len(userid) > LONGEST_NAME:
            # no log-in is called so, and no database could look for it
            raise AuthenticationFailed("Invalid username/password.")
        asked = _without_content(request)
        try:
            user, _ = super().authenticate_credentials(userid, password, asked)  # type: ignore[arg-type]  # Django's own
        except AuthenticationFailed:
            if getattr(asked, "axes_locked_out", False):
                wait = int(settings.AXES_COOLOFF_TIME.total_seconds())
                raise Throttled(wait, "Too many failed attempts to log in.") from None
            raise
        return user, None


def _without_content(request: Request) -> HttpRequest:
    """The request as the throttle may see it, which keeps what was sent and must not fail on it.

    Otherwise a broken body would keep a wrong password from being counted.
    """
    bare = copy(request._request)  # noqa: SLF001 - DRF has no other way
    bare.GET = bare.POST = QueryDict()
    return bare
