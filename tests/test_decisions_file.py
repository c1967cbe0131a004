"""`decisions.jsonl`: what was decided is applied by the same actions, each at its own moment, once."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from handoff import actions
from handoff.actions.review_filling import CHECKLIST
from handoff.decisions import Decision, applying, read_decision
from handoff.decisions.naming import MANY, ONE
from handoff.decisions.records import RECORDS
from handoff.decisions.verbs import VERBS
from handoff.management.commands.import_fleet import Command
from handoff.models import AppliedDecision, Case, Message, Review, SignOff, Transition
from readiness import clock, evaluation
from readiness.evidence import Rejection, SignalName
from readiness.models import Evaluation, Identity, ManagementChange, Rejudgement, Scorecard, Service, Waiver
from readiness.models.scorecard import Kind
from tests.factories import NOW

CATALOGUE = """
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: payments}
spec: {type: team, children: []}
---
kind: Group
metadata: {name: sre}
spec: {type: team, children: []}
---
kind: Component
metadata:
  name: pay
  description: Takes the money.
  annotations: {handoff/ops-team: sre}
  links:
    - {url: "https://git.example.org/pay", type: source}
    - {url: "https://docs.example.org/pay", type: documentation}
spec: {type: service, lifecycle: experimental, owner: payments}
---
kind: Component
metadata:
  name: ship
  annotations:
    handoff/ops-team: sre
    handoff/management-state: ops_managed
    handoff/launched-on: "2025-01-01"
spec: {type: service, lifecycle: production, owner: payments}
"""
PEOPLE = (
    ("Anna Berger", "developer", "payments", "anna"),
    ("Cem Aydin", "developer", "payments", None),
    ("Orla Byrne", "ops", "sre", None),
    ("Niamh Farrell", "manager", "sre", None),
)
HEARD = ("signal", "defect", "incident", "deployment")
SPAN = {"since": "2025-01-01T00:00:00Z", "last_seen_at": "2026-06-30T23:00:00Z"}
ATTESTED = [
    item.slug
    for _, item in CHECKLIST.items("launch", 3)
    if item.attested is not None and not item.per_dependency
]


def line(at: str, actor: str, action: str, service: str, **said: Any) -> dict[str, Any]:
    """A line of the file."""
    moment = f"{at}T10:00:00Z" if len(at) == len("2026-01-31") else at
    return {"at": moment, "actor": actor, "action": action, "service": service, **said}


LAUNCH = [
    line("2026-03-01", "Anna Berger", "open_launch_review", "pay"),
    *(
        line(
            "2026-03-02", "Cem Aydin", "attest_item", "pay",
            item=slug, name="Cem", said_on="2026-03-02", remark="Seen.",
        )
        for slug in ATTESTED
    ),
    line("2026-03-03", "Cem Aydin", "sign_review", "pay", side="developers"),
    line("2026-03-04", "orla-byrne", "sign_review", "pay", side="operations"),
    line("2026-03-05", "Anna Berger", "launch", "pay", reason="Open for business."),
]  # fmt: skip
WAIVER = [
    line("2026-02-03", "Anna Berger", "ask_waiver", "ship",
         target="coupling", reason="A split is under way.", ends_at="2026-02-20T10:00:00Z"),
    line("2026-02-04", "Orla Byrne", "approve_waiver", "ship", target="coupling"),
]  # fmt: skip
HANDBACK = [
    line("2026-02-01", "Orla Byrne", "propose_handback", "ship", reason="It wakes us every night."),
    line("2026-02-02", "Niamh Farrell", "repair_jointly", "ship",
         plan="Mend the timeouts.", owner="Cem Aydin", ends_at="2026-02-10T08:30:00Z"),
    line("2026-02-12", "Anna Berger", "add_finding", "ship",
         kind="design", severity=1, text="No timeouts.", defects=["tracker:d-1"]),
    line("2026-02-12", "Anna Berger", "add_plan_item", "ship",
         text="Add timeouts.", owner="Cem Aydin", due_on="2026-03-01"),
    line("2026-02-13", "Niamh Farrell", "confirm_handback", "ship",
         reason="The developers mend it.", consultants=["Orla Byrne"]),
    line("2026-02-20", "Orla Byrne", "advise", "ship",
         person="Orla Byrne", given_on="2026-02-20", hours=1.5, text="Where to put the timeouts."),
    line("2026-02-28", "Cem Aydin", "finish_plan_item", "ship", item="Add timeouts."),
    line("2026-02-28", "Cem Aydin", "close_finding", "ship", finding="No timeouts."),
    line("2026-03-20", "Niamh Farrell", "stabilise_handback", "ship"),
]  # fmt: skip
WALK = [*LAUNCH, *WAIVER, *HANDBACK]
"""In no order of time."""
MOVES = [
    ("management", "adopt as ops_managed", "2025-01-01T00:00", "import"),
    ("case", "propose", "2026-02-01T10:00", "Orla Byrne"),
    ("case", "repair jointly", "2026-02-02T10:00", "Niamh Farrell"),
    ("waiver", "ask", "2026-02-03T10:00", "Anna Berger"),
    ("waiver", "approve", "2026-02-04T10:00", "Orla Byrne"),
    ("case", "return", "2026-02-10T08:30", "rule: handback following v1"),
    ("case", "confirm", "2026-02-13T10:00", "Niamh Farrell"),
    ("management", "hand back (repair)", "2026-02-13T10:00", "Niamh Farrell"),
    ("consultant", "name", "2026-02-13T10:00", "Niamh Farrell"),
    ("waiver", "expire", "2026-02-20T10:00", "rule: waiver expiry v1"),
    ("review", "open", "2026-03-01T10:00", "Anna Berger"),
    ("review", "complete", "2026-03-04T10:00", "Orla Byrne"),
    ("management", "launch", "2026-03-05T10:00", "Anna Berger"),
    ("review", "launch", "2026-03-05T10:00", "Anna Berger"),
    ("case", "stabilise", "2026-03-20T10:00", "Niamh Farrell"),
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import ended with and said."""

    status: int
    counts: dict[str, Any]
    said: list[str]

    @property
    def decided(self) -> tuple[int, int, int]:
        """Applied, unchanged, rejected."""
        told = self.counts["decisions"]
        return told["applied"], told["unchanged"], told["rejected"]


