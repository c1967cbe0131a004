"""How numbers stand in a sentence: criteria put their reasons and next steps into words with these."""

from collections.abc import Mapping

from readiness.criteria.outcome import Shown, Value


def number(value: Shown) -> str:
    """At most two decimals, and none that say nothing: 7, 3.5, 0.06."""
    if value is None:
        return "unknown"
    if isinstance(value, (bool, str)):
        return str(value)
    text = f"{value:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: Shown) -> str:
    """A share of 0 to 1 as a percentage: 33 %, 2.5 %."""
    if share is None or isinstance(share, str):
        return "unknown"
    text = f"{share * 100:.1f}"
    return f"{text.removesuffix('.0')} %"


def counted(value: Shown, singular: str, plural: str | None = None) -> str:
    """A number with its noun: ``1 page``, ``7 pages``."""
    return f"{number(value)} {singular if value == 1 else plural or singular + 's'}"


def sentence(*clauses: str | None) -> str:
    """The clauses there are, as one sentence."""
    text = ", ".join(clause for clause in clauses if clause)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def tally(counts: Mapping[str, int], *, most: int) -> str:
    """Counts by name as one short text, the greatest first: ``developer 3, ops 1``."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    listed = [f"{name} {count}" for name, count in ordered[:most]]
    if len(ordered) > most:
        listed.append(f"and {len(ordered) - most} more")
    return ", ".join(listed)


def change(part: str, from_: Value, to: Value, *, share: bool = False) -> str:
    """The usual next step: ``bring open defect load from 14 to 7``."""
    verb = "raise" if (to or 0) > (from_ or 0) else "bring"
    render = percent if share else number
    return f"{verb} {part} from {render(from_)} to {render(to)}"
