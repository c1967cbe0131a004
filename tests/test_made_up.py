"""Wherever a service is shown that is made up, it says so; a real one never does."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from readiness.management.commands.scorecard import Command
from readiness.models import Service
from tests.admin_pages import FLEET, Visitor, listed, page_of
from tests.command_line import answer
from tests.factories import ServiceFactory
from tests.rest import Asker

pytestmark = pytest.mark.django_db
NOTHING = "nothing of it, its teams and its evidence ever happened"
CATALOGUE = """
kind: Component
metadata: {{name: {name}, annotations: {{handoff/made-up: "{made_up}"}}}}
spec: {{lifecycle: production, owner: shop}}
"""


@pytest.fixture
def real() -> Service:
    """A service that somebody runs."""
    service: Service = ServiceFactory.create(slug="real")
    return service


@pytest.fixture
def sample() -> Service:
    """A service of a sample fleet."""
    service: Service = ServiceFactory.create(slug="sample", made_up=True)
    return service


def test_the_fleet_list_labels_what_is_made_up(real: Service, sample: Service) -> None:
    page = Visitor().get(FLEET)

    assert set(listed(page)) == {"real", "sample"}
    assert re.findall(r'rd-name">(\w+)</strong>\s*<span class="rd-label rd-warn"[^>]*>', page) == ["sample"]
    assert page.count("</span>made up</span>") == 1


@pytest.mark.parametrize(("value", "found"), [("yes", ["sample"]), ("no", ["real"]), ("nonsense", [])])
def test_the_fleet_list_is_filtered_by_it(
    real: Service, sample: Service, value: str, found: list[str]
) -> None:
    assert listed(Visitor().get(FLEET, made_up=value)) == found


def test_the_page_of_a_service_says_so_first(real: Service, sample: Service) -> None:
    visitor = Visitor()
    assert NOTHING in visitor.get(page_of(sample))
    assert NOTHING not in visitor.get(page_of(real))


def test_the_dashboard_says_how_many_are_made_up(real: Service) -> None:
    visitor = Visitor()
    assert "made up" not in visitor.get("/admin/")
    ServiceFactory.create_batch(2, made_up=True)
    assert 'service/?made_up=yes">2 made up</a>' in visitor.get("/admin/")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"real": False, "sample": True}),
        ({"made_up": "true"}, {"sample": True}),
        ({"made_up": "false"}, {"real": False}),
    ],
)
def test_rest_says_so_and_filters(
    real: Service, sample: Service, query: dict[str, str], found: dict[str, bool]
) -> None:
    assert {row["slug"]: row["made_up"] for row in Asker().rows("services/", **query)} == found


def test_the_command_line_says_so_in_its_first_line(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    names = {"real": "false", "sample": "true"}
    texts = [CATALOGUE.format(name=name, made_up=made_up) for name, made_up in names.items()]
    (folder / "catalog-info.yaml").write_text("---".join(texts))
    call_command("import_fleet", str(folder), verbosity=0)
    call_command("evaluate", verbosity=0)

    assert answer(Command(), "sample").lines[0] == "sample  MADE UP: nothing of it ever happened"
    assert answer(Command(), "real").lines[0] == "real"
