"""The moments that `policy simulate` and `policy backtest` take: --from, --to, --every."""

from argparse import ArgumentParser

from readiness.management.moments import moment, span
from readiness.management.naming import service_named


def add_moments(parser: ArgumentParser) -> None:
    """The three options."""
    parser.add_argument("--from", dest="first", type=moment, metavar="T", help="the first moment")
    parser.add_argument("--to", dest="last", type=moment, metavar="T", help="the last moment (default: now)")
    parser.add_argument("--every", type=span, metavar="SPAN", help="7d or 2w between moments")


def add_services(parser: ArgumentParser) -> None:
    """Which services, and the format."""
    parser.add_argument("--service", action="append", metavar="SLUG", help="slug or alias; repeatable")
    parser.add_argument("--format", choices=["table", "json"], default="table")


def service_ids(names: list[str] | None) -> list[int] | None:
    """The services that were named, or ``None`` for all. Raises ``CommandError``."""
    return sorted({service_named(name).pk for name in names}) if names else None
