"""Statements about one row merge into the same row in any order, any repetition, any split."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.evidence import COLUMNS, Kind, Statement, blank
from readiness.merge import StoredRow, changed, fold, merge_rows

DAY = timedelta(days=1)
FIRST = datetime(2026, 6, 1, tzinfo=UTC)
ARRIVED = FIRST + 100 * DAY


def say(day: float, kind: Kind = Kind.INCIDENT, **stated: Any) -> Statement:
    return Statement(kind, ("tests", "1"), FIRST + day * DAY, stated)


def folded(statements: Iterable[Statement]) -> StoredRow:
    row: StoredRow | None = None
    for number, each in enumerate(statements):
        row = fold(row, each, ARRIVED + number * DAY)
    assert row is not None
    return row


def test_a_row_stated_once_needs_no_moments_of_its_own() -> None:
    row = folded([say(1, service="pay", title="down", severity=2)])
    assert row.statements is None
    assert row.stated_at == FIRST + DAY
    assert row.values["title"] == "down"
    assert set(row.values) == set(COLUMNS[Kind.INCIDENT])


def test_the_newest_statement_wins_field_by_field() -> None:
    row = folded([say(2, title="new", service="pay"), say(1, title="old", cause="code")])
    assert (row.values["title"], row.values["cause"]) == ("new", "code")
    assert row.statements == {"cause": "2026-06-02T00:00:00+00:00"}


def test_an_absent_field_states_nothing() -> None:
    row = folded([say(1, title="old", cause="code"), say(2, title="new")])
    assert row.values["cause"] == "code"


def test_null_clears_and_an_older_statement_cannot_fill_it_again() -> None:
    for order in ([0, 1], [1, 0]):
        both = [say(1, cause="code"), say(2, cause=None)]
        row = folded(both[index] for index in order)
        assert row.values["cause"] is None
        assert row.statements == {"cause": "2026-06-03T00:00:00+00:00"}


def test_what_was_never_stated_an_older_statement_may_still_fill() -> None:
    row = folded([say(2, title="new"), say(1, cause="code")])
    assert row.values["cause"] == "code"


def test_a_flag_stated_false_is_not_one_never_stated() -> None:
    assert folded([say(2, drill=False), say(1, drill=True)]).values["drill"] is False
    assert folded([say(2, title="x"), say(1, drill=True)]).values["drill"] is True


def test_a_value_that_looks_like_nothing_is_still_a_value() -> None:
    assert (
        folded([say(2, Kind.DEPLOYMENT, automated=False), say(1, Kind.DEPLOYMENT, automated=True)]).values[
            "automated"
        ]
        is False
    )
    assert (
        folded([say(2, Kind.DEPLOYMENT, commits=0), say(1, Kind.DEPLOYMENT, commits=5)]).values["commits"]
        == 0
    )


def test_at_equal_moments_the_later_arrival_wins() -> None:
    row = folded([say(1, title="first"), say(1, title="second")])
    assert row.values["title"] == "second"


def test_without_a_moment_a_statement_is_as_old_as_its_arrival() -> None:
    unmarked = say(0, title="late")._replace(moment=None)
    row = fold(folded([say(1, title="dated")]), unmarked, ARRIVED)
    assert (row.values["title"], row.stated_at) == ("late", ARRIVED)


def test_a_row_may_move_to_another_service() -> None:
    assert folded([say(2, service="ledger"), say(1, service="pay")]).values["service"] == "ledger"


def test_a_feed_is_never_unmade() -> None:
    heard = [say(2, Kind.FEED, last_seen_at=FIRST), say(3, Kind.FEED, last_seen_at=FIRST - DAY)]
    for order in (heard, heard[::-1]):
        assert folded(order).values["last_seen_at"] == FIRST


def test_what_changed_is_told_by_column() -> None:
    old, new = folded([say(1, title="a", severity=1)]), folded([say(1, title="b", severity=1, drill=False)])
    assert changed(old, new) == {"title"}
    assert changed(new, new) == frozenset()


def test_a_newer_statement_that_changes_nothing_still_counts() -> None:
    row = folded([say(1, title="a"), say(3, title="a"), say(2, title="b")])
    assert row.values["title"] == "a"


# Any order, any repetition, any split ---------------------------------------------------------------


def values_of(kind: Kind, column: str) -> st.SearchStrategy[Any]:
    if column == "last_seen_at":
        return st.integers(0, 5).map(lambda day: FIRST + day * DAY)
    return st.sampled_from([blank(column), "a", "b"])


@st.composite
def histories(draw: st.DrawFn) -> tuple[Statement, ...]:
    """Statements about one row; those of one moment agree where they speak of the same column."""
    kind = draw(st.sampled_from([Kind.INCIDENT, Kind.SIGNAL, Kind.FEED]))
    columns = COLUMNS[kind][:6]
    truth = {
        (day, column): draw(values_of(kind, column), label=f"{column} on day {day}")
        for day in range(4)
        for column in columns
    }
    spoken = draw(
        st.lists(
            st.tuples(st.integers(0, 3), st.sets(st.sampled_from(columns), min_size=1)),
            min_size=1,
            max_size=6,
        )
    )
    return tuple(say(day, kind, **{name: truth[day, name] for name in names}) for day, names in spoken)


def by_the_rule(statements: Sequence[Statement]) -> dict[str, Any]:
    """DESIGN.md's sentence, read naively: of each column, what the newest statement that mentions it says."""
    kind = statements[0].kind
    values = {column: blank(column) for column in COLUMNS[kind]}
    for each in sorted(statements, key=lambda each: (each.moment is not None, each.moment)):
        values.update(each.stated)
    if kind is Kind.FEED:
        heard = [each.stated["last_seen_at"] for each in statements if "last_seen_at" in each.stated]
        values["last_seen_at"] = max(heard, default=None)
    return values


@settings(max_examples=300)
@given(histories(), st.data())
def test_any_order_and_repetition_give_the_same_row(
    history: tuple[Statement, ...], data: st.DataObject
) -> None:
    repeated = history + tuple(data.draw(st.lists(st.sampled_from(history), max_size=4)))
    shuffled = data.draw(st.permutations(repeated))
    row = folded(shuffled)
    assert row == folded(history)
    assert row.values == by_the_rule(history)


@settings(max_examples=300)
@given(histories(), st.data())
def test_any_split_into_files_gives_the_same_row(history: tuple[Statement, ...], data: st.DataObject) -> None:
    files: dict[int, list[Statement]] = {}
    for each in data.draw(st.permutations(history)):
        files.setdefault(data.draw(st.integers(0, 2)), []).append(each)
    rows = [folded(statements) for statements in files.values()]
    kind = history[0].kind
    assert reduce(lambda earlier, later: merge_rows(kind, earlier, later), rows) == folded(history)


@given(histories())
def test_stating_all_of_it_again_changes_nothing(history: tuple[Statement, ...]) -> None:
    row = folded(history)
    again = reduce(lambda so_far, each: fold(so_far, each, ARRIVED + 100 * DAY), history, row)
    assert again == row


@given(histories())
def test_columns_without_an_entry_have_the_rows_moment_or_none(history: tuple[Statement, ...]) -> None:
    row = folded(history)
    for column in COLUMNS[history[0].kind]:
        spoken = [each.moment for each in history if column in each.stated and each.moment is not None]
        assert row.moment(column) == max(spoken, default=None)
