"""`scorecard`: the verdict at first sight, then all it rests on; what cannot be answered exits with 3."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from readiness import clock
from readiness.criteria import CRITERIA
from readiness.management.commands.evaluate import Command as Evaluate
from readiness.management.commands.scorecard import Command
from readiness.management.printing import WIDTH
from readiness.management.scorecard_table import View, sections
from readiness.models import Defect, Service, Waiver
from readiness.reading import latest, rendered
from tests.command_line import Answer, answer, shell
from tests.own_database import OwnDatabase

AT = datetime(2026, 7, 1, tzinfo=UTC)
SOON = AT + timedelta(hours=3)
JUDGED = ("pay", "ledger", "quote", "model", "steady", "slump", "fresh", "raw", "away", "dark")
PROMISED = ["service", "at", "policy", "score", "level", "evidence", "possible", "management_state"]
PROMISED += ["clock_offset", "verdicts", "blockers", "criteria"]
OURS = ["tier", "lifecycle", "revision", "judged_at", "age_seconds", "kind", "stale"]


def stand_at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Set the clock."""
    monkeypatch.setattr(clock, "now", lambda: moment)


@pytest.fixture
def fleet(worked_fleet_once: None, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worked fleet at three o'clock, judged live at midnight."""
    stand_at(monkeypatch, AT)
    answer(Evaluate(), *(f"--service={slug}" for slug in JUDGED))
    stand_at(monkeypatch, SOON)


def card(slug: str, *options: str) -> Answer:
    """What people see of a service."""
    return answer(Command(), slug, *options)


# First sight -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("slug", "lines"),
    [
        ("model", ["READY for handoff to operations", "READY for a deployment"]),
        ("quote", ["NOT READY for handoff to operations", "NOT READY for a deployment"]),
        (
            "ledger",
            [
                "CANNOT TELL whether it is ready for handoff to operations",
                "CANNOT TELL whether a deployment is safe",
            ],
        ),
        ("steady", ["HOLDS: still fit to be run by operations", "READY for a deployment"]),
        ("slump", ["BELOW: not fit to be run by operations, if it stays so", "READY for a deployment"]),
        ("fresh", ["READY to launch", "CANNOT TELL whether a deployment is safe"]),
        ("raw", ["NOT READY to launch", "NOT READY for a deployment"]),
        ("away", ["NO VERDICT: it is retired"]),
    ],
)
def test_the_verdicts_that_apply_come_first_and_no_other(slug: str, lines: list[str]) -> None:
    shown = card(slug)

    facts = shown.lines.index(next(line for line in shown.lines if line.startswith("Score ")))
    head = [line for line in shown.lines[1:facts] if line and not line.startswith(" ")]
    assert shown.status == 0
    assert shown.lines[0] == slug
    assert head == lines


@pytest.mark.usefixtures("fleet")
def test_a_verdict_stands_with_its_reasons_and_its_blockers() -> None:
    shown = card("quote")

    reasons = [
        line for line in shown.lines[: shown.lines.index("NOT READY for a deployment")] if "- " in line
    ]
    assert any("a defect of severity 1 is open" in line for line in reasons)
    assert "Blockers" in shown.lines
    assert "[open_sev1_defect]" in shown.out
    assert "[unremediated_change]" in shown.out
    assert "No blockers" in card("model").lines


@pytest.mark.usefixtures("fleet")
def test_range_evidence_level_state_tier_and_age_are_told() -> None:
    shown = card("ledger")

    assert "Score 0 to 100, depending on what could not be judged" in shown.flat
    assert "Level none Evidence 0 % of what is weighed could be judged" in shown.flat
    assert "Service developer-managed, live, tier 3" in shown.flat
    assert (
        "As of 2026-07-01 00:00 UTC, 3 hours old (judged live under policy default version 1)" in shown.flat
    )
    assert "OUTDATED" not in shown.out
    assert "Clock" not in shown.out


@pytest.mark.usefixtures("fleet")
def test_a_score_without_a_range_is_one_number() -> None:
    line = next(line for line in card("model").lines if line.startswith("Score "))
    assert line.split() == ["Score", "99.52"]


