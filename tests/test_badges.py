"""Badges: what they say, who may see them, and how long they are kept."""

import datetime as dt
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from readiness import badges, clock
from readiness.models import CurrentScore, Service
from tests.admin_pages import Visitor, page_of
from tests.factories import NOW, CurrentScoreFactory, ScorecardFactory, ServiceFactory, ago
from tests.rest import Asker, problem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands at the moment of the tests."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def judged(
    verdict_of: str = "handoff", verdict: str = "ready", at: dt.datetime = NOW, **values: Any
) -> Service:
    """A service with a current score."""
    service = ServiceFactory.create(slug="pay")
    card = ScorecardFactory.create(service=service, at=at, score=84.4, possible=92.6)
    told = {"management_state": "developer_managed", "verdict_of": verdict_of, "verdict": verdict}
    CurrentScoreFactory.create(scorecard=card, **{**told, **values})
    return service


def picture(path: str, **headers: str) -> Any:
    """What an anonymous visitor gets."""
    return Client().get(path, headers=headers)


def words(svg: bytes) -> list[str]:
    """The words of a picture from left to right."""
    return [each.text or "" for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_it_says_who_runs_it_its_score_and_its_verdict_to_anybody_with_the_address() -> None:
    answer = picture(badges.path_of(judged().slug))

    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert words(answer.content) == ["developer-managed", "84–93", "handoff: ready"]


@pytest.mark.parametrize(
    ("values", "said", "colour"),
    [
        ({"verdict": "not_ready"}, ["developer-managed", "84–93", "handoff: not ready"], "#b91c1c"),
        ({"verdict": "cannot_tell"}, ["developer-managed", "84–93", "handoff: cannot tell"], "#1d4ed8"),
        (
            {"verdict_of": "handback", "verdict": "below", "management_state": "ops_managed"},
            ["ops-managed", "84–93", "handback: below"],
            "#b45309",
        ),
        ({"at": ago(hours=49)}, ["developer-managed", "stale"], "#6b7280"),
        ({"possible": 84.4}, ["developer-managed", "84", "handoff: ready"], "#15803d"),
        ({"verdict": None, "verdict_of": None}, ["developer-managed", "84–93", "no verdict"], "#6b7280"),
    ],
)
def test_each_answer_has_its_words_and_colour(values: dict[str, Any], said: list[str], colour: str) -> None:
    svg = picture(badges.path_of(judged(**values).slug)).content

    assert words(svg) == said
    assert [each.get("fill") for each in ET.fromstring(svg).iter() if each.tag.endswith("rect")][-1] == colour


@pytest.mark.parametrize(
    ("lifecycle", "said"), [("pre_launch", "pre-launch"), ("retired", "retired"), ("live", "live")]
)
def test_what_was_never_judged_says_so(lifecycle: str, said: str) -> None:
    service = ServiceFactory.create(lifecycle=lifecycle)

    assert words(picture(badges.path_of(service.slug)).content) == [said, "never judged"]


def test_those_who_do_not_see_it_are_told_all_of_it() -> None:
    root = ET.fromstring(picture(badges.path_of(judged().slug)).content)

    assert root.get("role") == "img"
    told = "pay: developer-managed, score 84–93, handoff: ready (as of 2026-07-01 00:00 UTC)"
    assert root.get("aria-label") == told
    assert root[0].text == told


@pytest.mark.parametrize("signature", ["", "x", None, "wrong:signature"])
def test_a_wrong_signature_is_answered_like_an_unknown_service(signature: str | None) -> None:
    path = reverse("service-badge", args=[judged().slug])
    query = {} if signature is None else {"signature": signature}
    wrong = Client().get(path, query)
    unknown = picture(badges.path_of("nothing"))
    stranger = Client().get(path, {"signature": badges.signature("another")})

    answers = [problem(each) for each in (wrong, unknown, stranger)]
    assert [each["status"] for each in answers] == [404] * 3
    assert len({each["detail"] for each in answers}) == 1


def test_the_signature_of_a_longer_name_opens_no_shorter_one() -> None:
    service = judged()
    of_another = badges.signature(f"{service.slug}:eu")

    path = reverse("service-badge", args=[service.slug])
    assert Client().get(path, {"signature": f"eu:{of_another}"}).status_code == 404


def test_an_address_is_void_once_the_key_changes_and_lasts_while_the_old_one_is_believed(
    settings: Any,
) -> None:
    path = badges.path_of(judged().slug)
    old = settings.SECRET_KEY

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [old]
    assert picture(path).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert picture(path).status_code == 404


def test_it_may_be_kept_for_five_minutes_and_is_not_sent_twice() -> None:
    path = badges.path_of(judged().slug)
    first = picture(path)
    again = picture(path, if_none_match=first["ETag"])

    assert first["Cache-Control"] == "public, max-age=300"
    assert "Cookie" not in first.get("Vary", "")
    assert (again.status_code, again.content) == (304, b"")
    assert (again["ETag"], again["Cache-Control"]) == (first["ETag"], first["Cache-Control"])
    assert picture(path, if_none_match='"other"').status_code == 200


def test_a_new_judgement_and_one_that_grows_old_are_new_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    path = badges.path_of(judged().slug)
    first = picture(path)["ETag"]
    CurrentScore.objects.update(verdict="not_ready")
    second = picture(path, if_none_match=first)
    monkeypatch.setattr(clock, "now", lambda: NOW + dt.timedelta(hours=49))
    third = picture(path, if_none_match=second["ETag"])

    assert [second.status_code, third.status_code] == [200, 200]
    assert words(third.content)[-1] == "stale"


def test_it_loads_and_runs_nothing() -> None:
    answer = picture(badges.path_of(judged().slug))
    svg = answer.content.decode()

    assert answer["Content-Security-Policy"] == "default-src 'none'"
    assert svg.count("http") == 1  # the name space
    assert not any(word in svg for word in ("style", "script", "href", "onload", "url("))


def test_it_takes_one_query(django_assert_num_queries: Any) -> None:
    path = badges.path_of(judged().slug)
    with django_assert_num_queries(1):
        picture(path)


@given(
    st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), max_size=30)
)
def test_whatever_words_there_are_it_stays_a_picture_of_words(text: str) -> None:
    svg = badges.Badge(text, "1", "<b onload='x'>&", "#fff", text).svg

    assert words(svg.encode())[-2:] == ["1", "<b onload='x'>&"]
    root = ET.fromstring(svg)
    assert root.get("aria-label") == text
    assert not any(each.tag.rpartition("}")[2] == "b" for each in root.iter())


def test_the_words_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    svg = ET.fromstring(picture(badges.path_of(judged().slug)).content)
    boxes = [(int(each.get("x", 0)), int(each.get("width", 0))) for each in svg if each.tag.endswith("rect")]
    texts = [(int(each.get("x", 0)), int(each.get("textLength", 0))) for each in svg[-1]]

    assert sum(width for _, width in boxes) == int(svg.get("width", 0))
    for (left, width), (start, length) in zip(boxes, texts, strict=True):
        assert left < start
        assert start + length < left + width


def test_rest_gives_the_address_to_those_who_may_view_the_service() -> None:
    service = judged()
    url = Asker("view_service").get(f"services/{service.slug}/")["badge_url"]

    assert url == f"http://testserver{badges.path_of(service.slug)}"
    assert picture(url.removeprefix("http://testserver")).status_code == 200


def test_a_services_page_has_the_picture_and_the_line_to_copy() -> None:
    service = ServiceFactory.create(slug="pay")
    page = Visitor().get(page_of(service))

    assert f'<img src="{badges.path_of(service.slug)}"' in page
    line = f"[![readiness](http://testserver{badges.path_of(service.slug)})](http://testserver{page_of(service)})"
    assert line in page
