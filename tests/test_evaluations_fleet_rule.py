"""The rule behind the rules, on whole fleets: a feed that goes with its rows makes no verdict the best."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readiness.evaluation import in_force, parsed
from readiness.evaluation.judging import judge_services, scope_of
from readiness.evidence import Kind
from readiness.ingest.tables import TABLES
from readiness.measures.graph import cycles
from readiness.models import Feed, Service
from tests.factories import NOW
from tests.worked_fleet import expected

pytestmark = pytest.mark.django_db

BEST = ("ready", "holds")
# A service that never had a page feed is judged by its incidents: the one exception that SCORING.md states.
TAKEN_AWAY = tuple(kind for kind in TABLES if kind not in (Kind.PAGE, Kind.FEED))
STANDING = sorted(
    slug for slug, wanted in expected()["services"].items() if wanted["handoff"] or wanted["handback"]
)
"""Services of the worked fleet that have one of the two verdicts."""


@contextmanager
def for_a_while() -> Iterator[None]:
    """What is done inside is undone at the end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def verdict_of(pk: int) -> str:
    """The handoff or handback verdict of a service at ``NOW``, with the cycles of the fleet as it stands."""
    policy = parsed(in_force())
    scope = scope_of(policy, NOW, [pk])
    judged = judge_services(scope, policy, cycles(scope))
    assert judged.failures == ()
    verdict = judged.judgements[pk].handoff or judged.judgements[pk].handback
    assert verdict is not None
    return verdict.verdict


def take_away(pk: int, kind: Kind) -> None:
    """Delete a service's feeds of a kind, and its rows of that kind."""
    Feed.objects.filter(service=pk, kind=kind).delete()
    TABLES[kind].rows().filter(service=pk).delete()


@pytest.mark.usefixtures("worked_fleet_once")
def test_no_kind_of_evidence_taken_from_a_service_of_the_worked_fleet_makes_its_verdict_the_best() -> None:
    services = {slug: Service.objects.get(slug=slug).pk for slug in STANDING}
    for slug, pk in services.items():
        before = verdict_of(pk)
        for kind in TAKEN_AWAY if before not in BEST else ():
            with for_a_while():
                take_away(pk, kind)
                assert verdict_of(pk) not in BEST, f"{slug} without {kind} was {before}"


@pytest.mark.usefixtures("worked_fleet_once")
@given(slug=st.sampled_from(STANDING), kinds=st.permutations(TAKEN_AWAY))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_nor_do_several_kinds_one_after_another(slug: str, kinds: Sequence[Kind]) -> None:
    pk = Service.objects.get(slug=slug).pk
    with for_a_while():
        before = verdict_of(pk)
        for kind in kinds:
            take_away(pk, kind)
            after = verdict_of(pk)
            assert after not in BEST or before in BEST, f"without {kind} {before} became {after}"
            before = after


@pytest.mark.usefixtures("worked_fleet_once")
def test_among_the_services_tried_there_are_good_ones_and_bad_ones() -> None:
    verdicts = {verdict_of(Service.objects.get(slug=slug).pk) for slug in STANDING}
    assert verdicts >= {"ready", "not_ready", "cannot_tell", "holds", "below", "urgent"}
