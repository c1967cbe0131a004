"""After hours and night are decided in the team's time zone, with its hours, weekend and public holidays."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.hours import Classifier, Hours, classifier, parse_business_hours

BERLIN = Hours("Europe/Berlin", "DE", "BE")
TOKYO = Hours("Asia/Tokyo", "JP", opens=time(10), closes=time(19, 30))


def at(hours: Hours, written: str) -> datetime:
    """A moment given in the team's local time, handed over in UTC."""
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(hours.time_zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "written", "expected"),
    [
        (BERLIN, "2026-06-03T08:59:59.999999", True),
        (BERLIN, "2026-06-03T09:00:00", False),
        (BERLIN, "2026-06-03T17:59:59.999999", False),
        (BERLIN, "2026-06-03T18:00:00", True),
        (BERLIN, "2026-06-06T12:00:00", True),
        (BERLIN, "2026-06-07T12:00:00", True),
        (BERLIN, "2026-12-25T12:00:00", True),
        (BERLIN, "2026-03-08T12:00:00", True),
        (BERLIN, "2027-03-08T12:00:00", True),
        (Hours("Europe/Berlin", "DE", "BW"), "2027-03-08T12:00:00", False),
        (Hours("Europe/Berlin"), "2026-12-25T12:00:00", False),
        (TOKYO, "2026-06-03T09:30:00", True),
        (TOKYO, "2026-06-03T19:29:00", False),
        (TOKYO, "2026-06-03T19:30:00", True),
        (TOKYO, "2026-05-05T12:00:00", True),
        (Hours(closes=time(0)), "2026-06-03T23:59:59", False),
        (Hours(opens=time(0), closes=time(0)), "2026-06-03T00:00:00", False),
        (Hours(weekend=frozenset({4, 5})), "2026-06-05T12:00:00", True),
        (Hours(weekend=frozenset({4, 5})), "2026-06-07T12:00:00", False),
        (Hours(weekend=frozenset()), "2026-06-06T12:00:00", False),
    ],
)
def test_after_hours(hours: Hours, written: str, *, expected: bool) -> None:
    assert classifier(hours).after_hours(at(hours, written)) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-06-03T21:59:59.999999", False),
        ("2026-06-03T22:00:00", True),
        ("2026-06-04T03:00:00", True),
        ("2026-06-04T06:59:59.999999", True),
        ("2026-06-04T07:00:00", False),
        ("2026-06-06T12:00:00", False),
        ("2026-06-06T23:00:00", True),
    ],
)
def test_night(written: str, *, expected: bool) -> None:
    assert classifier(BERLIN).night(at(BERLIN, written)) is expected


def test_the_same_moment_is_judged_by_each_teams_own_clock() -> None:
    moment = datetime(2026, 6, 3, 7, 30, tzinfo=UTC)
    assert not classifier(BERLIN).after_hours(moment)
    assert classifier(Hours()).after_hours(moment)


def test_summer_time_moves_the_day() -> None:
    winter, summer = datetime(2026, 3, 27, 7, 30, tzinfo=UTC), datetime(2026, 3, 30, 7, 30, tzinfo=UTC)
    assert classifier(BERLIN).after_hours(winter)
    assert not classifier(BERLIN).after_hours(summer)


def test_a_local_date_decides_about_holidays() -> None:
    still_the_24th_in_utc = datetime(2026, 12, 24, 23, 30, tzinfo=UTC)
    auckland = Hours("Pacific/Auckland", "NZ")
    assert classifier(auckland).after_hours(still_the_24th_in_utc)


