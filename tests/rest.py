"""Asks the REST interface as somebody who is logged in, and reads its answers."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

ROOT = "/api/v1/"


class Asker:
    """Somebody with a log-in that may view everything, and what the interface answers them."""

    def __init__(self, *permissions: str, name: str = "ada", views: bool = True) -> None:
        self.user = User.objects.create_user(name, password="secret")
        wanted = Permission.objects.filter(codename__in=permissions)
        if views:
            wanted |= Permission.objects.filter(codename__startswith="view_")
        self.user.user_permissions.set(wanted)
        self.client = APIClient()
        self.client.force_authenticate(self.user)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """A good answer as JSON."""
        response = self.client.get(ROOT + path, query)
        assert response.status_code == 200, response.content
        return dict(response.json())

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """The rows of a page."""
        return list(self.get(path, **query)["results"])

    def problem(self, path: str, **query: Any) -> dict[str, Any]:
        """A refusal as problem details."""
        return problem(self.client.get(ROOT + path, query))

    def walk(self, path: str, *, direction: str = "next", **query: Any) -> list[list[dict[str, Any]]]:
        """All pages, by their links."""
        page = self.get(path, **query)
        pages = [page["results"]]
        while page[direction]:
            parts = urlsplit(page[direction])
            page = dict(self.client.get(f"{parts.path}?{parts.query}").json())
            pages.append(page["results"])
        return pages


def problem(response: Any) -> dict[str, Any]:
    """The problem details of an answer, which must be some (RFC 9457)."""
    assert response["Content-Type"] == "application/problem+json", response.content
    details = dict(response.json())
    assert details["status"] == response.status_code
    assert {"type", "title", "status", "detail", "instance", "errors"} == set(details)
    return details


def fields(details: dict[str, Any]) -> list[str | None]:
    """Which fields a problem complains of."""
    return [error["field"] for error in details["errors"]]
