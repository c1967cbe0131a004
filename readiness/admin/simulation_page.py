"""What a simulation or a backtest found, made ready for its page."""

from collections.abc import Iterable
from typing import Any

from readiness.foretelling import CONSEQUENCES, OVERALL
from readiness.foretelling.telling import signed as with_sign
from readiness.models import Simulation
from readiness.simulation.backtesting import titles
from readiness.simulation.telling import because, day, moves, responsible, signed, summary

_OF = {each.slug: each for each in CONSEQUENCES}


def found(row: Simulation) -> dict[str, Any]:
    """The context of the part that shows results; empty while there are none."""
    if row.kind == Simulation.Kind.BACKTEST:
        return _backtest(row.result) if "words" in row.result else {}
    return _simulation(row.result) if row.result else {}


def _simulation(result: dict[str, Any]) -> dict[str, Any]:
    last = result["last"] or {"rows": [], "more": 0}
    ever = sorted(result["ever"].values(), key=lambda row: (row["at"], row["service"]))
    return {
        "words": summary(result),
        "responsible": responsible(result),
        "moments": [
            {**each, "day": day(each["at"]), "by": signed(each["score"]["mean"]) if each["score"] else "–"}
            for each in result["moments"]
        ],
        "last_day": day(last["at"]) if "at" in last else "",
        "rows": _rows(last["rows"], result["changes"]),
        "more": last["more"],
        "not_looked_into": any(each["because"] is None for each in last["rows"]),
        "explained": result["limits"]["explained"],
        "ever": _rows(ever, result["changes"]),
    }


def _rows(rows: Iterable[dict[str, Any]], changes: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "service": row["service"],
            "first": day(row["at"]) if "at" in row else "",
            "moves": moves(row),
            "because": because(row, changes),
        }
        for row in rows
    ]


def _backtest(result: dict[str, Any]) -> dict[str, Any]:
    known = titles()
    return {
        "words": result["words"],
        "judged": f"{result['services']} services, {result['observations']} judgements as of "
        f"{len(result['moments'])} moments, each beside the {result['horizon_days']:g} days after it.",
        "rates": [
            {
                **each,
                "after": f"{each['of']}: {each['verdict'].replace('_', ' ')}",
                "what": _OF[each["consequence"]].title,
                "told": f"{each['rate']:.3f} per {_OF[each['consequence']].unit}",
            }
            for each in result["rates"]
            if each["rate"] is not None
        ],
        "relations": [
            {
                **each,
                "title": "Overall score"
                if each["score"] == OVERALL
                else known.get(each["score"], each["score"]),
                "what": _OF[each["consequence"]].title,
                "told": with_sign(each["correlation"]),
                "interval": f"{with_sign(each['low'])} to {with_sign(each['high'])}",
            }
            for each in result["relations"]
            if each["correlation"] is not None
        ],
    }
