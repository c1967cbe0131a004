"""Pages of a list: walking them by their links neither loses nor doubles a row, whatever the ordering."""

import datetime as dt

import pytest

from readiness.models import Deployment
from tests.factories import (
    CurrentScoreFactory,
    DefectFactory,
    DependencyFactory,
    DeploymentFactory,
    ScorecardFactory,
    ServiceFactory,
    ago,
)
from tests.rest import Asker, fields

pytestmark = pytest.mark.django_db

ROWS = 11


@pytest.fixture
def deployments() -> list[str]:
    """Many ties and many nulls: two moments, an end for every third."""
    service = ServiceFactory.create()
    return [
        DeploymentFactory.create(
            service=service,
            external_id=f"d{number}",
            started_at=ago(days=number % 2 + 1),
            finished_at=ago(hours=number % 4) if number % 3 else None,
        ).external_id
        for number in range(ROWS)
    ]


@pytest.mark.parametrize("size", [1, 3, ROWS, 500])
@pytest.mark.parametrize(
    "ordering",
    [
        "",
        "started_at",
        "-started_at",
        "finished_at",
        "-finished_at",
        "-finished_at,started_at",
        "service,-id",
        "outcome",
    ],
)
def test_walking_all_pages_meets_every_row_once_in_order(
    deployments: list[str], ordering: str, size: int
) -> None:
    asker = Asker()
    whole = [row["id"] for row in asker.rows("deployments/", ordering=ordering, page_size=500)]
    pages = asker.walk("deployments/", ordering=ordering, page_size=size)
    walked = [row["id"] for page in pages for row in page]

    assert sorted(walked) == sorted(deployments)
    assert walked == whole
    assert all(len(page) == size for page in pages[:-1])


@pytest.mark.parametrize("ordering", ["-started_at", "finished_at", "-finished_at"])
def test_walking_back_meets_the_same_rows(deployments: list[str], ordering: str) -> None:
    asker = Asker()
    forth = asker.walk("deployments/", ordering=ordering, page_size=3)
    page = asker.get("deployments/", ordering=ordering, page_size=3)
    while page["next"]:
        page = asker.client.get(page["next"]).json()
    back = [page["results"]]
    while page["previous"]:
        page = asker.client.get(page["previous"]).json()
        back.append(page["results"])

    assert [row["id"] for each in reversed(back) for row in each] == [
        row["id"] for each in forth for row in each
    ]


def test_nulls_come_last_in_both_directions(deployments: list[str]) -> None:
    for ordering in ("finished_at", "-finished_at"):
        ends = [row["finished_at"] for row in Asker(name=ordering).rows("deployments/", ordering=ordering)]
        known = [end for end in ends if end is not None]

        assert ends == known + [None] * (len(ends) - len(known))
        assert known == sorted(known, reverse=ordering.startswith("-"))


def test_a_row_that_arrives_meanwhile_moves_no_other_row_to_another_page(deployments: list[str]) -> None:
    asker = Asker()
    first = asker.get("deployments/", page_size=4)
    DeploymentFactory.create(external_id="new", started_at=ago(hours=1))
    Deployment.objects.filter(external_id=first["results"][-1]["id"]).delete()
    rest = asker.client.get(first["next"]).json()
    walked = [row["id"] for row in first["results"]] + [row["id"] for row in rest["results"]]
    while rest["next"]:
        rest = asker.client.get(rest["next"]).json()
        walked += [row["id"] for row in rest["results"]]

    assert sorted(walked) == sorted(deployments)


@pytest.mark.parametrize(
    "ordering", ["score", "-score", "trend", "-trend,tier", "verdict", "launched_on", "at"]
)
def test_services_are_walked_by_their_judgement_too_judged_or_not(ordering: str) -> None:
    for number in range(7):
        service = ServiceFactory.create(launched_on=None if number % 2 else dt.date(2025, 1, number + 1))
        if number % 3:
            CurrentScoreFactory.create(
                scorecard=ScorecardFactory.create(service=service, score=float(number // 2)),
                verdict=None if number == 1 else "ready",
                trend=None if number == 2 else 1.5,
            )
    asker = Asker()
    whole = [row["slug"] for row in asker.rows("services/", ordering=ordering)]
    walked = [row["slug"] for page in asker.walk("services/", ordering=ordering, page_size=2) for row in page]

    assert len(set(walked)) == 7
    assert walked == whole


def test_a_filter_holds_on_every_page(deployments: list[str]) -> None:
    DeploymentFactory.create_batch(5, environment="staging")
    pages = Asker().walk("deployments/", environment="production", page_size=2)

    assert sorted(row["id"] for page in pages for row in page) == sorted(deployments)


def test_an_empty_list_has_one_page() -> None:
    assert Asker().get("deployments/") == {"next": None, "previous": None, "results": []}


@pytest.mark.parametrize("size", ["0", "501", "-1", "ten", "1.5", "²", "9" * 40])
def test_a_page_has_1_to_500_rows(size: str) -> None:
    details = Asker().problem("deployments/", page_size=size)

    assert fields(details) == ["page_size"]


def test_an_unknown_ordering_is_refused_with_those_there_are() -> None:
    details = Asker().problem("incidents/", ordering="-severity,pk")

    assert fields(details) == ["ordering"]
    assert "started_at" in details["errors"][0]["reason"]


def test_a_cursor_serves_its_own_list_and_ordering_alone(deployments: list[str]) -> None:
    DefectFactory.create_batch(2)
    DependencyFactory.create_batch(2)
    asker = Asker()
    cursor = asker.get("deployments/", page_size=1)["next"].split("cursor=")[1].split("&")[0]

    for path, query in (
        ("deployments/", {"cursor": "nonsense"}),
        ("deployments/", {"cursor": cursor, "ordering": "id"}),
        ("defects/", {"cursor": cursor}),
    ):
        details = asker.problem(path, **query)
        assert details["status"] == 400
        assert fields(details) == ["cursor"]
