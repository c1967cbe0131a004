"""Evaluates the fleet, or some services: now, as of a moment, or as of many."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from readiness import clock, evaluation
from readiness.criteria.wording import counted
from readiness.management.base import AnsweringCommand
from readiness.management.moments import moment, span
from readiness.management.progress import progress
from readiness.models import Evaluation, Scorecard, Service
from readiness.models.scorecard import Kind
from readiness.reading import rendered_many

ALL_JUDGED, SOME_BROKE = 0, 1


class Command(AnsweringCommand):
    """`evaluate [--at T] [--from T --to T --every 7d] [--service SLUG …] [--format text|json]`."""

    help = (
        "Judge every service under the policy in force. Without --at or --from it is a live evaluation as of "
        "now; of a past moment it is a replay. Judging the same moment again from the same facts writes "
        "nothing. Exit status: 0 all judged, 1 some service could not be, 3 or more: could not run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which moments, which services."""
        parser.add_argument("--at", type=moment, metavar="T", help="judge as of this past moment")
        parser.add_argument("--from", dest="first", type=moment, metavar="T", help="first moment of a replay")
        parser.add_argument("--to", dest="last", type=moment, metavar="T", help="last moment (default: now)")
        parser.add_argument("--every", type=span, metavar="SPAN", help="12h, 7d or 2w between moments")
        parser.add_argument("--service", action="append", metavar="SLUG", help="slug or alias; repeatable")
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def answer(self, **options: Any) -> int:
        """Evaluate; 0 all judged, 1 some service broke."""
        kind, moments = _moments(options)
        ids = _services(options["service"]) if options["service"] else None
        broken = 0
        services = Service.objects.count() if ids is None else len(ids)
        with progress("judging", len(moments) * services) as bar:
            for at in moments:
                run = evaluation.request(at, ids, "command line", kind=kind)
                run = evaluation.run(run, advanced=lambda done: bar.advance(bar.task_ids[0], done))
                broken += run.failed
                self._report(run, as_json=options["format"] == "json")
        return SOME_BROKE if broken else ALL_JUDGED

    def _report(self, run: Evaluation, *, as_json: bool) -> None:
        for error in run.errors:
            self.stderr.write(f"{error['service']}: {error['error']}")
        if as_json:
            for card in rendered_many(_answers(run).iterator(chunk_size=500), explain=False):
                self.stdout.write(json.dumps(card))
            return
        self.stdout.write(
            f"{run.at:%Y-%m-%d %H:%M} {run.kind}, {run.policy}: {counted(run.services, 'service')}, "
            f"{counted(run.written, 'scorecard')} written, {run.unchanged} unchanged, {run.failed} failed"
        )


def _moments(options: dict[str, Any]) -> tuple[str, list[datetime]]:
    """Live or replay, and as of when. Raises ``CommandError`` when the options do not go together."""
    at, first, last, every = options["at"], options["first"], options["last"], options["every"]
    if first is None:
        if last or every:
            raise CommandError("--to and --every go with --from")
        return (Kind.REPLAY, [at]) if at else (Kind.LIVE, [clock.now()])
    if at or every is None:
        raise CommandError("--from goes with --every, and not with --at")
    return Kind.REPLAY, list(_steps(first, last or clock.now(), every))


def _steps(first: datetime, last: datetime, every: Any) -> Iterator[datetime]:
    if last < first:
        raise CommandError("--to is before --from")
    at = first
    while at <= last:
        yield at
        at += every


def _services(names: list[str]) -> list[int]:
    found = {name: Service.objects.named(name).first() for name in names}
    unknown = [name for name, service in found.items() if service is None]
    if unknown:
        raise CommandError(f"no service or alias is called {', '.join(unknown)}")
    return sorted({service.pk for service in found.values() if service})


def _answers(run: Evaluation) -> "QuerySet[Scorecard]":
    """The newest revision of each service at the run's moment: what it wrote, or found unchanged."""
    ids = [pk for batch in run.batches.values_list("service_ids", flat=True) for pk in batch]
    cards = Scorecard.objects.filter(service_id__in=ids, policy=run.policy_id, at=run.at, kind=run.kind)
    newest = dict(cards.order_by("revision").values_list("service_id", "pk"))
    return (
        Scorecard.objects.filter(pk__in=newest.values())
        .select_related("service", "policy", "evaluation")
        .order_by("service__slug")
    )
