"""Policies that differ from the default one in what a test says."""

from collections.abc import Callable
from typing import Any

import yaml

from readiness import evaluation
from readiness.models import PolicyVersion
from readiness.policy import Policy, load_policy
from tests.judging import DEFAULT


def text_with(change: Callable[[dict[str, Any]], None]) -> str:
    """The default policy's text after a change to its document."""
    document = yaml.safe_load(DEFAULT)
    change(document)
    return yaml.safe_dump(document, sort_keys=False)


def policy_with(change: Callable[[dict[str, Any]], None]) -> Policy:
    """The default policy after a change to its document."""
    return load_policy(text_with(change))


def stored(text: str, version: int = 2) -> PolicyVersion:
    """A draft, beside the default policy in force."""
    evaluation.in_force()
    kept: PolicyVersion = PolicyVersion.objects.create(
        name="default",
        version=version,
        text=text,
        digest=f"{version:064x}",
        created_at=evaluation.in_force().created_at,
    )
    return kept


# Changes that tests share ---------------------------------------------------------------------------


def easier_telemetry(document: dict[str, Any]) -> None:
    """A handoff asks for less telemetry."""
    document["criteria"]["telemetry"]["threshold"] = 60


def other_weights(document: dict[str, Any]) -> None:
    """Defects weigh more, telemetry less: either alone gives another score than both."""
    document["criteria"]["defects"]["weight"] = 30
    document["criteria"]["telemetry"]["weight"] = 10


def shorter_window(document: dict[str, Any]) -> None:
    """Another scope: facts must be measured again."""
    document["window_days"] = 60
    document["dependencies"]["stale_days"] = 3
    document["feeds"]["silence_days"] = 3


def stricter_deploys(document: dict[str, Any]) -> None:
    """An open incident of severity 3 stands against a deployment."""
    document["deploy"]["incident_severity"] = 3
