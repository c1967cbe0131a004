"""The service page tells what changed since the scorecard before, and why; any two moments are compared."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readiness import evaluation
from readiness.models import Scorecard
from tests.admin_pages import Visitor, page_of
from tests.changing import Days
from tests.factories import DeploymentFactory, IncidentFactory, PolicyVersionFactory, ServiceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Days:
    """A service that was judged once."""
    return Days(monkeypatch)


def piece(days: Days, visitor: Visitor, **query: int) -> str:
    """What the service page loads."""
    answer = visitor.client.get(page_of(days.service, "changes"), query, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_service_page_loads_what_changed_and_links_to_it_without_a_script(days: Days) -> None:
    visitor = Visitor()
    page = visitor.get(page_of(days.service))
    address = page_of(days.service, "changes")

    assert f'hx-get="{address}"' in page
    assert f'href="{address}"' in page
    assert "<html" not in piece(days, visitor)
    assert "<html" in visitor.get(address)


def test_late_evidence_is_named_as_the_reason(days: Days) -> None:
    days.late_incident()
    said = piece(days, Visitor())

    assert "Blocker: open severe incident" in said
    assert "a severe incident is open: tests:INC-1" in said
    assert "1 blocker came" in said
    assert "1 incident came in between the two judgements: tests:INC-1." in said
    assert "1 defect came in between the two judgements: tests:BUG-1." in said
    assert 'href="/admin/readiness/incident/?q=INC-1&amp;source__icontains=tests"' in said
    assert f'href="/admin/readiness/incident/?service__id__exact={days.service.pk}"' in said
    assert "worse" in said


def test_a_part_says_whose_it_is_where_its_criterion_has_no_line_above(days: Days) -> None:
    days.late_incident()
    page = piece(days, Visitor())

    assert '<th scope="row">Defects</th>' in page
    assert '<th scope="row">open defect load</th>' in page
    assert "Defects: " not in page

    for _ in range(200):  # so many that one more moves no score
        days.receive(DeploymentFactory, started_at=days.now - dt.timedelta(days=1))
    days.judge()
    days.receive(DeploymentFactory, started_at=days.now - dt.timedelta(days=1))
    days.judge()
    assert '<th scope="row">Change and deployment safety: changes</th>' in piece(days, Visitor(name="bob"))


def test_an_exclusion_is_named_with_who_and_why(days: Days) -> None:
    days.late_incident()
    days.without_it()
    said = piece(days, Visitor())

    assert "1 blocker went" in said
    assert "1 incident was excluded from judgement: tests:INC-1 by 7 Grace (“The pager was tested.”)." in said
    assert f'href="/admin/readiness/exclusion/?service__id__exact={days.service.pk}"' in said
    assert "came in between" not in said


def test_rows_of_others_that_were_excluded_are_named_too(days: Days) -> None:
    deployed = days.receive(DeploymentFactory, external_id="d-1", started_at=days.now)
    other = IncidentFactory.create(
        external_id="INC-1",
        caused_by_source="tests",
        caused_by_id=deployed.external_id,
        started_at=days.now,
        first_received_at=days.now,
    )
    days.judge()
    days.without_it()

    assert other.service_id != days.service.pk
    assert "tests:INC-1 by 7 Grace" in piece(days, Visitor())


def test_rows_that_passed_out_of_the_window_are_counted(days: Days) -> None:
    days.judge(dt.timedelta(days=165))
    said = piece(days, Visitor())

    assert "deployments passed out of the window of 180 days." in said
    assert "started_at_from=" in said


def test_where_nothing_came_in_time_itself_is_the_reason(days: Days) -> None:
    days.judge(dt.timedelta(days=3))

    said = piece(days, Visitor())
    assert "3 days passed between the two moments" in said
    assert "Nothing changed." in said
    assert "No row explains it" not in said


def test_an_older_scorecard_tells_what_had_changed_by_then(days: Days) -> None:
    blocked = days.late_incident()
    days.without_it()
    visitor = Visitor()

    assert "1 blocker came" in piece(days, visitor, scorecard=blocked.pk)
    page = visitor.get(page_of(days.service), scorecard=blocked.pk)
    assert f'{page_of(days.service, "changes")}?scorecard={blocked.pk}"' in page


def test_one_scorecard_or_none_says_that_there_is_nothing_to_compare(days: Days) -> None:
    visitor, new = Visitor(), ServiceFactory.create()

    assert "There is only one scorecard yet" in piece(days, visitor)
    assert "There is no scorecard yet" in visitor.get(page_of(new, "changes"))
    assert "There is no scorecard yet" in visitor.get(page_of(new, "compare"))


def test_before_the_first_live_scorecard_stands_the_replayed_history(days: Days) -> None:
    evaluation.run(evaluation.request(days.now - dt.timedelta(days=2), kind="replay"))
    visitor = Visitor()

    for page in (piece(days, visitor), visitor.get(page_of(days.service, "compare"))):
        assert "(replayed) to that" in page
        assert "only one scorecard" not in page


def test_any_two_scorecards_are_compared_whichever_comes_first(days: Days) -> None:
    first = Scorecard.objects.get()
    days.late_incident()
    last, visitor = days.without_it(), Visitor()
    there = visitor.get(page_of(days.service, "compare"), a=first.pk, b=last.pk)
    back = visitor.get(page_of(days.service, "compare"), a=last.pk, b=first.pk)

    for page in (there, back):
        assert f"as of {first.at:%Y-%m-%d %H:%M} UTC</a> (live) to that" in page
        assert "open severe incident" not in page
        assert "1 incident came in between" in page
        assert "1 incident was excluded" in page


def test_moments_stand_for_the_newest_scorecards_by_them(days: Days) -> None:
    first = Scorecard.objects.get()
    second = days.late_incident()
    days.without_it()
    soon = dt.timedelta(minutes=1)
    page = Visitor().get(
        page_of(days.service, "compare"), a=(first.at + soon).isoformat(), b=(second.at + soon).isoformat()
    )

    assert "1 blocker came" in page
    assert f'value="{second.at:%Y-%m-%dT%H:%M:%S}"' in page


def test_moments_with_the_same_scorecard_and_moments_without_one_say_so(days: Days) -> None:
    days.late_incident()
    visitor, compare = Visitor(), page_of(days.service, "compare")
    [newest, first] = Scorecard.objects.order_by("-pk")

    assert "Both moments have the same scorecard" in visitor.get(compare, a=newest.pk, b=newest.pk)
    assert "was not judged by 2020-01-01 23:59 UTC" in visitor.get(compare, a="2020-01-01")
    for raw in ("soon", "2026-06-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert "is no moment" in visitor.get(compare, a=raw)
    assert f"scorecard={first.pk}" in visitor.get(compare)
    assert visitor.client.get(compare, {"a": 999_999}).status_code == 404


def test_the_history_offers_any_two_of_its_rows_to_compare(days: Days) -> None:
    blocked = days.late_incident()
    page = Visitor().get(page_of(days.service))

    assert f'action="{page_of(days.service, "compare")}"' in page
    assert f'name="b" value="{blocked.pk}"' in page
    assert "Compare the two chosen" in page


def test_another_policy_is_a_reason(days: Days) -> None:
    card = days.judge()
    other = PolicyVersionFactory.create(name="default", version=7)
    Scorecard.objects.filter(pk=card.pk).update(policy=other)

    said = piece(days, Visitor())
    assert "The policy changed from default v1 to default v7." in said


def test_who_may_not_view_services_is_told_nothing(days: Days) -> None:
    visitor = Visitor(views=False)

    for name in ("changes", "compare"):
        assert visitor.client.get(page_of(days.service, name)).status_code == 403


@pytest.mark.parametrize("name", ["changes", "compare"])
def test_many_rows_between_take_as_many_queries_as_few(days: Days, name: str) -> None:
    visitor, counts = Visitor(), []
    for rows in (1, 30):
        for _ in range(rows):
            days.receive(DeploymentFactory, started_at=days.now)
            days.receive(IncidentFactory, started_at=days.now)
        days.judge()
        with CaptureQueriesContext(connection) as captured:
            visitor.get(page_of(days.service, name))
        counts.append(len(captured))

    # eleven tables of rows, what passed, what was excluded; the service, its scorecards, and the page's own
    assert counts[0] == counts[1] < 26
