"""Evidence records take what can be true and say in plain words what cannot."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from readiness.evidence import (
    COLUMNS,
    RECORDS,
    DeploymentRecord,
    FeedRecord,
    Kind,
    Record,
    Reference,
    Rejection,
    parse_line,
    parse_object,
    statement,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
START = "2026-06-01T10:00:00Z"
LATER = "2026-06-01T11:00:00+00:00"
ROW = {"service": "pay", "source": "tests", "id": "1"}

SMALLEST: Mapping[Kind, dict[str, Any]] = {
    Kind.DEPLOYMENT: ROW | {"environment": "production", "started_at": START, "outcome": "succeeded"},
    Kind.INCIDENT: ROW | {"severity": 1, "title": "down", "started_at": START},
    Kind.PAGE: ROW | {"paged_at": START},
    Kind.DEFECT: ROW | {"severity": 4, "title": "wrong", "opened_at": START},
    Kind.SIGNAL: ROW | {"signal": "latency", "first_seen_at": START, "last_seen_at": LATER},
    Kind.DEPENDENCY: ROW | {"on": "ledger", "type": "sync"},
    Kind.PIPELINE_RUN: ROW | {"pipeline": "main", "started_at": START, "outcome": "skipped"},
    Kind.SHIFT: ROW | {"person": "ada", "role": "ops", "starts_at": START, "ends_at": LATER},
    Kind.OBSERVATION: ROW
    | {"observer_role": "ops", "observed": "client", "observed_at": START, "finding": "slow"},
    Kind.WORK_ITEM: ROW | {"category": "feature", "title": "new", "opened_at": START},
    Kind.FEED: {"source": "tests", "kind": "page", "services": ["*"], "since": START, "last_seen_at": LATER},
    Kind.PERSON: {"name": "ada", "role": "developer", "teams": ["berlin"]},
}


def read(kind: Kind, /, **fields: object) -> Record | Rejection:
    """The smallest record of the kind with these fields besides; JSON and an object give one answer."""
    written = SMALLEST[kind] | fields
    from_line = parse_line(kind, json.dumps(written).encode(), NOW)
    from_object = parse_object(kind, written, NOW)
    assert from_line == from_object
    return from_line


def taken(kind: Kind, /, **fields: object) -> Record:
    record = read(kind, **fields)
    assert isinstance(record, Record), str(record)
    return record


def refused(kind: Kind, /, **fields: object) -> str:
    rejection = read(kind, **fields)
    assert isinstance(rejection, Rejection), f"taken: {rejection}"
    return str(rejection)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_required_fields_are_enough(kind: Kind) -> None:
    assert taken(kind).KIND is kind


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind, fields in SMALLEST.items() for field in fields]
)
def test_a_required_field_can_be_neither_absent_nor_null(kind: Kind, field: str) -> None:
    without = {name: value for name, value in SMALLEST[kind].items() if name != field}
    assert str(parse_line(kind, json.dumps(without).encode(), NOW)) == f"{field} is missing"
    assert refused(kind, **{field: None}) == f"{field} must not be null"


@pytest.mark.parametrize("kind", list(Kind))
def test_every_optional_field_can_be_null(kind: Kind) -> None:
    optional = RECORDS[kind].model_fields.keys() - SMALLEST[kind].keys()
    assert taken(kind, **dict.fromkeys(optional)).model_fields_set >= optional


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2026-06-01T10:00:00", "has no offset from UTC (write it like 2026-01-31T09:00:00Z)"),
        ("2026-06-01", "has no offset from UTC (write it like 2026-01-31T09:00:00Z)"),
        ("1780000000", "is not an ISO-8601 time with offset"),
        ("yesterday", "is not an ISO-8601 time with offset"),
        ("2026-13-01T00:00:00Z", "is not an ISO-8601 time with offset"),
        ("1970-01-01T00:00:00Z", "lies before 1990"),
        ("2026-11-26T12:00:01Z", "lies too far in the future"),
        ("9999-12-31T23:59:59-14:00", "lies too far in the future"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused(moment: str, reason: str) -> None:
    assert refused(Kind.DEPLOYMENT, started_at=moment) == f"started_at {reason}"
    assert refused(Kind.PERSON, updated_at=moment) == f"updated_at {reason}"


def test_a_time_is_not_a_number() -> None:
    assert refused(Kind.PAGE, paged_at=1780000000).startswith("paged_at ")


def test_two_days_ahead_is_taken_for_a_wrong_clock_and_no_more() -> None:
    taken(Kind.DEPLOYMENT, started_at="2026-11-26T12:00:00Z")


def test_a_shift_may_be_planned_a_year_ahead() -> None:
    taken(Kind.SHIFT, starts_at="2027-11-01T00:00:00Z", ends_at="2027-11-08T00:00:00Z")
    assert "too far" in refused(Kind.SHIFT, ends_at="2029-01-01T00:00:00Z")
    assert "too far" in refused(Kind.SHIFT, updated_at="2027-01-01T00:00:00Z")


def test_without_a_given_moment_the_real_time_counts() -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    DeploymentRecord.model_validate(SMALLEST[Kind.DEPLOYMENT] | {"started_at": tomorrow})
    with pytest.raises(ValidationError, match="too far in the future"):
        DeploymentRecord.model_validate(
            SMALLEST[Kind.DEPLOYMENT] | {"started_at": tomorrow + timedelta(days=9)}
        )


@pytest.mark.parametrize(
    ("kind", "earlier", "later"),
    [(kind, *pair) for kind, record in RECORDS.items() for pair in record.ORDERS],
)
def test_durations_are_not_negative(kind: Kind, earlier: str, later: str) -> None:
    taken(kind, **{earlier: START, later: START})
    backwards = {earlier: START, later: "2026-06-01T09:59:59Z"}
    assert f"{later} is before {earlier}" in refused(kind, **backwards)


def test_times_with_different_offsets_are_compared_as_moments() -> None:
    taken(Kind.PAGE, paged_at="2026-06-01T10:00:00+02:00", acknowledged_at="2026-06-01T08:05:00Z")


@pytest.mark.parametrize(
    ("kind", "field", "value", "reason"),
    [
        (Kind.INCIDENT, "severity", 0, "is less than 1"),
        (Kind.INCIDENT, "severity", 6, "is more than 5"),
        (Kind.DEFECT, "severity", 5, "is more than 4"),
        (Kind.INCIDENT, "severity", True, "must be a whole number"),
        (Kind.INCIDENT, "severity", "1", "must be a whole number"),
        (Kind.INCIDENT, "severity", 1.5, "must be a whole number"),
        (Kind.DEPLOYMENT, "commits", 100_001, "is more than 100000"),
        (Kind.DEPLOYMENT, "commits", -1, "is less than 0"),
        (Kind.DEPLOYMENT, "commits", 10**30, "is more than 100000"),
        (Kind.DEPLOYMENT, "lines_changed", 10**8 + 1, "is more than 100000000"),
        (Kind.DEPLOYMENT, "automated", 1, "must be true or false"),
        (Kind.DEPLOYMENT, "automated", "yes", "must be true or false"),
        (Kind.DEPLOYMENT, "outcome", "Succeeded", "must be 'succeeded', 'failed' or 'cancelled'"),
        (Kind.DEPLOYMENT, "environment", "", "is empty"),
        (Kind.DEPLOYMENT, "version", "v" * 201, "is longer than 200 characters"),
        (Kind.DEPLOYMENT, "version", "a\0b", "contains a NUL character"),
        (Kind.DEPLOYMENT, "id", "a\0b", "is blank or contains a NUL character"),
        (Kind.DEPLOYMENT, "id", " \n", "is blank or contains a NUL character"),
        (Kind.DEPLOYMENT, "id", 7, "must be text"),
        (Kind.DEPLOYMENT, "url", "javascript:alert(1)", "is not an http or https address"),
        (Kind.DEPLOYMENT, "url", "https://x/" + "a" * 1000, "is longer than 1000 characters"),
        (Kind.DEPLOYMENT, "colour", "red", "is not a field of this kind"),
        (Kind.INCIDENT, "title", "t" * 501, "is longer than 500 characters"),
        (Kind.OBSERVATION, "finding", "t" * 4001, "is longer than 4000 characters"),
        (Kind.DEFECT, "reopened", 1001, "is more than 1000"),
        (Kind.PIPELINE_RUN, "tests_run", 10**7 + 1, "is more than 10000000"),
        (Kind.WORK_ITEM, "effort_hours", 100_001, "is more than 100000"),
        (Kind.WORK_ITEM, "effort_hours", "4", "must be a number"),
        (Kind.FEED, "services", [], "has no entries"),
        (Kind.FEED, "services", "*", "must be a list"),
        (Kind.FEED, "kind", "person", "is no kind of evidence that a feed reports"),
        (Kind.FEED, "drill", True, "is not a field of this kind"),
        (Kind.PERSON, "teams", ["t"] * 101, "has more than 100 entries"),
        (Kind.PERSON, "service", "pay", "is not a field of this kind"),
    ],
)
def test_a_value_out_of_bounds_is_refused(kind: Kind, field: str, value: object, reason: str) -> None:
    assert refused(kind, **{field: value}) == f"{field} {reason}"


def test_an_entry_of_a_list_is_named() -> None:
    assert refused(Kind.FEED, services=["pay", ""]) == "services.1 is empty"
    assert refused(Kind.PERSON, identities={"pager": 5}) == "identities.pager must be text"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_must_be_finite(number: str) -> None:
    line = json.dumps(SMALLEST[Kind.WORK_ITEM])[:-1] + f', "effort_hours": {number}}}'
    assert str(parse_line(Kind.WORK_ITEM, line.encode(), NOW)) == "effort_hours must be a finite number"


def test_everything_wrong_with_a_record_is_said_at_once() -> None:
    rejection = read(Kind.INCIDENT, severity=9, title=None, colour="red")
    assert isinstance(rejection, Rejection)
    assert {problem.field for problem in rejection.problems} == {"severity", "title", "colour"}


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"null", b"7", b'"text"', b"{", b"\xff\xfe", b'{"id": "\\ud800"}']
)
def test_what_is_no_json_object_is_refused_as_a_whole(line: bytes) -> None:
    rejection = parse_line(Kind.PAGE, line, NOW)
    assert isinstance(rejection, Rejection)
    assert str(rejection).startswith("record is not ")


def test_a_line_beyond_all_bounds_is_not_even_read() -> None:
    assert "longer than" in str(parse_line(Kind.PAGE, b" " * (4 * 1024 * 1024 + 1), NOW))


@given(st.binary(max_size=200), st.sampled_from(list(Kind)))
def test_no_bytes_raise(line: bytes, kind: Kind) -> None:
    assert isinstance(parse_line(kind, line, NOW), Rejection)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from([START, LATER, "ops", "page", "tests"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data(), st.sampled_from(list(Kind)))
def test_whatever_a_field_holds_the_answer_is_a_record_or_a_reason(data: st.DataObject, kind: Kind) -> None:
    fields = sorted(RECORDS[kind].model_fields)
    changes = data.draw(st.dictionaries(st.sampled_from(fields), anything, min_size=1, max_size=3))
    answer = parse_line(kind, json.dumps(SMALLEST[kind] | changes).encode(), NOW)
    if isinstance(answer, Rejection):
        assert all(problem.field and problem.reason for problem in answer.problems), str(answer)
        assert "pydantic" not in str(answer)
        assert "Input should" not in str(answer)
    else:
        assert set(statement(answer, service="pay").stated) <= {*COLUMNS[kind]}


class TestReferences:
    """A reference names a row by source and id; a bare id is of the row's own source."""

    def stated(self, **fields: object) -> dict[str, Any]:
        return statement(taken(Kind.DEPLOYMENT, **fields)).stated

    def test_a_bare_id_is_of_the_own_source(self) -> None:
        stated = self.stated(remediates="0")
        assert (stated["remediates_source"], stated["remediates_id"]) == ("tests", "0")

    def test_another_source_is_named(self) -> None:
        stated = self.stated(remediates={"source": "other", "id": "1"})
        assert (stated["remediates_source"], stated["remediates_id"]) == ("other", "1")

    def test_a_reference_object_is_taken_from_code(self) -> None:
        record = DeploymentRecord.model_validate(
            SMALLEST[Kind.DEPLOYMENT] | {"remediates": Reference(source="other", id="9")}
        )
        assert statement(record).stated["remediates_id"] == "9"

    @pytest.mark.parametrize("itself", ["1", {"source": "tests", "id": "1"}, None])
    def test_a_row_that_names_itself_names_nothing(self, itself: object) -> None:
        stated = self.stated(remediates=itself)
        assert (stated["remediates_source"], stated["remediates_id"]) == (None, None)

    def test_an_incident_may_have_the_id_of_the_deployment_it_names(self) -> None:
        assert statement(taken(Kind.INCIDENT, caused_by="1")).stated["caused_by_id"] == "1"

    @pytest.mark.parametrize(
        "bad", ["", " ", 7, [], {}, {"source": "a"}, {"source": "a", "id": ""}, "x" * 201]
    )
    def test_anything_else_is_refused(self, bad: object) -> None:
        assert refused(Kind.DEPLOYMENT, remediates=bad).startswith(
            "remediates is neither an id nor an object"
        )


