"""Makes the log-ins of the demo; refused where DEBUG is off, for their password is in the manual."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from readiness.rights import DEVELOPER, OPS_ENGINEER, SRE_LEAD, VIEWER

OTHERS = {
    "second-lead": SRE_LEAD,  # who made a policy version does not activate it
    "ops-engineer": OPS_ENGINEER,
    "developer": DEVELOPER,
    "viewer": VIEWER,
}


class Command(BaseCommand):
    """`demo_login NAME PASSWORD [--others]`; repeated, it sets password and group anew."""

    help = "Make the log-in of an SRE lead, with a password that everybody knows."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name and password, and whether the other groups get log-ins, too."""
        parser.add_argument("name")
        parser.add_argument("password")
        parser.add_argument(
            "--others",
            action="store_true",
            help=f"Beside it, with the same password: {', '.join(OTHERS)}.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Creates the users, or gives those that a stopped start left what they should have."""
        if not settings.DEBUG:
            raise CommandError("demo_login is for demos: it needs DEBUG=true")
        others = OTHERS if options["others"] else {}
        for name, group in {options["name"]: SRE_LEAD, **others}.items():
            _log_in(name, options["password"], group=group)


def _log_in(name: str, password: str, *, group: str) -> None:
    user, _ = User.objects.get_or_create(username=name)
    user.is_staff, user.is_superuser = True, False
    user.set_password(password)
    user.save()
    user.groups.set([Group.objects.get(name=group)])
