"""Changes the rules: stores drafts, and puts a version in force as a second person, on record."""

import hashlib
import re

from django.conf import settings
from django.db import IntegrityError, transaction

from readiness import clock, evaluation
from readiness.models import Evaluation, PolicyVersion
from readiness.policy import Policy, PolicyError, load_policy

ATTEMPTS = 5
_PERSON = re.compile(r"(?P<id>[0-9]+) (?P<name>.+)")


class ActivationError(ValueError):
    """A version that is not put in force, and why."""


def apply_text(text: str, *, author: str, note: str) -> PolicyVersion:
    """Store a policy as a draft: the next version of its name.

    ``author`` is "id name" of somebody with a log-in, else a name. Raises :class:`PolicyError` when the text
    is none, says what a stored version says already, or when nobody is named.
    """
    if not author.strip():
        raise PolicyError("say who made it: somebody else puts it in force")
    policy = load_policy(text)
    digest = _digest(policy)
    evaluation.in_force()  # the delivered policy is the first there is: no draft takes its number
    for _ in range(ATTEMPTS):
        _refuse_known(policy.name, digest)
        try:
            with transaction.atomic():
                return PolicyVersion.objects.create(
                    name=policy.name,
                    version=_next_number(policy.name),
                    text=text,
                    digest=digest,
                    created_at=clock.real_now(),
                    author=author,
                    note=note,
                )
        except IntegrityError:  # somebody stored the same, or took the number, meanwhile: look again
            continue
    raise RuntimeError(f"others took the next number of {policy.name} each time this one looked")


def _digest(policy: Policy) -> str:
    return hashlib.sha256(policy.canonical().encode()).hexdigest()


def _refuse_known(name: str, digest: str) -> None:
    known = PolicyVersion.objects.filter(name=name, digest=digest).defer("text").first()
    if known is not None:
        raise PolicyError(f"{known} says the same already: nothing to store")


def _next_number(name: str) -> int:
    newest = PolicyVersion.objects.filter(name=name).order_by("-version").values_list("version", flat=True)
    return (newest.first() or 0) + 1


def obstacle(version: PolicyVersion, actor: str) -> str:
    """Why this person cannot put this version in force, in a sentence; empty when they can."""
    if version.in_force:
        return f"{version} is in force already."
    if settings.POLICY_NEEDS_TWO_PEOPLE and _same_person(version.author, actor):
        return f"{version} is yours: somebody other than its author puts it in force."
    return ""


def activate(
    version: PolicyVersion, *, actor: str, reason: str, instead_of: PolicyVersion | None = None
) -> Evaluation:
    """Put a version in force, a new one or an older one again, and ask for an evaluation of the fleet.

    ``actor`` is "id name" of somebody with a log-in, else a name. ``instead_of`` is the version that the
    person saw in force. Old scorecards stay as they are. The caller nudges the evaluation that is returned.
    Raises :class:`ActivationError`, also when somebody else changed the policy in force meanwhile.
    """
    if not actor.strip():
        raise ActivationError("Say who puts it in force: the name is kept.")
    if not reason.strip():
        raise ActivationError("Say why: the reason is kept.")
    replaced = instead_of or evaluation.in_force()
    refused = obstacle(version, actor) or unreadable(version)
    if refused:
        raise ActivationError(refused)
    with transaction.atomic():
        _swap(replaced, version)
        version.activations.create(at=clock.now(), actor=actor, reason=reason.strip())
        return evaluation.request(clock.now(), requested_by=f"{version} activated", policy=version)


def unreadable(version: PolicyVersion) -> str:
    """Why this release cannot use a version that another one stored, in a sentence; empty when it can."""
    try:
        evaluation.parsed(version)
    except PolicyError as error:
        return f"{version} cannot judge any more: {error}. Another release stored it."
    return ""


def _swap(replaced: PolicyVersion, version: PolicyVersion) -> None:
    """Guarded: of two who replace the same version, the second finds it replaced."""
    taken = PolicyVersion.objects.filter(pk=replaced.pk, in_force=True).update(in_force=False)
    if not taken:
        now = evaluation.in_force()
        raise ActivationError(
            f"Somebody put {now} in force meanwhile, in place of {replaced}. Look at the changes again."
        )
    PolicyVersion.objects.filter(pk=version.pk).update(in_force=True)
    version.in_force = True


def _same_person(author: str, actor: str) -> bool:
    """Whether two are one person: by id where both have one, else by name."""
    first, second = _PERSON.fullmatch(author), _PERSON.fullmatch(actor)
    if first and second:
        return first["id"] == second["id"]
    return _name(author) == _name(actor)


def _name(person: str) -> str:
    found = _PERSON.fullmatch(person)
    return " ".join((found["name"] if found else person).casefold().split())
