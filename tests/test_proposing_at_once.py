"""Two sweeps over the same scorecards at once: one proposes, the other passes by. PostgreSQL."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from handoff import actions, proposals
from handoff.models import Case
from readiness import evaluation
from tests.handing_back import DAY, Place

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = 60


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """On a database that lets several write; ``pay`` was looked at, and is urgent since."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite in memory is one connection's")
    evaluation.in_force()
    made = Place(monkeypatch)
    proposals.propose_moves()
    made.pass_time(DAY)
    made.judge("urgent")
    return made


def test_the_second_does_not_wait_for_the_first_and_proposes_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, done, propose = threading.Event(), threading.Event(), actions.propose_handback

    def waits(*told: Any, **named: Any) -> Case:
        inside.set()
        assert done.wait(WAIT)
        return propose(*told, **named)

    monkeypatch.setattr(actions, "propose_handback", waits)

    def sweep() -> int:
        try:
            return len(proposals.propose_moves().made)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(sweep)
        assert inside.wait(WAIT)
        second = proposals.propose_moves()  # while the first is in the middle of its batch
        done.set()
        assert (first.result(WAIT), second.made, second.looked) == (1, [], 0)
    assert Case.objects.get().proposer == "rule: urgent v1"
    assert proposals.propose_moves().looked == 0
