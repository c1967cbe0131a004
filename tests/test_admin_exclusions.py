"""Excluding rows in the admin: from lists and pages, with a reason, judged again without them."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from pytest_django.fixtures import Settings

from readiness import clock, evaluation
from readiness.admin import exclusions as form
from readiness.models import Evaluation, Exclusion, Incident, Rejudgement, Scorecard, Service
from readiness.models.scorecard import Kind
from readiness.tasks import sweep
from tests.admin_pages import Visitor
from tests.factories import NOW, ExclusionFactory, FeedFactory, IncidentFactory, ServiceFactory, ago

pytestmark = pytest.mark.django_db

LIST = "/admin/readiness/incident/"


def lead() -> Visitor:
    """Somebody who may exclude rows."""
    return Visitor("add_exclusion")


@pytest.fixture
def row() -> Incident:
    """An incident that counts."""
    incident: Incident = IncidentFactory.create(
        external_id="INC-1", title="Card payments fail", service=ServiceFactory.create(slug="pay")
    )
    return incident


def selected(visitor: Visitor, action: str, *rows: Incident, **more: str) -> str:
    """The page that an action of the list leads to."""
    return visitor.post(LIST, action=action, _selected_action=[each.pk for each in rows], **more)


def test_rows_selected_in_the_list_lead_to_a_form_that_names_them_and_asks_why(row: Incident) -> None:
    page = selected(lead(), "exclude_selected", row)

    assert "Exclude from judgement" in page
    assert "tests:INC-1" in page
    assert "Card payments fail" in page
    assert 'name="reason"' in page
    assert not Exclusion.objects.exists()


def test_with_a_reason_the_rows_are_excluded_and_the_page_says_when_it_counts(row: Incident) -> None:
    other = IncidentFactory.create(service=row.service)
    page = lead().post(f"{LIST}exclude/", rows=f"{row.pk},{other.pk}", reason="The pager was tested.")

    assert Incident.objects.filter(excluded=True).count() == 2
    assert "2 rows are excluded from judgement. Its service is judged again within about a minute." in page
    assert Rejudgement.objects.filter(service=row.service_id).exists()
    change = Exclusion.objects.filter(row_id=row.pk).get()
    assert change.actor.endswith(" ada")
    assert change.reason == "The pager was tested."


def test_without_a_reason_the_form_says_so_and_nothing_changes(row: Incident) -> None:
    page = lead().post(f"{LIST}exclude/", rows=str(row.pk), reason="  ")

    assert "This field is required" in page
    assert "tests:INC-1" in page
    assert not Incident.objects.filter(excluded=True).exists()


@pytest.mark.parametrize("rows", ["", "abc", "1,,2", "9" * 30, "-1"])
def test_rows_that_are_none_change_nothing(row: Incident, rows: str) -> None:
    page = lead().post(f"{LIST}exclude/", rows=rows, reason="A test.")

    assert "Nothing to change" in page
    assert not Exclusion.objects.exists()


def test_a_row_that_is_excluded_already_is_told_apart(row: Incident) -> None:
    done = IncidentFactory.create(excluded=True, external_id="INC-2")
    page = selected(lead(), "exclude_selected", row, done)

    assert "1 of the rows you chose is excluded already and stays as it is." in page
    assert "tests:INC-2" not in page


def test_more_rows_than_somebody_can_look_at_are_refused(
    row: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form, "MOST", 2)
    others, visitor = IncidentFactory.create_batch(2), lead()

    assert "At most 2 rows at once" in selected(visitor, "exclude_selected", row, *others)
    assert "tests:INC-1" in selected(visitor, "exclude_selected", row, others[0])


def test_a_row_s_page_shows_its_history_and_the_button_that_goes_with_its_state(row: Incident) -> None:
    visitor, page = lead(), f"{LIST}{row.pk}/change/"
    first = visitor.get(page)
    assert "This row counts." in first
    assert f'href="{LIST}exclude/?rows={row.pk}"' in first

    after = visitor.post(f"{LIST}exclude/", rows=str(row.pk), reason="The pager was tested.")
    assert "excluded</span> This row is kept and shown, and counts nowhere." in after
    assert "The pager was tested." in after
    assert f'href="{LIST}take-back/?rows={row.pk}"' in after

    back = visitor.post(f"{LIST}take-back/", rows=str(row.pk), reason="It was real.")
    assert "This row counts." in back
    assert back.index("It was real.") < back.index("The pager was tested.")


def test_a_row_s_own_action_leads_to_its_form(row: Incident) -> None:
    visitor = lead()
    listed = visitor.get(LIST)
    answer = visitor.client.get(f"{LIST}{row.pk}/exclude-one/")

    assert f'href="{LIST}{row.pk}/exclude-one/"' in listed
    assert answer.status_code == 302
    assert "tests:INC-1" in visitor.get(answer["Location"])


def test_who_only_views_is_offered_nothing_and_may_nothing(row: Incident) -> None:
    visitor = Visitor()

    assert "Exclude from judgement" not in visitor.get(LIST)
    assert f"{LIST}exclude/" not in visitor.get(f"{LIST}{row.pk}/change/")
    for path in ("exclude/", "take-back/", f"{row.pk}/exclude-one/"):
        assert visitor.client.get(LIST + path, {"rows": row.pk}).status_code == 403
    answer = visitor.client.post(f"{LIST}exclude/", {"rows": row.pk, "reason": "Mine."})
    assert answer.status_code == 403
    assert not Incident.objects.filter(excluded=True).exists()


def test_the_list_of_exclusions_tells_who_when_and_why(row: Incident) -> None:
    ExclusionFactory.create(service=row.service, row_id=row.pk, row="tests:INC-1", reason="A rehearsal.")
    ExclusionFactory.create(kind="pipeline_run", row="ci:9", excluded=False, reason="It was real.")
    visitor = Visitor()

    page = visitor.get("/admin/readiness/exclusion/")
    assert f'href="{LIST}{row.pk}/change/">tests:INC-1' in page
    assert "A rehearsal." in page
    assert "taken back" in page
    assert "tests:INC-1" not in visitor.get("/admin/readiness/exclusion/", excluded__exact="0")


def test_the_form_takes_as_many_queries_for_many_rows_as_for_few() -> None:
    visitor, counts = lead(), []
    for rows in (3, 30):
        keys = ",".join(str(IncidentFactory.create().pk) for _ in range(rows))
        with CaptureQueriesContext(connection) as captured:
            visitor.get(f"{LIST}exclude/", rows=keys)
        counts.append(len(captured))

    assert counts[0] == counts[1] < 10


@pytest.fixture
def storm(settings: Settings) -> Service:
    """A service in its first judged state: an open incident of severity 1 blocks it."""
    settings.CLOCK_OFFSET = NOW + dt.timedelta(hours=1) - clock.real_now()
    service: Service = ServiceFactory.create(slug="pay", developer_managed=True)
    for kind in ("incident", "deployment"):
        FeedFactory.create(service=service, kind=kind)
    IncidentFactory.create(
        service=service, severity=1, started_at=ago(days=20), resolved_at=None, external_id="INC-9"
    )
    evaluation.run(evaluation.request(NOW))
    return service


def judged_again() -> Scorecard:
    """What the next sweeps make of what is marked: the newest live scorecard."""
    Rejudgement.objects.update(due_at=clock.real_now(), since=clock.real_now())
    assert Rejudgement.objects.exists()
    with override_settings(CELERY_TASK_ALWAYS_EAGER=True):
        sweep()
    run = Evaluation.objects.latest("pk")
    evaluation.run(run)
    return Scorecard.objects.filter(kind=Kind.LIVE).latest("pk")


def test_an_excluded_incident_leaves_the_next_scorecard_and_taken_back_returns_to_it(storm: Service) -> None:
    before = Scorecard.objects.get()
    row, visitor = Incident.objects.get(), lead()

    visitor.post(f"{LIST}exclude/", rows=str(row.pk), reason="The pager was tested.")
    without = judged_again()
    visitor.post(f"{LIST}take-back/", rows=str(row.pk), reason="It was real.")
    again = judged_again()

    codes = [[blocker[0] for blocker in card.numbers["blockers"]] for card in (before, without, again)]
    assert codes == [["open_severe_incident"], [], ["open_severe_incident"]]
    clocks = [
        card.numbers["criteria"]["stability"]["parts"]["clock_days"][0] for card in (before, without, again)
    ]
    assert clocks[0] < clocks[1] > clocks[2]
    # what was said before stays as it was said
    assert Scorecard.objects.get(pk=before.pk).numbers == before.numbers
    assert len({before.pk, without.pk, again.pk}) == 3
