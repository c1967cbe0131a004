"""Anonymous gets nothing but what is named here, at any address that the project has."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from readiness.models import Service
from tests.factories import ServiceFactory

pytestmark = pytest.mark.django_db

OPEN = {
    "healthz",
    "readyz",
    "metrics",  # asks for its token itself
    "admin/login/",
    "admin/jsi18n/",  # words of the date picker, the same for everybody
}
"""What answers anonymous with more than a refusal. Signed addresses refuse a signature that is none."""
METHODS = ("get", "head", "options", "post", "put", "patch", "delete")


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address of the project with the route that leads to it."""
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        else:
            yield route, entry


def address(route: str) -> str:
    """A path that the route matches: the service that exists, numbers, words."""
    path = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", route)
    path = re.sub(r"<int:\w+>|<pk>", "1", path)
    path = re.sub(r"<(?:path:|str:)?object_id>|<id>", "1", path)
    path = re.sub(r"<(?:\w+:)?\w+>", "shop", path)
    return re.sub(r"[\^$\\]|\(\?:.*?\)|\\Z", "", path).replace("/?", "/")


ROUTES = sorted({address(route) for route, _ in patterns(get_resolver())} - OPEN)


@pytest.fixture
def shop() -> Service:
    """A service that could be read or changed."""
    made: Service = ServiceFactory.create(pk=1, slug="shop")
    return made


def is_refusal(response: Any) -> bool:
    """To the log-in, or a status that gives nothing away."""
    if response.status_code in {301, 302}:
        to = response["Location"]
        return to.startswith(reverse("admin:login")) or to in {"/admin/", reverse("admin:index")}
    return response.status_code in {401, 403, 404, 405}


def test_the_walk_finds_the_pages_that_matter() -> None:
    assert {"admin/readiness/service/1/change/", "api/v1/services/shop/", "api/v1/docs/"} <= set(ROUTES)
    assert len(ROUTES) > 150


@pytest.mark.parametrize("method", METHODS)
def test_every_address_refuses_anonymous(shop: Service, method: str) -> None:
    client = Client()
    answers = {route: getattr(client, method)(f"/{route}") for route in ROUTES}
    given = {route: answer.status_code for route, answer in answers.items() if not is_refusal(answer)}

    assert given == {}
    assert Service.objects.get() == shop


@pytest.mark.parametrize("method", METHODS)
def test_what_is_open_gives_no_numbers_away(shop: Service, method: str) -> None:
    for route in OPEN:
        response = getattr(Client(), method)(f"/{route}")

        assert response.status_code in {200, 302, 401, 403, 404, 405}, route
        assert b"shop" not in response.content
