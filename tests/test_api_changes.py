"""REST tells what changed between two scorecards of a service, and why."""

import datetime as dt

import pytest
from pytest_django import DjangoAssertNumQueries

from readiness import evaluation
from readiness.models import Scorecard
from tests.changing import Days
from tests.factories import IncidentFactory, ServiceFactory
from tests.rest import Asker, fields

pytestmark = pytest.mark.django_db

PATH = "services/pay/changes/"


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Days:
    """A service that was judged once."""
    return Days(monkeypatch)


def test_without_moments_the_current_scorecard_is_compared_with_the_one_before(days: Days) -> None:
    first, second = Scorecard.objects.get(), days.late_incident()
    answer = Asker().get(PATH)

    assert (answer["service"], answer["from"]["id"], answer["to"]["id"]) == ("pay", first.pk, second.pk)
    assert answer["to"]["policy"] == {"name": "default", "version": 1}
    assert "1 blocker came" in answer["summary"]
    [blocker] = [each for each in answer["changes"] if each["topic"] == "blocker"]
    assert blocker == {
        "topic": "blocker",
        "code": "open_severe_incident",
        "what": "Blocker: open severe incident",
        "from": "none",
        "to": "a severe incident is open: tests:INC-1",
        "better": False,
    }
    [cause] = [each for each in answer["causes"] if each["kind"] == "incident"]
    assert (cause["code"], cause["count"]) == ("received", 1)
    assert cause["rows"] == [{"kind": "incident", "source": "tests", "id": "INC-1", "url": None}]


def test_an_exclusion_is_a_cause(days: Days) -> None:
    days.late_incident()
    days.without_it()
    [cause] = [each for each in Asker().get(PATH)["causes"] if each["code"] == "excluded"]

    assert cause["text"].endswith("tests:INC-1 by 7 Grace (“The pager was tested.”).")


def test_moments_choose_the_scorecards(days: Days) -> None:
    first = Scorecard.objects.get()
    days.late_incident()
    last, soon = days.without_it(), dt.timedelta(minutes=1)
    answer = Asker().get(PATH, **{"from": (first.at + soon).isoformat(), "to": (last.at + soon).isoformat()})

    assert (answer["from"]["id"], answer["to"]["id"]) == (first.pk, last.pk)
    assert "open_severe_incident" not in {each["code"] for each in answer["changes"]}
    assert {"received", "excluded"} <= {each["code"] for each in answer["causes"]}


def test_the_same_scorecard_twice_says_that_nothing_changed(days: Days) -> None:
    at = (days.now + dt.timedelta(days=1)).isoformat()
    answer = Asker().get(PATH, **{"from": at, "to": at})

    assert (answer["summary"], answer["changes"], answer["causes"]) == ("Nothing changed.", [], [])


def test_a_single_scorecard_has_nothing_before_it(days: Days) -> None:
    answer = Asker().get(PATH)

    assert (answer["from"], answer["changes"]) == (None, [])
    assert answer["summary"] == "There is only one scorecard yet."


def test_before_the_first_live_scorecard_stands_the_replayed_history(days: Days) -> None:
    at = days.now - dt.timedelta(days=2)
    evaluation.run(evaluation.request(at, kind="replay"))
    answer = Asker().get(PATH)

    assert (answer["from"]["kind"], answer["to"]["kind"]) == ("replay", "live")
    assert answer["from"]["at"] == at.isoformat()


def test_what_was_never_judged_and_what_does_not_exist_is_not_found(days: Days) -> None:
    ServiceFactory.create(slug="new")
    asker = Asker()

    assert asker.problem("services/new/changes/")["status"] == 404
    assert asker.problem("services/nobody/changes/")["status"] == 404
    assert asker.problem(PATH, **{"from": "2020-01-01T00:00:00Z"})["status"] == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [({"from": "soon"}, "from"), ({"to": "2026-06-01T00:00:00"}, "to"), ({"since": "2026-06-01"}, "since")],
)
def test_what_is_no_question_is_refused(days: Days, query: dict[str, str], field: str) -> None:
    assert fields(Asker().problem(PATH, **query)) == [field]


@pytest.mark.parametrize("rows", [1, 30])
def test_many_rows_between_take_as_many_queries_as_few(
    days: Days, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        days.receive(IncidentFactory, started_at=days.now)
    days.judge()
    asker = Asker()

    # the service, its two scorecards, eleven tables of rows, what passed, what was excluded; rights
    with django_assert_num_queries(18):
        asker.get(PATH)
