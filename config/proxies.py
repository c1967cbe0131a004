"""Whose request it is, where proxies stand between the client and us."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The client's address: the connection's, or behind proxies what the outermost of them wrote down.

    Each proxy appends whom it heard to ``X-Forwarded-For``. What stands further left was sent by the client
    and may be a lie, so it is counted from the right.
    """
    heard: str | None = request.META.get("REMOTE_ADDR") or None
    if not settings.BEHIND_PROXY:
        return heard
    written = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if len(written) < settings.PROXIES:
        return heard
    try:
        return str(ip_address(_without_port(written[-settings.PROXIES].strip())))
    except ValueError:
        return heard


def _without_port(text: str) -> str:
    """``1.2.3.4:5678`` and ``[2001:db8::1]:443`` as some proxies write them."""
    host, _, port = text.rpartition(":")
    named = port.isdigit() and ("." in host or host.endswith("]"))
    return (host if named else text).removeprefix("[").removesuffix("]")