class TestStatements:
    """A statement holds the columns a record mentions, and no others."""

    def test_absent_fields_state_nothing_and_null_clears(self) -> None:
        stated = statement(taken(Kind.INCIDENT, cause=None, detected_by="alert")).stated
        assert stated["cause"] is None
        assert stated["detected_by"] == "alert"
        assert "resolved_at" not in stated

    def test_an_empty_optional_text_is_null(self) -> None:
        assert statement(taken(Kind.SIGNAL, environment="")).stated["environment"] is None

    def test_an_empty_title_is_a_title(self) -> None:
        assert statement(taken(Kind.INCIDENT, title="")).stated["title"] == ""

    def test_flags_are_never_null(self) -> None:
        stated = statement(taken(Kind.PAGE, drill=None, withdrawn=True)).stated
        assert (stated["drill"], stated["withdrawn"]) == (False, True)

    def test_moments_are_in_utc_and_enums_are_text(self) -> None:
        stated = statement(taken(Kind.DEPLOYMENT, started_at="2026-06-01T12:00:00+02:00")).stated
        assert stated["started_at"].isoformat() == "2026-06-01T10:00:00+00:00"
        assert type(stated["outcome"]) is str

    def test_its_moment_is_when_the_source_says_it_was_so(self) -> None:
        assert statement(taken(Kind.PAGE)).moment is None
        assert statement(taken(Kind.PAGE, updated_at=START)).moment == datetime(2026, 6, 1, 10, tzinfo=UTC)

    def test_the_service_can_be_resolved(self) -> None:
        assert statement(taken(Kind.PAGE), service="payments").stated["service"] == "payments"

    def test_the_key_is_source_and_id(self) -> None:
        assert statement(taken(Kind.PAGE)).key == ("tests", "1")

    def test_a_span_is_another_row_when_it_begins_anew(self) -> None:
        began = datetime(2026, 6, 1, 10, tzinfo=UTC)
        assert statement(taken(Kind.SIGNAL)).key == ("tests", "1", began)
        assert statement(taken(Kind.DEPENDENCY)).key == ("tests", "1", None)
        assert statement(taken(Kind.DEPENDENCY, first_seen_at=None)).key == ("tests", "1", None)

    def test_a_feed_is_stated_service_by_service(self) -> None:
        feed = taken(Kind.FEED, services=["pay", "ledger"], reports_failures=True)
        assert isinstance(feed, FeedRecord)
        assert [statement(feed, service=name).key[2] for name in feed.services] == ["pay", "ledger"]
        assert statement(feed, service="pay").stated.keys() == {"last_seen_at", "reports_failures"}
        with pytest.raises(ValueError, match="one service at a time"):
            statement(feed)

    def test_where_a_person_was_read_from_is_an_identity(self) -> None:
        person = taken(Kind.PERSON, identities={"pager": "P1"}, source="hr", id="77")
        assert statement(person).key == ("ada",)
        assert statement(person).stated["identities"] == {"pager": "P1", "hr": "77"}
