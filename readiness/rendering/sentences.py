"""Puts the codes and numbers of a judgement into plain words: gaps, blockers, and the reasons of verdicts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from readiness.criteria import BY_SLUG
from readiness.criteria.wording import counted, number, percent
from readiness.facts import FeedStatus

Numbers = Mapping[str, Any]
NAMED_ROWS = 5

KINDS = {
    "deployment": "deployments",
    "incident": "incidents",
    "page": "pages",
    "defect": "defects",
    "signal": "signals",
    "dependency": "dependencies",
    "pipeline_run": "pipeline runs",
    "shift": "shifts",
    "observation": "observations",
    "work_item": "work items",
}


def plural(kind: str) -> str:
    """The word for several rows of a kind."""
    return KINDS.get(kind, kind)


def listed(words: Iterable[str], most: int = NAMED_ROWS) -> str:
    """``a``, ``a and b``, ``a, b and c``; from ``most`` on only how many more there are."""
    shown = list(words)
    if len(shown) > most:
        shown[most:] = [f"{len(shown) - most} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def gap_text(gap: Sequence[Any]) -> str:
    """Why a criterion has no score: ``[code, kind, numbers]``."""
    code, kind, numbers = gap
    return _GAPS[code](kind or "", numbers) if code in _GAPS else f"{code.replace('_', ' ')}"


def feed_text(kind: str, feed: Numbers | None) -> str:
    """What is wrong with the feed of a kind at T, from the document's ``feeds``."""
    if feed is None:
        return gap_text([FeedStatus.NO_FEED.value, kind, {}])
    return gap_text([feed["status"], kind, feed])


def _feed(kind: str) -> str:
    """What the feed of a kind is called: ``pipeline run feed``."""
    return f"{kind.replace('_', ' ')} feed"


def _silent(kind: str, numbers: Numbers) -> str:
    since = numbers.get("last_heard")
    return f"{_feed(kind)} silent since {since[:10]}" if since else f"{_feed(kind)} silent"


def _too_short(kind: str, numbers: Numbers) -> str:
    minimum = numbers.get("minimum_days")
    days = number(numbers.get("observed_days"))
    needed = f" of {number(minimum)}" if minimum is not None else ""
    return f"{_feed(kind)} too short, {days}{needed} observed days"


def _too_few(kind: str, numbers: Numbers) -> str:
    have, least = numbers.get("rows", 0), numbers.get("minimum", 1)
    if least == 1:
        return f"no {plural(kind)} in the window"
    return f"too few {plural(kind)}: {number(have)} of {number(least)} needed"


def _unattributed(_kind: str, numbers: Numbers) -> str:
    return (
        "too few incidents are attributed to what caused them: "
        f"{number(numbers.get('attributed'))} of {number(numbers.get('incidents'))}"
    )


def _not_launched(_kind: str, numbers: Numbers) -> str:
    launched_on = numbers.get("launched_on")
    return (
        f"not launched: it will be on {launched_on}"
        if launched_on
        else "not launched: no launch date is known"
    )


_GAPS: Mapping[str, Callable[[str, Numbers], str]] = {
    "no_feed": lambda kind, _: f"no {_feed(kind)}, nobody reports {plural(kind)}",
    "silent": _silent,
    "too_short": _too_short,
    "too_few": _too_few,
    "unattributed": _unattributed,
    "never_verified": lambda _kind, _: "no deployment has been verified",
    "not_launched": _not_launched,
    "no_parts": lambda _kind, _: "nothing that it measures has a value",
}


def blocker_text(code: str, rows: Sequence[str], numbers: Numbers) -> str:
    """A blocker in words; ``rows`` are ``kind/source:id``."""
    name, _, detail = code.partition(":")
    names = listed(row.partition("/")[2] for row in rows)
    said = (
        _BLOCKERS[name](names, {**numbers, "detail": detail}) if name in _BLOCKERS else code.replace("_", " ")
    )
    return said if name in _BLOCKERS or not names else f"{said}: {names}"


def _rate_blocker(_names: str, numbers: Numbers) -> str:
    if "failed" not in numbers:
        return "too many changes fail"
    share = percent(numbers["failed"] / numbers["changes"])
    return f"too many changes fail: {number(numbers['failed'])} of {number(numbers['changes'])} ({share})"


def _storm(_names: str, numbers: Numbers) -> str:
    events, begun = numbers.get("events"), numbers.get("from")
    if events is None or begun is None:
        return "too many events after hours within a few days"
    return f"{number(events)} events after hours within a few days from {begun[:10]}"


