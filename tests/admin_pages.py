"""Visits the admin as somebody who is logged in, with the rights that a test names."""

import re
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from readiness.models import Service


class Visitor:
    """A log-in for the admin that may view everything, and do what the test says."""

    def __init__(self, *rights: str, name: str = "ada", views: bool = True) -> None:
        self.user = User.objects.create_user(name, password="secret", is_staff=True)
        wanted = Permission.objects.filter(codename__in=rights)
        if views:
            wanted |= Permission.objects.filter(codename__startswith="view_")
        self.user.user_permissions.set(wanted)
        self.client = Client()
        self.client.force_login(self.user)

    def get(self, path: str, **query: Any) -> str:
        """A page's text."""
        response = self.client.get(path, query)
        assert response.status_code == 200, (path, response.status_code)
        return text(response)

    def post(self, path: str, **data: Any) -> str:
        """The text of the page that a form leads to."""
        response = self.client.post(path, data, follow=True)
        assert response.status_code == 200, (path, response.status_code)
        return text(response)


def text(response: "HttpResponse | Any") -> str:
    """What a page says, with every run of blanks made one."""
    return re.sub(r"\s+", " ", response.content.decode())


FORMATS = {"csv": "0", "xlsx": "1", "json": "2"}


def exported(visitor: Visitor, path: str, *, file: str = "csv", **query: Any) -> Any:
    """The file that a list's export answers; ``getvalue()`` has its bytes."""
    address = f"{path}export/?{urlencode(query, doseq=True)}"
    response = visitor.client.post(address, {"format": FORMATS[file], "resource": "0"})
    assert response.status_code == 200, (path, response.status_code)
    assert "attachment" in response.get("Content-Disposition", ""), text(response)[-3000:]
    return response


def listed(page: str) -> list[str]:
    """The services of the fleet list, in its order."""
    return re.findall(r'<strong class="rd-name">([^<]+)</strong>', page)


FLEET = "/admin/readiness/service/"


def page_of(service: Service, name: str = "change") -> str:
    """The address of a page of a service."""
    return reverse(f"admin:readiness_service_{name}", args=[service.pk])