@pytest.mark.usefixtures("fleet")
def test_an_old_judgement_says_so_loudly_and_how_to_renew_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_at(monkeypatch, AT + timedelta(days=9, hours=2))
    assert "9 days 2 hours old" in card("model").flat
    assert "OUTDATED: judge again with `evaluate --service model`" in card("model").flat


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("offset", "said"),
    [
        (timedelta(days=-160, hours=-3), "Clock set 160 days 3 hours behind the real time"),
        (timedelta(minutes=90), "Clock set 1 hour 30 minutes ahead of the real time"),
    ],
)
def test_a_clock_that_is_set_elsewhere_is_told(offset: timedelta, said: str, settings: Any) -> None:
    settings.CLOCK_OFFSET = offset
    assert said in card("model").flat


# Criteria --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("fleet")
def test_each_criterion_is_told_with_its_parts_or_with_what_is_missing() -> None:
    pay, ledger = card("pay"), card("ledger")

    for criterion in CRITERIA:
        line = next(line for line in pay.lines if line.startswith(criterion.title) and criterion.slug in line)
        assert line.split()[-1] in ("met", "BELOW", "below"), line
        for title in criterion.part_titles.values():
            assert f"  {title[:30]}" in pay.out  # a long one goes on in the next line
        assert f"{criterion.title}: no evidence" in ledger.flat
    assert "advisory" in pay.out
    assert "no page feed, nobody reports pages" in ledger.flat
    assert "connect a source that reports incidents" in ledger.flat


@pytest.mark.usefixtures("fleet")
def test_a_part_stands_with_value_unit_score_and_weight() -> None:
    lines = [line.split() for line in card("pay").lines]
    assert ["open", "defect", "load", "7", "weighted", "defects", "72.5", "40"] in lines
    assert ["lies", "on", "a", "cycle", "of", "synchronous", "calls", "no", "100", "20"] in [
        line.split() for line in card("model").lines
    ]


@pytest.mark.usefixtures("fleet")
def test_a_next_step_that_serves_several_criteria_is_told_once() -> None:
    assert card("ledger").flat.count("connect a source that reports incidents") == 1
    assert "after_hours, change_safety and stability: connect a source that reports incidents" in (
        card("ledger").flat
    )


@pytest.mark.usefixtures("fleet")
def test_the_rows_that_weigh_most_are_named_with_their_addresses() -> None:
    row = Defect.objects.filter(service__slug="pay", closed_at=None).first()
    assert row is not None
    Defect.objects.filter(pk=row.pk).update(
        url=f"https://tracker.example.org/{'x' * 120}", title="Bad \x1b[31m day"
    )

    shown = card("pay")

    assert f"{row.source}:{row.external_id}" in shown.out
    assert f"      https://tracker.example.org/{'x' * 120}" in shown.lines  # in one piece, to be followed
    assert "\x1b" not in shown.out


@pytest.mark.usefixtures("fleet")
def test_everything_but_addresses_fits_the_width_without_colour() -> None:
    for slug in JUDGED:
        shown = card(slug)
        long = [line for line in shown.lines if len(line) > WIDTH and "https://" not in line]
        assert long == []
        assert "\x1b" not in shown.out
        assert not any(line != line.rstrip() for line in shown.lines)


@pytest.mark.usefixtures("fleet")
def test_colour_adds_nothing_that_words_do_not_say() -> None:
    plain = card("quote")
    coloured = answer(Command(), "quote", force_color=True, no_color=False)
    assert "\x1b[" in coloured.out
    assert "\x1b[" not in plain.out
    assert "BELOW" in plain.out


@pytest.mark.usefixtures("fleet")
def test_a_terminal_that_takes_only_ascii_gets_only_that() -> None:
    raw = BytesIO()
    terminal = TextIOWrapper(raw, "ascii", write_through=True)
    call_command(Command(), "quote", stdout=terminal)
    assert b"NOT READY for handoff" in raw.getvalue()