_BLOCKERS: Mapping[str, Callable[[str, Numbers], str]] = {
    "open_sev1_defect": lambda names, _: f"a defect of severity 1 is open: {names}",
    "open_severe_incident": lambda names, _: f"a severe incident is open: {names}",
    "unremediated_change": lambda names, _: f"a failed change is not mended: {names}",
    "change_fail_rate": _rate_blocker,
    "after_hours_storm": _storm,
    "missing_signal": lambda _, numbers: f"no live production signal of {numbers['detail']}",
    "pipeline_broken": lambda names, _: f"a pipeline is broken for too long: {names}",
}
BLOCKERS = tuple(_BLOCKERS)
"""The codes of all blockers; that of a missing signal is followed by a colon and which."""


def reason_text(reason: Sequence[Any], document: Mapping[str, Any]) -> str:
    """Why a verdict is what it is: ``[code, numbers]`` in plain words."""
    code, numbers = reason
    if code in _WITH_DOCUMENT:
        return _WITH_DOCUMENT[code](numbers, document)
    return _REASONS[code](numbers) if code in _REASONS else str(code).replace("_", " ")


def _insufficient(numbers: Numbers, document: Mapping[str, Any]) -> str:
    slug = numbers["criterion"]
    gaps = document["criteria"].get(slug, {}).get("gaps", [])
    why = "; ".join(gap_text(gap) for gap in gaps) or "the policy does without it"
    return f"{_title(slug)}: cannot be judged, {why}"


def _title(slug: str) -> str:
    """The criterion as people call it."""
    return BY_SLUG[slug].title if slug in BY_SLUG else slug


def _blocking(numbers: Numbers, document: Mapping[str, Any]) -> str:
    code = numbers["code"]
    for blocker in document["blockers"]:
        if blocker[0] == code:
            return blocker_text(code, blocker[3], blocker[4])
    return blocker_text(code, (), {})


def _feed_reason(numbers: Numbers, document: Mapping[str, Any]) -> str:
    return feed_text(numbers["kind"], document["feeds"].get(numbers["kind"]))


def _rate(numbers: Numbers, span: str) -> str:
    failed, changes = numbers["failed"], numbers["changes"]
    return (
        f"{number(failed)} of {counted(changes, 'change')} {span} failed "
        f"({percent(failed / changes)}), above {percent(numbers['above'])}"
    )


_WITH_DOCUMENT: Mapping[str, Callable[[Numbers, Mapping[str, Any]], str]] = {
    "insufficient": _insufficient,
    "blocker": _blocking,
    "unheard": _feed_reason,
    "not_observed": _feed_reason,
}

_REASONS: Mapping[str, Callable[[Numbers], str]] = {
    "below_threshold": lambda n: (
        f"{_title(n['criterion'])}: {number(n['score'])}, below its threshold of {number(n['threshold'])}"
    ),
    "possible_below": lambda n: (
        f"the overall would be {number(n['possible'])} at best, below the {number(n['threshold'])} asked for"
    ),
    "overall_below": lambda n: (
        f"the overall is {number(n['score'])} as far as known, below the {number(n['threshold'])} asked for"
    ),
    "nothing_left": lambda _: "every weighted criterion is waived: nothing is left to judge",
    "all_met": lambda n: f"every gate is met, and the overall is {number(n['score'])}",
    "launch_below": lambda n: (
        f"telemetry scores {number(n['score'])} before launch, below the {number(n['threshold'])} asked for"
    ),
    "launch_met": lambda n: f"telemetry scores {number(n['score'])} before launch; the rest is attested",
    "pipeline_broken": lambda n: (
        f"the pipeline {n['source']}:{n['pipeline']} is broken since {n['since'][:10]}"
    ),
    "unmended": lambda n: f"the failed change {n['row']} is not mended",
    "open_incident": lambda n: f"the incident {n['row']} of severity {n['severity']} is open",
    "nothing_stands": lambda _: "no known fact stands against a deployment",
    "urgent_incidents": lambda n: (
        f"{counted(len(n['rows']), 'incident')} of severity {n['severity']} or worse, caused by "
        f"{' or '.join(n['causes'])}, since {n['since'][:10]}: {listed(n['rows'])}"
    ),
    "urgent_defects": lambda n: (
        "a defect of design or code of severity 1 was found in production "
        f"since {n['since'][:10]}: {listed(n['rows'])}"
    ),
    "recent_fail_rate": lambda n: _rate(n, f"since {n['since'][:10]}"),
    "fail_rate": lambda n: _rate(n, "of the window"),
    "holds": lambda n: f"what is watched stays at {number(n['threshold'])} or above",
}
