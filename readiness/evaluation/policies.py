"""The policy in force, and policies as parsed objects."""

import hashlib
from functools import lru_cache
from pathlib import Path

from django.db import transaction

from readiness import clock
from readiness.models import PolicyVersion
from readiness.policy import Policy, load_policy

DEFAULT = Path(__file__).resolve().parent.parent / "policies" / "default.yaml"

DELIVERED = "delivered with the product"


def in_force() -> PolicyVersion:
    """The version that live evaluations judge under; the default policy where none was ever stored."""
    found = PolicyVersion.objects.filter(in_force=True).first()
    return found or _store_default()


def _store_default() -> PolicyVersion:
    text = DEFAULT.read_text(encoding="utf-8")
    policy = load_policy(text)
    with transaction.atomic():
        version, created = PolicyVersion.objects.get_or_create(
            name=policy.name,
            version=1,
            defaults={
                "text": text,
                "digest": hashlib.sha256(policy.canonical().encode()).hexdigest(),
                "created_at": clock.real_now(),
                "author": DELIVERED,
                "in_force": True,
            },
        )
        if created:
            version.activations.create(
                at=clock.now(), actor=DELIVERED, reason="the first policy of a new site"
            )
    return version


def parsed(version: PolicyVersion) -> Policy:
    """The rubric of a version; a version never changes, so it is read once a process."""
    return _parsed(version.text)


@lru_cache(maxsize=16)
def _parsed(text: str) -> Policy:
    return load_policy(text)