class Folder:
    """A fleet folder: `pay` before its launch, `ship` run by operations and full of defects until spring."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path, self.capsys = path, capsys
        (path / "catalog-info.yaml").write_text(CATALOGUE)
        self.write(
            "people",
            *(
                {"name": name, "role": role, "teams": [team]}
                | ({"identities": {Identity.LOG_IN: log_in}} if log_in else {})
                for name, role, team, log_in in PEOPLE
            ),
        )
        self.write("feeds", *({"source": "ci", "kind": kind, "services": ["*"], **SPAN} for kind in HEARD))
        self.write("signals", *_signals())
        self.write("defects", *_defects())

    def write(self, name: str, *records: Any) -> None:
        """Write a file of records; what is no object is written as it is."""
        said = (each if isinstance(each, str) else json.dumps(each) for each in records)
        (self.path / f"{name}.jsonl").write_text("".join(f"{each}\n" for each in said))

    def decide(self, *decisions: Any, options: tuple[str, ...] = ()) -> Outcome:
        """Import the folder with these decisions."""
        self.write("decisions", *decisions)
        command = Command()
        call_command(command, self.path, "--format", "json", *options)
        told = self.capsys.readouterr()
        return Outcome(command.status, json.loads(told.out.splitlines()[-1]), told.err.splitlines())


def _signals() -> Iterator[dict[str, Any]]:
    for service, environment in (("pay", "staging"), ("ship", "production")):
        for name in SignalName:
            yield {
                "service": service, "source": "ci", "id": f"{service}-{name}", "signal": name,
                "environment": environment,
                "first_seen_at": "2026-01-01T00:00:00Z", "last_seen_at": "2026-06-30T00:00:00Z",
            }  # fmt: skip


def _defects(closed_at: str = "2026-02-25T00:00:00Z") -> Iterator[dict[str, Any]]:
    for number in range(12):
        yield {
            "service": "ship", "source": "tracker", "id": f"d-{number}", "severity": 2, "title": "Hangs",
            "kind": "design", "opened_at": "2026-01-10T00:00:00Z", "closed_at": closed_at,
        }  # fmt: skip


def _deployments() -> Iterator[dict[str, Any]]:
    for day in range(1, 29):
        yield {
            "service": "ship", "source": "ci", "id": str(day), "environment": "production",
            "started_at": f"2026-01-{day:02}T11:00:00Z", "finished_at": f"2026-01-{day:02}T11:05:00Z",
            "outcome": "succeeded", "automated": True,
        }  # fmt: skip


@pytest.fixture
def folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, db: None
) -> Folder:
    monkeypatch.setattr(clock, "real_now", lambda: NOW)
    (tmp_path / "shop").mkdir()
    return Folder(tmp_path / "shop", capsys)


def moves() -> list[tuple[str, str, str, str]]:
    """All transitions in the order of their moments: subject, move, moment, who by name."""
    rows = Transition.objects.order_by("at", "pk")
    return [
        (each.subject, each.move, f"{each.at:%Y-%m-%dT%H:%M}", each.actor.lstrip("0123456789 "))
        for each in rows
    ]


def rows() -> dict[str, int]:
    """How many there are of what an import could make."""
    models = (AppliedDecision, Transition, SignOff, Scorecard, Message, User, Identity, ManagementChange)
    return {model.__name__: model.objects.count() for model in models}


# What is applied --------------------------------------------------------------------------------------


def test_a_history_is_applied_at_its_own_moments_and_a_second_import_changes_nothing(folder: Folder) -> None:
    outcome = folder.decide(*WALK)

    assert outcome.said == []
    assert (outcome.status, outcome.decided) == (0, (len(WALK), 0, 0))
    assert moves() == MOVES
    _is_launched(Service.objects.get(slug="pay"))
    _is_stabilised(Case.objects.get())
    # who decided had no log-in, and has none that could be used
    made = User.objects.all()
    assert {user.username for user in made} == {"anna", "cem-aydin", "orla-byrne", "niamh-farrell"}
    assert not any(user.is_active or user.has_usable_password() for user in made)
    # history is no news; what is live is judged anew, soon, and nothing of the past counts as live
    assert not Message.objects.filter(routed_at=None).exists()
    assert Rejudgement.objects.count() == Service.objects.count()
    assert set(Scorecard.objects.values_list("kind", flat=True)) == {Kind.REPLAY}
    assert not Evaluation.objects.filter(state=Evaluation.State.RUNNING).exists()
    assert {each.recorded_at for each in Transition.objects.all()} == {NOW}
    assert clock.standing() is None

    before = rows()
    again = folder.decide(*WALK)

    assert (again.status, again.decided) == (0, (0, len(WALK), 0))
    assert (rows(), moves()) == (before, MOVES)
    _is_launched(Service.objects.get(slug="pay"))


def _is_launched(service: Service) -> None:
    assert (service.lifecycle, service.launched_on) == ("live", dt.date(2026, 3, 5))
    review = Review.objects.get()
    told = Transition.objects.get(service=service, subject="management")
    # it rests on the judgements of the moments of the last signature and of the launch itself
    assert {card.at.day for card in told.scorecards.all()} == {4, 5}
    assert review.scorecard is not None
    assert review.scorecard.launch == "ready"


def _is_stabilised(case: Case) -> None:
    assert (case.state, case.verdict) == ("stabilised", "below")
    assert [card.at for card in case.scorecards.all()] == [case.opened_at]
    measured = {each.measure: each for each in case.exit_criteria.all()}
    assert set(measured) == {"defects", "clock_days"}
    at_first, at_last = measured["defects"].at_confirmation, measured["defects"].latest
    assert at_first is not None
    assert at_last is not None
    assert at_first < 50 < 70 <= at_last
    assert case.ended_at == measured["defects"].measured_at
    change = case.service.management_changes.latest("effective_at")
    assert case.confirmed_at is not None
    assert (change.state, change.effective_at) == ("developer_managed", case.confirmed_at)
    waiver = Waiver.objects.get()
    assert (waiver.state, waiver.expired_at) == ("expired", waiver.ends_at)
    # the judgement that the move asked for sees the new state, beside the one that the move rests on
    cards = Scorecard.objects.filter(service=case.service, at=case.confirmed_at).order_by("revision")
    assert [card.management_state for card in cards] == ["ops_managed", "developer_managed"]


class KilledError(BaseException):
    """As if the process had been killed: nobody catches it."""


def test_an_import_that_is_killed_half_way_is_gone_on_with(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: Any, **__: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        # after all of the action is written, and before its transaction ends
        patch.setattr(applying, "rejudging", SimpleNamespace(mark=kill))
        with pytest.raises(KilledError):
            folder.decide(*HANDBACK)
        assert (AppliedDecision.objects.count(), Case.objects.count()) == (0, 0)
        marked = count()
        fourth = SimpleNamespace(mark=lambda _: kill() if next(marked) == 3 else None)
        patch.setattr(applying, "rejudging", fourth)
        with pytest.raises(KilledError):
            folder.decide(*HANDBACK)

    outcome = folder.decide(*HANDBACK)

    assert (outcome.said, outcome.decided) == ([], (len(HANDBACK) - 3, 3, 0))
    assert moves() == [move for move in MOVES if move[1] != "launch" and move[0] not in {"waiver", "review"}]


@pytest.mark.parametrize(
    ("closed_at", "state"), [("2026-02-05T00:00:00Z", "lapsed"), ("2026-02-25T00:00:00Z", "proposed")]
)
def test_joint_repair_ends_by_the_verdict_of_its_last_moment(
    folder: Folder, closed_at: str, state: str
) -> None:
    """Nobody judged the days between: its end is looked at when it comes, before later decisions."""
    feeds = (*HEARD, "page", "dependency")
    folder.write("feeds", *({"source": "ci", "kind": kind, "services": ["*"], **SPAN} for kind in feeds))
    folder.write("defects", *_defects(closed_at))
    folder.write("deployments", *_deployments())
    folder.decide(*HANDBACK[:2])

    ended = Transition.objects.filter(subject="case").latest("pk")
    assert (ended.to_state, ended.at.isoformat()) == (state, "2026-02-10T08:30:00+00:00")


def test_what_time_does_by_now_is_done_at_the_end(folder: Folder) -> None:
    folder.decide(LAUNCH[0])

    lapsed = Transition.objects.get(move="lapse")
    assert lapsed.at == Review.objects.get().opened_at + dt.timedelta(days=90)


def test_what_was_decided_lately_is_news(folder: Folder) -> None:
    folder.decide(line("2026-06-30", "Orla Byrne", "propose_handback", "ship", reason="Enough."))

    assert Message.objects.filter(routed_at=None).count() == 1


# Who acts ---------------------------------------------------------------------------------------------


def test_who_did_it_then_is_the_same_person_once_they_log_in(folder: Folder) -> None:
    folder.decide(line("2026-06-30", "Niamh Farrell", "propose_handback", "ship", reason="Enough."))
    user = User.objects.get(username="niamh-farrell")
    user.is_active = True
    user.save()

    case = Case.objects.get()
    assert case.proposer == f"{user.pk} Niamh Farrell"
    assert "another person" in actions.case_obstacle(case, "reject", user)
    assert actions.case_obstacle(case, "withdraw", user) == ""


def test_who_has_a_log_in_acts_with_its_rights_and_it_stays_as_it_is(folder: Folder) -> None:
    folder.decide()
    User.objects.create_user("anna", password="secret")
    proposal = line("2026-06-30", "Anna Berger", "propose_handback", "ship", reason="Enough.")

    refused = folder.decide(proposal)

    assert refused.said == [
        "decisions.jsonl:1: actor: anna may not propose to move ship: its teams and SRE leads do."
    ]
    assert list(User.objects.get().groups.all()) == []


# What is refused --------------------------------------------------------------------------------------


def test_bad_lines_are_named_and_the_rest_is_applied(folder: Folder) -> None:
    User.objects.create_user("cem-aydin")
    proposal = line("2026-02-01", "Orla Byrne", "propose_handback", "ship", reason="Enough.")
    waiver = {"target": "coupling", "reason": "So.", "ends_at": "2026-04-01T00:00:00Z"}
    bad = {
        "action: must be one of open_launch_review": {**proposal, "action": "vote"},
        "wish: is not a field of this kind": {**proposal, "wish": "x"},
        "reason: is missing": line("2026-02-01", "Orla Byrne", "propose_handback", "ship"),
        "reason: is blank": {**proposal, "reason": " "},
        "at: has no offset from UTC": {**proposal, "at": "2026-02-01T10:00:00"},
        "at: is still to come": {**proposal, "at": "2026-07-02T10:00:00Z"},
        "record: record is not JSON": "{",
        "record: record is not a JSON object": "[]",
        "service: must not be null": {**proposal, "service": None},
        "actor: 'Nobody' is nobody that is known": {**proposal, "actor": "Nobody"},
        "actor: Cem Aydin is linked with no log-in": {**proposal, "actor": "Cem Aydin"},
        "service: 'gone' is no service or alias": {**proposal, "service": "gone"},
        "service: pay is not run by operations": {**proposal, "service": "pay"},
        "service: has no open case": line("2026-01-01", "Orla Byrne", "comment_case", "ship", text="Hm."),
        "service: has an open handback, and no handoff": line(
            "2026-02-03", "Niamh Farrell", "reject_handoff", "ship", reason="No."
        ),
        "service: has no review under way": line("2026-02-01", "Anna Berger", "launch", "pay"),
        "owner: 'Nobody' is nobody": line(
            "2026-02-03", "Anna Berger", "add_plan_item", "ship",
            text="x", owner="Nobody", due_on="2026-03-01",
        ),
        "due_on: is not a date": line(
            "2026-02-03", "Anna Berger", "add_plan_item", "ship", text="x", owner="Nobody", due_on=1
        ),
        "page: 'pager:1' is no page of ship: name it as source:id": line(
            "2026-02-03", "Orla Byrne", "assess_page", "ship", page="pager:1", critical=True, actionable=True
        ),
        "side: must be 'developers'": line(
            "2026-02-03", "Orla Byrne", "confirm_shadow", "ship", side="nobody"
        ),
        "target: has no waiver that waits": line(
            "2026-02-03", "Orla Byrne", "approve_waiver", "ship", target="coupling"
        ),
        "target: has no waiver that counts": line(
            "2026-02-03", "Orla Byrne", "revoke_waiver", "ship", target="coupling", reason="So."
        ),
        "actor: Who proposed it cannot decide about it": line(
            "2026-02-03", "Orla Byrne", "reject_handback", "ship", reason="No."
        ),
        "actor: Deciding about a waiver of ship takes an SRE lead": line(
            "2026-02-09", "Anna Berger", "revoke_waiver", "ship", target="defects", reason="So."
        ),
    }  # fmt: skip
    good = [
        proposal,
        line("2026-02-05", "Niamh Farrell", "ask_waiver", "ship", **waiver | {"target": "defects"}),
        line("2026-02-06", "Orla Byrne", "approve_waiver", "ship", target="defects"),
    ]

    outcome = folder.decide(*bad.values(), *good)

    assert (outcome.status, outcome.decided) == (1, (len(good), 0, len(bad)))
    said = {each.split(": ", 1)[1]: int(each.split(":")[1]) for each in outcome.said}
    for number, reason in enumerate(bad, start=1):
        assert [place for words, place in said.items() if words.startswith(reason)] == [number], reason
    assert set(User.objects.values_list("username", flat=True)) == {
        *("cem-aydin", "orla-byrne", "niamh-farrell"),
    }  # who did nothing has no log-in
    assert folder.decide(*bad.values(), *good).decided == (0, len(good), len(bad))


def test_strict_applies_all_or_nothing(folder: Folder) -> None:
    outcome = folder.decide(*HANDBACK[:1], "{", options=("--strict",))

    assert (outcome.status, outcome.decided) == (1, (0, 0, 1))
    assert not Service.objects.exists()
    assert not AppliedDecision.objects.exists()


def test_what_comes_after_later_decisions_about_the_same_is_too_late(folder: Folder) -> None:
    began = HANDBACK[:2]  # its joint repair ended by time, on 2026-02-10
    folder.decide(*began)
    late = line("2026-02-05", "Orla Byrne", "withdraw_handback", "ship", reason="All is well.")

    refused = folder.decide(*began, late)

    assert refused.said == [
        "decisions.jsonl:3: at: is before 2026-02-10 08:30, since when it is proposed: it comes too late"
    ]
    assert Case.objects.get().state == "proposed"
    other = line("2026-02-03", "Orla Byrne", "name_consultant", "pay", person="Orla Byrne")
    assert folder.decide(*began, other).decided == (1, 2, 0)  # of something else


# The pure part ----------------------------------------------------------------------------------------


def test_every_action_has_a_record_and_a_function_that_takes_what_it_says() -> None:
    assert list(VERBS) == list(RECORDS)
    for name, verb in VERBS.items():
        assert verb.act.__name__ == name
        said = set(RECORDS[name].model_fields) - set(Decision.model_fields) - verb.names
        code: Any = verb.act.__code__
        assert said <= set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]), name
    fields = {field for record in RECORDS.values() for field in record.model_fields}
    assert fields >= ONE
    assert MANY & fields


@given(
    at=st.integers(0, 5 * 365 * 86_400).map(lambda seconds: NOW - dt.timedelta(days=1, seconds=seconds)),
    hours=st.integers(-12, 14),
    reason=st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=50),
)
def test_a_line_is_known_again_however_it_is_written(at: dt.datetime, hours: int, reason: str) -> None:
    said = {**line("", "Anna", "propose_handback", "pay", reason=reason), "at": at.isoformat()}
    turned = {
        **dict(reversed(said.items())),
        "at": at.astimezone(dt.timezone(dt.timedelta(hours=hours))).isoformat(),
    }

    one, other = (
        read_decision(json.dumps(each, indent=indent).encode(), NOW)
        for each, indent in ((said, None), (turned, 2))
    )

    assert isinstance(one, Decision)
    assert isinstance(other, Decision)
    assert one.digest == other.digest
    changed = read_decision(json.dumps({**said, "reason": f"{reason}!"}).encode(), NOW)
    assert isinstance(changed, Decision)
    assert changed.digest != one.digest


@pytest.mark.parametrize("written", [b"\xff", b"1", b'{"action": []}', b"{}"])
def test_what_is_no_line_is_refused(written: bytes) -> None:
    assert isinstance(read_decision(written, NOW), Rejection)


def test_the_clock_stands_for_one_decision_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "real_now", lambda: NOW)
    then = NOW - dt.timedelta(days=100)
    with clock.standing_at(then):
        assert (clock.now(), clock.going(), clock.real_now()) == (then, NOW, NOW)
        assert not clock.is_stale(then)
        with pytest.raises(RuntimeError), clock.standing_at(NOW):
            pass
    assert clock.now() == NOW
    with pytest.raises(ValueError, match="no offset"), clock.standing_at(NOW.replace(tzinfo=None)):
        pass


@pytest.mark.django_db
def test_no_live_evaluation_is_asked_for_while_the_clock_stands() -> None:
    ask: Callable[[], Evaluation] = lambda: evaluation.request(NOW, [])  # noqa: E731 - asked twice
    with clock.standing_at(NOW):
        assert ask().kind == Kind.REPLAY
    assert ask().kind == Kind.LIVE
