"""Says in words what a simulation found, the same on a terminal and on a page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from readiness.criteria.wording import counted, number
from readiness.simulation.reasons import ALONE, TOGETHER

Row = Mapping[str, Any]

_SUBJECTS = {"verdict": "verdict", "deploy": "deploy verdict", "level": "level", "score": "score"}


def summary(result: Mapping[str, Any]) -> list[str]:
    """What differs between the policies, and what that does to how many services."""
    if not result["changes"]:
        return ["The two policies say the same: nothing can change."]
    told = [f"The candidate has {counted(len(result['changes']), 'change')}."]
    if not result["moments"]:
        return told
    told.append(_of_moment(result["moments"][-1]))
    if len(result["moments"]) > 1:
        told.append(_over_time(result))
    failed = sorted({slug for each in result["moments"] for slug in each["failed"]})
    if failed:
        told.append(f"Could not be judged, and not compared: {', '.join(failed)}.")
    return told


def _of_moment(moment: Mapping[str, Any]) -> str:
    changed = moment["changed"]
    counts = [
        f"{number(changed[name])} the {subject}" for name, subject in _SUBJECTS.items() if changed[name]
    ]
    of = f"As of {day(moment['at'])}, of {counted(moment['services'], 'service')}"
    if not counts:
        return f"{of} none would be judged otherwise."
    score = moment["score"]
    moved = (
        f" Where the score changes, it goes by {signed(score['mean'])} on average"
        f" ({signed(score['least'])} to {signed(score['most'])})."
        if score
        else ""
    )
    return f"{of} so many would change: {', '.join(counts)}.{moved}"


def _over_time(result: Mapping[str, Any]) -> str:
    moments = result["moments"]
    span = f"Over {counted(len(moments), 'moment')} from {day(moments[0]['at'])} to {day(moments[-1]['at'])}"
    ever = len(result["ever"])
    return f"{span}, {counted(ever, 'service')} would have had another verdict at least once."


def responsible(result: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Each change with how many services it moves by itself, and how many only with others.

    Counted over the services that were looked into: those that change at the last moment, and those whose
    verdict changed at any. A change that does nothing is listed with zeros.
    """
    rows = list(result["ever"].values())
    known = {row["service"] for row in rows}
    rows += [row for row in (result["last"] or {"rows": []})["rows"] if row["service"] not in known]
    alone: Counter[int] = Counter()
    others: Counter[int] = Counter()
    for row in rows:
        if row["because"]:
            (alone if row["because"]["how"] == ALONE else others).update(row["because"]["changes"])
    return [(text, alone[index], others[index]) for index, text in enumerate(result["changes"])]


def moves(row: Row) -> list[str]:
    """What changes of a service: ``handoff: not ready → ready``, ``level: none → bronze``."""
    old, new = row["from"], row["to"]
    told = []
    if old["verdict"] != new["verdict"]:
        told.append(f"{new['of'] or old['of']}: {_words(old['verdict'])} → {_words(new['verdict'])}")
    if old["deploy"] != new["deploy"]:
        told.append(f"deploy: {_words(old['deploy'])} → {_words(new['deploy'])}")
    if old["level"] != new["level"]:
        told.append(f"level: {old['level']} → {new['level']}")
    if old["score"] != new["score"]:
        by = signed(round(new["score"] - old["score"], 2))
        told.append(f"score: {number(old['score'])} → {number(new['score'])} ({by})")
    return told


def because(row: Row, changes: Sequence[str]) -> str:
    """Which part of the rule did it, in words."""
    found = row["because"]
    if found is None:
        return "not looked into"
    names = [changes[each] for each in found["changes"]]
    about = f"the {_SUBJECTS[found['aspect']]}"
    if found["how"] == ALONE:
        return names[0] if len(names) == 1 else f"each alone changes {about} so: {'; '.join(names)}"
    if found["how"] == TOGETHER:
        return f"together: {'; '.join(names)}"
    return f"several of: {'; '.join(names)}"


def day(at: str) -> str:
    """A moment of a result as people read it."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M}"


def signed(value: float) -> str:
    """With its sign: ``+3.5``, ``−2``."""
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{number(abs(value))}"


def _words(verdict: str | None) -> str:
    return "none" if verdict is None else verdict.replace("_", " ")
