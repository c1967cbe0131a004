"""Makes and revokes machine tokens. The text of one is known once, to whoever made it; a digest is kept."""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from readiness import clock
from readiness.models import MachineToken

USED_AT_MOST = timedelta(minutes=1)
"""A token's last use is noted so often and no more: many posts must not all write one row."""


class Issued(NamedTuple):
    """A new token, and its text, which nothing brings back."""

    token: MachineToken
    text: str


def issue(
    name: str,
    *,
    source: str,
    kinds: Iterable[str],
    services: Iterable[str],
    created_by: str,
    lasts: timedelta | None,
) -> Issued:
    """Make a token with a log-in of its own, which nobody logs in with. ``lasts``: for ever when ``None``.

    Raises ``IntegrityError`` when there is a token of this name.
    """
    with transaction.atomic():
        user = User.objects.create_user(f"machine:{name}"[:150])
        token, text = MachineToken.objects.create(
            user,
            expiry=lasts,
            name=name,
            source=source,
            kinds=sorted(set(kinds)),
            services=sorted(set(services)),
            created_by=created_by,
        )
    return Issued(token, text)


def revoke(token: MachineToken) -> bool:
    """End a token now, unless it ended before; whether it did. Its row stays: it says who could write."""
    now = clock.real_now()
    still = MachineToken.objects.filter(Q(expiry__isnull=True) | Q(expiry__gt=now), pk=token.pk)
    return bool(still.update(expiry=now, revoked=True))


def note_use(token: MachineToken) -> None:
    """Remember that a token was used just now."""
    now = clock.real_now()
    if token.last_used_at is None or token.last_used_at < now - USED_AT_MOST:
        long_ago = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USED_AT_MOST)
        MachineToken.objects.filter(long_ago, pk=token.pk).update(last_used_at=now)