@pytest.mark.usefixtures("fleet")
def test_a_waived_blocker_is_marked_and_its_waiver_told() -> None:
    Waiver.objects.create(
        service=Service.objects.get(slug="quote"),
        target="open_sev1_defect",
        reason="Mended on Friday.",
        author="dev",
        asked_at=AT - timedelta(days=2),
        approver="lead",
        approved_at=AT - timedelta(days=1),
        ends_at=AT + timedelta(days=5),
    )
    answer(Evaluate(), "--service=quote")

    shown = card("quote").flat

    assert "(waived) [open_sev1_defect]" in shown
    assert "open_sev1_defect until 2026-07-06, approved by lead: Mended on Friday." in shown


# Which judgement -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("fleet")
def test_at_a_moment_the_newest_judgement_until_then_is_shown() -> None:
    answer(Evaluate(), "--at=2026-06-03T00:00:00Z", "--service=model")

    shown = card("model", "--at=2026-06-04T00:00:00Z").flat

    assert "As of 2026-06-03 00:00 UTC, 28 days 3 hours old (replayed in hindsight" in shown
    assert "the newest judgement at or before 2026-06-04 00:00 UTC" in shown
    assert "OUTDATED" not in shown
    assert "OUTDATED: 17 days before the moment asked for" in card("model", "--at=2026-06-20T00:00:00Z").flat


@pytest.mark.usefixtures("fleet")
def test_an_alias_is_as_good_as_a_slug() -> None:
    service = Service.objects.get(slug="model")
    service.aliases.create(name="figurine")
    assert card("figurine").lines[0] == "model"


@pytest.mark.usefixtures("fleet")
def test_an_unknown_service_is_refused_with_names_spelt_alike() -> None:
    with pytest.raises(CommandError, match="no service or alias is called stedy; did you mean steady"):
        card("stedy")
    with pytest.raises(CommandError, match=r"is called zzzzzz$"):
        card("zzzzzz")


@pytest.mark.usefixtures("fleet")
def test_a_service_without_a_judgement_says_how_to_get_one() -> None:
    with pytest.raises(CommandError, match=r"orders has not been judged yet: .*`evaluate --service orders`"):
        card("orders")
    with pytest.raises(CommandError, match=r"`evaluate --at 2026-01-01T00:00:00\+00:00 --service model`"):
        card("model", "--at=2026-01-01T00:00:00Z")


# For machines ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("fleet")
def test_json_is_one_line_of_what_the_design_promises_and_what_we_add() -> None:
    shown = card("pay", "--format=json")

    (document,) = shown.documents
    assert list(document) == PROMISED + OURS
    stored = latest(Service.objects.get(slug="pay"))
    assert stored is not None
    assert document == json.loads(json.dumps(rendered(stored, explain=True)))
    assert any(criterion["evidence"] for criterion in document["criteria"])
    assert document["age_seconds"] == 3 * 3600


@pytest.mark.usefixtures("fleet")
def test_the_table_needs_no_query_of_its_own_once_the_card_is_rendered(
    django_assert_num_queries: Any,
) -> None:
    stored = latest(Service.objects.get(slug="pay"))
    assert stored is not None
    shown = rendered(stored, explain=True)
    with django_assert_num_queries(0):
        assert len(list(sections(View(shown)))) > len(CRITERIA)


# Exit status -----------------------------------------------------------------------------------------


def test_what_cannot_be_answered_never_reads_as_a_verdict(
    tmp_path: Path, migrated_database: OwnDatabase
) -> None:
    no_tables = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    assert shell("scorecard", "pay", database=no_tables).returncode == 3
    database = migrated_database.address  # nothing is written: it is refused

    unknown = shell("scorecard", "pay", database=database)
    naive = shell("scorecard", "pay", "--at=2026-06-01", database=database)
    down = shell("scorecard", "pay", database="postgres://nobody@127.0.0.1:1/none")

    assert [each.returncode for each in (unknown, naive, down)] == [3, 3, 3]
    assert "no service or alias is called pay" in unknown.stderr
    assert "has no offset" in naive.stderr
    assert "Traceback" not in down.stderr
    assert [each.stdout for each in (unknown, naive, down)] == ["", "", ""]
