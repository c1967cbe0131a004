"""Two who change the rules at once: one wins, the other is told. PostgreSQL, with a connection for each."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from readiness import evaluation, governing
from readiness.models import PolicyActivation, PolicyVersion
from readiness.policy import PolicyError
from tests.judging import DEFAULT

pytestmark = pytest.mark.django_db(transaction=True)

WAIT = 20


@pytest.fixture(autouse=True)
def several_connections() -> None:
    """On a database that lets several write."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite in memory is one connection's")
    evaluation.in_force()


def text(overall: int) -> str:
    """A policy that asks for this much."""
    return DEFAULT.replace("overall: 80\n", f"overall: {overall}\n")


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do each in a thread of its own; what they return, or why they were refused."""

    def closing(act: Callable[[], Any]) -> Any:
        try:
            return act()
        except (governing.ActivationError, PolicyError) as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [each.result(WAIT) for each in [threads.submit(closing, act) for act in acts]]


def meet(monkeypatch: pytest.MonkeyPatch, name: str, parties: int = 2) -> None:
    """Whoever comes to a function of ``governing`` for the first time waits before it for the others."""
    barrier = threading.Barrier(parties)
    met = threading.local()
    act = getattr(governing, name)

    def waiting(*arguments: Any) -> Any:
        if not getattr(met, "already", False):
            met.already = True
            barrier.wait(WAIT)
        return act(*arguments)

    monkeypatch.setattr(governing, name, waiting)


def test_of_two_who_activate_different_drafts_one_wins_and_the_other_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drafts = [governing.apply_text(text(each), author="1 ada", note="") for each in (70, 90)]
    meet(monkeypatch, "_swap")
    ended = at_once(
        *[lambda draft=draft: governing.activate(draft, actor="2 grace", reason="Now.") for draft in drafts]
    )

    (refused,) = [each for each in ended if isinstance(each, governing.ActivationError)]
    winner = PolicyVersion.objects.get(in_force=True)
    assert f"Somebody put {winner} in force meanwhile, in place of default v1" in str(refused)
    assert PolicyActivation.objects.filter(policy__in=drafts).get().policy == winner


def test_of_two_who_activate_the_same_draft_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    draft = governing.apply_text(text(90), author="1 ada", note="")
    meet(monkeypatch, "_swap")
    again = PolicyVersion.objects.get(pk=draft.pk)
    ended = at_once(
        *[
            lambda each=each: governing.activate(each, actor="2 grace", reason="Now.")
            for each in (draft, again)
        ]
    )

    assert sum(isinstance(each, governing.ActivationError) for each in ended) == 1
    assert PolicyActivation.objects.filter(policy=draft).count() == 1


def test_two_who_store_different_texts_at_once_get_different_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    meet(monkeypatch, "_next_number")
    ended = at_once(
        *[lambda each=each: governing.apply_text(text(each), author="1 ada", note="") for each in (70, 90)]
    )

    assert sorted(str(each) for each in ended) == ["default v2", "default v3"]


def test_of_two_who_store_the_same_text_at_once_one_is_told_which_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meet(monkeypatch, "_next_number")
    ended = at_once(*[lambda: governing.apply_text(text(90), author="1 ada", note="")] * 2)

    assert sorted(str(each) for each in ended) == [
        "default v2",
        "default v2 says the same already: nothing to store",
    ]