def test_a_moment_without_offset_is_refused() -> None:
    naive = datetime(2026, 6, 3, 12)  # noqa: DTZ001 - this is what is refused
    with pytest.raises(ValueError, match="without offset"):
        classifier(BERLIN).after_hours(naive)
    with pytest.raises(ValueError, match="without offset"):
        classifier(BERLIN).night(naive)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    st.sampled_from([BERLIN, TOKYO, Hours("America/Chicago", "US", "IL"), Hours("Asia/Kathmandu")]),
)
def test_the_definition_holds_at_any_moment(moment: datetime, hours: Hours) -> None:
    local = moment.astimezone(ZoneInfo(hours.time_zone))
    free = hours.country is not None and local.date() in holidays.country_holidays(
        hours.country, subdiv=hours.subdivision
    )
    working = local.weekday() < 5 and not free and hours.opens <= local.time() < hours.closes
    assert classifier(hours).after_hours(moment) is not working
    assert classifier(hours).night(moment) is (local.time() >= time(22) or local.time() < time(7))


def test_teams_with_equal_hours_share_a_classifier() -> None:
    assert classifier(Hours("Europe/Berlin", "DE", "BE")) is classifier(BERLIN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09:00-18:00", (time(9), time(18))),
        (" 8:30 - 17:15 ", (time(8, 30), time(17, 15))),
        ("00:00-24:00", (time(0), time(0))),
        ("22:00–24:00", (time(22), time(0))),
    ],
)
def test_business_hours_are_read(text: str, expected: tuple[time, time]) -> None:
    assert parse_business_hours(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "written like 09:00-18:00"),
        ("nine to five", "written like 09:00-18:00"),
        ("09:00", "written like 09:00-18:00"),
        ("09:00-18:00-20:00", "written like 09:00-18:00"),
        ("09:00-25:00", "no clock shows"),
        ("09:60-18:00", "no clock shows"),
        ("24:00-24:00", "no clock shows"),
        ("18:00-09:00", "must end after they begin"),
        ("09:00-09:00", "must end after they begin"),
    ],
)
def test_business_hours_that_make_no_sense_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_business_hours(text)


minutes = st.integers(0, 24 * 60 - 1).map(lambda minute: time(*divmod(minute, 60)))


@given(minutes, minutes)
def test_business_hours_are_written_as_they_are_read(opens: time, closes: time) -> None:
    hours = Hours(opens=opens, closes=closes)
    if time(0) < closes <= opens:
        with pytest.raises(ValueError, match="must end after they begin"):
            hours.validate()
    else:
        assert parse_business_hours(hours.business_hours) == (opens, closes)


@given(st.text(max_size=12))
def test_any_other_text_is_refused_in_words(text: str) -> None:
    try:
        parse_business_hours(text)
    except ValueError as error:
        assert str(error).startswith("Business hours")  # noqa: PT017 - most texts raise, some do not


@pytest.mark.parametrize(
    ("hours", "reason"),
    [
        (Hours("Berlin"), "'Berlin' is no time zone"),
        (Hours(""), "'' is no time zone"),
        (Hours("Europe"), "'Europe' is no time zone"),
        (Hours("../../etc/passwd"), "is no time zone"),
        (Hours(country="XX"), "holidays of XX are not known"),
        (Hours(country="Germany"), "two letters"),
        (Hours(country="DE", subdivision="XX"), "holidays of DE-XX are not known"),
        (Hours(subdivision="BE"), "needs its country"),
        (Hours(weekend=frozenset({7})), "from 0 .Monday. to 6"),
        (Hours(opens=time(18), closes=time(9)), "must end after they begin"),
    ],
)
def test_hours_that_cannot_be_computed_with_are_refused(hours: Hours, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Classifier(hours)


def test_a_scorecard_shows_the_hours_it_was_judged_by() -> None:
    assert BERLIN.as_json() == {
        "time_zone": "Europe/Berlin",
        "country": "DE",
        "subdivision": "BE",
        "business_hours": "09:00-18:00",
        "weekend": [5, 6],
    }


def test_days_off_are_learned_once_and_stay_right() -> None:
    fresh = Classifier(BERLIN)
    noon = at(BERLIN, "2026-06-03T12:00:00")
    days = [noon + timedelta(days=number) for number in range(400)]
    assert [fresh.after_hours(day) for day in days] == [fresh.after_hours(day) for day in days]
