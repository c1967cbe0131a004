"""Each illegal move of a case is refused: by rule, by right, and by the database, also after a migration.

Those of waivers, consultants and reviews stand where these are tested; here are their tables alone.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction

from handoff import actions
from handoff.actions import review_filling
from handoff.actions.recording import name_of
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError, RefusedError
from handoff.checklists import Side
from handoff.machine import CASES, IllegalMoveError, after
from handoff.models import Case, Review, Shadow, ShadowConfirmation, SignOff, Transition
from handoff.models.case import CONFIRMED, ENDED
from handoff.rules import Rule
from readiness import rights
from readiness.models import ManagementChange
from tests.factories import ServiceFactory, TeamFactory
from tests.handing_back import DAY, Place
from tests.handing_off import Handover, sign
from tests.lifecycle import SHORT, TABLES, WHY, shape
from tests.members import member

pytestmark = pytest.mark.django_db


# By rule ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_a_table_knows_no_other_moves(table: str) -> None:
    moves = TABLES[table]
    states = {state for state, _ in moves} | set(moves.values())
    others = {(state, move) for state in states for _, move in moves} - moves.keys()
    assert others
    for state, move in others:
        with pytest.raises(IllegalMoveError):
            after(moves, state, move)


NOT_ACCEPTED: Final[Mapping[str, object]] = {"accepted_by": "", "accepted_at": None, "room_seen": None}
Act = Callable[[Any, Case], object]


class Attempt(NamedTuple):
    """An action that somebody who may takes, of a case of this kind."""

    kind: str
    act: Act
    begins: frozenset[str]
    """States in which it is legal."""
    sets: Mapping[str, object] = {}
    """What the case is beside."""


def _of(kind: str, move: str, act: Act, **sets: object) -> Attempt:
    return Attempt(kind, act, frozenset(state for state, name in CASES[kind] if name == move), sets)


def _confirm(side: Side) -> Act:
    def act(place: Any, case: Case) -> object:
        by = place.dev if side is Side.DEVELOPERS else place.eng
        return actions.confirm_shadow(case, side=side, by=by, reachable=near(place))

    return act


def near(place: Handover) -> list[Any]:
    """Two developers who stay reachable."""
    return [place.person(place.dev), place.person(place.dan)]


def _lapse(place: Any, case: Case) -> object:
    card = actions.newest(case.service)
    assert card is not None
    return actions.lapse_proposal(case, by=case.proposer, reason=WHY, card=card)


def _repair(place: Any, case: Case) -> object:
    owner, ends_at = place.person(place.dev), place.now + 28 * DAY
    return actions.repair_jointly(case, plan="Mend.", owner=owner, ends_at=ends_at, by=place.other)


def _hand_back(place: Any, case: Case) -> object:
    by = place.dev if case.handback_kind == "release" else place.other
    return actions.confirm_handback(case, by=by, reason=WHY, consultants=[place.person(place.other)])


ATTEMPTS: Final[Mapping[str, Attempt]] = {
    "reject a handoff": _of(
        "handoff", "reject", lambda place, case: actions.reject_handoff(case, by=place.lead, reason=WHY)
    ),
    "withdraw a handoff": _of(
        "handoff", "withdraw", lambda place, case: actions.withdraw_handoff(case, by=place.dan, reason=WHY)
    ),
    "lapse a proposed handoff": Attempt(
        "handoff", _lapse, frozenset({"proposed"}), {"proposer": Rule.READY.actor}
    ),
    "open a handoff review": _of(
        "handoff", "open review", lambda place, case: actions.open_handoff_review(case, by=place.lead)
    ),
    "accept a handoff": Attempt(
        "handoff",
        lambda place, case: actions.accept_handoff(case, by=place.other, reason=WHY),
        frozenset({"proposed", "in_review", "approved"}),
        NOT_ACCEPTED,
    ),
    "begin a shadow": _of(
        "handoff", "begin shadow", lambda place, case: actions.begin_shadow(case, by=place.eng)
    ),
    "assess a page": Attempt(
        "handoff",
        lambda place, case: actions.assess_page(
            case, place.page(), critical=True, actionable=True, by=place.eng
        ),
        frozenset({"shadowing"}),
    ),
    "stop a shadow": _of(
        "handoff", "stop", lambda place, case: actions.stop_shadow(case, by=place.eng, reason=WHY)
    ),
    "confirm for developers": _of("handoff", "take over", _confirm(Side.DEVELOPERS)),
    "confirm for operations": _of("handoff", "take over", _confirm(Side.OPERATIONS)),
    "complete a handoff": _of(
        "handoff", "complete", lambda place, case: actions.complete_handoff(case, by=place.lead, reason=WHY)
    ),
    "reject a handback": _of(
        "handback", "reject", lambda place, case: actions.reject_handback(case, by=place.lead, reason=WHY)
    ),
    "withdraw a handback": _of(
        "handback", "withdraw", lambda place, case: actions.withdraw_handback(case, by=place.eng, reason=WHY)
    ),
    "lapse a proposed handback": Attempt(
        "handback", _lapse, frozenset({"proposed"}), {"proposer": Rule.REGRESSED.actor}
    ),
    "repair jointly": _of("handback", "repair jointly", _repair),
    "confirm a handback": _of("handback", "confirm", _hand_back),
    "release a service": _of("handback", "release", _hand_back, handback_kind="release"),
    "stabilise a handback": _of(
        "handback", "stabilise", lambda place, case: actions.stabilise_handback(case, by=place.lead)
    ),
}


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], tuple[Any, Case]]]:
    """By kind of case: a service with its people, and a case about which nothing is lacking."""
    monkeypatch.setattr(review_filling, "CHECKLIST", SHORT)  # for speed

    def handoff() -> tuple[Handover, Case]:
        place = Handover(monkeypatch)
        return place, place.due()[0]

    def handback() -> tuple[Place, Case]:
        place = Place(monkeypatch)
        return place, place.prepared()

    return {"handoff": handoff, "handback": handback}


def put(place: Place, case: Case, state: str, **sets: object) -> Case:
    """The case in a state, with all that the database asks of it there; as read anew."""
    now, is_handoff, moved = place.now, case.kind == "handoff", state in CONFIRMED
    resting = state == "joint_repair"
    told: dict[str, object] = {
        "state": state,
        "ended_at": now if state in ENDED else None,
        "confirmed_at": now if moved else None,
        "decider": "0 zoe" if moved else "",
        "moved_card": actions.newest(case.service) if moved and is_handoff else None,
        "backup_ends_at": now + DAY if moved and is_handoff else None,
        "repair_plan": "Mend." if resting else "",
        "repair_owner": place.person(place.dev) if resting else None,
        "repair_began_at": now if resting else None,
        "repair_ends_at": now + DAY if resting else None,
    }
    if state in {"shadowing", "backed_up", "completed"}:  # nobody is there without having accepted
        sets = {name: value for name, value in sets.items() if "accepted" not in name and name != "room_seen"}
    Case.objects.filter(pk=case.pk).update(**{**told, **sets})
    # neither a review nor a shadow is in the way that would not be there
    proposed, over = state == "proposed", state != "shadowing"
    Review.objects.filter(case=case.pk).update(
        state="withdrawn" if proposed else "signed", ended_at=now if proposed else None
    )
    Shadow.objects.filter(case=case.pk).update(
        outcome="stopped" if over else "", ended_at=now if over else None
    )
    return Case.objects.select_related("service__owner", "service__ops_team", "review__service").get(
        pk=case.pk
    )


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_action_is_refused_in_each_state_that_it_does_not_begin_in(
    places: Mapping[str, Callable[[], tuple[Any, Case]]], name: str
) -> None:
    kind, act, begins, sets = ATTEMPTS[name]
    place, case = places[kind]()
    for state in sorted(set(CASES[kind].values())):
        with _taken_back():
            mine = put(place, case, state, **sets)
            before = shape()
            said = refusal(act, place, mine)
            if state in begins:
                assert not isinstance(said, MovedError), f"{name} in {state}"
            else:
                assert isinstance(said, MovedError), f"{name} in {state}"
                assert shape() == before


def refusal(act: Act, place: Any, case: Case) -> RefusedError | None:
    """How it is refused; nothing where it is not."""
    try:
        act(place, case)
    except RefusedError as refused:
        return refused
    return None


@contextmanager
def _taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize("name", [name for name in ATTEMPTS if "lapse" not in name])
def test_an_action_is_of_one_kind_of_case(
    places: Mapping[str, Callable[[], tuple[Any, Case]]], name: str
) -> None:
    kind, act, *_ = ATTEMPTS[name]
    place, case = places["handoff"]()
    other = next(each for each in CASES if each != kind)
    if other == "handback":
        put(place, case, "proposed")
        Case.objects.filter(pk=case.pk).update(
            kind=other, handback_kind="repair", review=None, **NOT_ACCEPTED
        )
        case.kind = other
    by = {"withdraw a handoff": place.dan, "withdraw a handback": place.eng}.get(name)
    for state in sorted(set(CASES[other].values())):
        with _taken_back():
            mine = put(place, case, state, proposer=name_of(by) if by else "0 zed")
            before = shape()
            assert refusal(act, place, mine) is not None, f"{name}: {other} in {state}"
            assert shape() == before


@pytest.mark.parametrize(
    ("run_by", "begins"),
    [
        ("pre_launch", "review"),
        ("developer_managed", "handoff"),
        ("ops_managed", "handback"),
        ("retired", ""),
    ],
)
def test_who_runs_a_service_says_what_may_begin(
    monkeypatch: pytest.MonkeyPatch, run_by: str, begins: str
) -> None:
    place = Place(monkeypatch)
    service = ServiceFactory.create(owner=place.owner, ops_team=place.ops, **{run_by: True})
    beginnings: dict[str, Callable[[], object]] = {
        "handoff": lambda: actions.propose_handoff(service, reason=WHY, by=place.lead),
        "handback": lambda: actions.propose_handback(service, reason=WHY, by=place.lead),
        "review": lambda: actions.open_launch_review(service, by=place.lead),
    }
    before = shape()
    for kind in beginnings.keys() - {begins}:
        with pytest.raises(InvalidError):
            beginnings[kind]()
        assert shape() == before
    if begins:
        beginnings[begins]()


@pytest.mark.parametrize("run_by", ["pre_launch", "developer_managed", "ops_managed", "retired"])
def test_nobody_adopts_what_has_a_state_or_is_not_live(run_by: str) -> None:
    service = ServiceFactory.create(**{run_by: True})
    before = shape()
    for state in ("developer_managed", "ops_managed"):
        at = actions.BEGINNING_OF_TIME
        assert actions.adopt(service, state=state, effective_at=at, actor="1 Ada", reason=WHY) is None
    assert shape() == before


# By right --------------------------------------------------------------------------------------------

OUTSIDE: Final = ("stranger", "foreigner", "viewer", "nobody")
"""A developer and an engineer of other teams, somebody who may look, and a log-in of no group."""


class Deed(NamedTuple):
    """An action in a state where nothing is lacking, by whom it is done, and who may not."""

    kind: str
    state: str
    act: Callable[[Any, Case, User], object]
    by: str
    others: tuple[str, ...]
    """Beside those ``OUTSIDE``; ``proposer`` is ``by``, once the case is theirs."""
    sets: Mapping[str, object] = {}


DEEDS: Final[Mapping[str, Deed]] = {
    "reject a handoff": Deed(
        *("handoff", "proposed"),
        lambda _, case, by: actions.reject_handoff(case, by=by, reason=WHY),
        *("eng", ("dev", "proposer")),
    ),
    "withdraw a proposed handoff": Deed(
        *("handoff", "proposed"),
        lambda _, case, by: actions.withdraw_handoff(case, by=by, reason=WHY),
        *("dan", ("dev", "eng", "lead")),
    ),
    "withdraw an approved handoff": Deed(
        *("handoff", "approved"),
        lambda _, case, by: actions.withdraw_handoff(case, by=by, reason=WHY),
        *("lead", ("dev", "eng")),
    ),
    "open a handoff review": Deed(
        *("handoff", "proposed"),
        lambda _, case, by: actions.open_handoff_review(case, by=by),
        *("dev", ()),
    ),
    "accept a handoff": Deed(
        *("handoff", "approved"),
        lambda _, case, by: actions.accept_handoff(case, by=by, reason=WHY),
        *("other", ("dev", "lead", "proposer")),
        NOT_ACCEPTED,
    ),
    "begin a shadow": Deed(
        *("handoff", "approved"), lambda _, case, by: actions.begin_shadow(case, by=by), *("eng", ("dev",))
    ),
    "assess a page": Deed(
        *("handoff", "shadowing"),
        lambda place, case, by: actions.assess_page(
            case, place.page(), critical=True, actionable=True, by=by
        ),
        *("dev", ()),
    ),
    "stop a shadow": Deed(
        *("handoff", "shadowing"),
        lambda _, case, by: actions.stop_shadow(case, by=by, reason=WHY),
        *("dev", ()),
    ),
    "confirm for developers": Deed(
        *("handoff", "shadowing"),
        lambda place, case, by: actions.confirm_shadow(
            case, side=Side.DEVELOPERS, by=by, reachable=near(place)
        ),
        *("dev", ("eng", "lead", "proposer")),
    ),
    "confirm for operations": Deed(
        *("handoff", "shadowing"),
        lambda _, case, by: actions.confirm_shadow(case, side=Side.OPERATIONS, by=by),
        *("eng", ("dev", "lead", "proposer")),
    ),
    "complete a handoff": Deed(
        *("handoff", "backed_up"),
        lambda _, case, by: actions.complete_handoff(case, by=by, reason=WHY),
        *("eng", ("dev",)),
    ),
    "reject a handback": Deed(
        *("handback", "proposed"),
        lambda _, case, by: actions.reject_handback(case, by=by, reason=WHY),
        *("other", ("dev", "proposer")),
    ),
    "withdraw a handback": Deed(
        *("handback", "proposed"),
        lambda _, case, by: actions.withdraw_handback(case, by=by, reason=WHY),
        *("eng", ("dev", "other", "lead")),
    ),
    "repair jointly": Deed(
        *("handback", "proposed"),
        lambda place, case, by: actions.repair_jointly(
            case, plan="Mend.", owner=place.person(place.dev), ends_at=place.now + DAY, by=by
        ),
        *("other", ("dev", "proposer")),
    ),
    "confirm a handback": Deed(
        *("handback", "proposed"),
        lambda place, case, by: actions.confirm_handback(
            case, by=by, reason=WHY, consultants=[place.person(place.other)]
        ),
        *("other", ("dev", "proposer")),
    ),
    "release a service": Deed(
        *("handback", "proposed"),
        lambda _, case, by: actions.confirm_handback(case, by=by, reason=WHY),
        *("dev", ("other", "lead", "proposer")),
        {"handback_kind": "release"},
    ),
    "find": Deed(
        *("handback", "proposed"),
        lambda _, case, by: actions.add_finding(case, kind="code", severity=2, text="Found.", by=by),
        *("dev", ()),
    ),
}


@pytest.mark.parametrize("name", DEEDS)
def test_who_may_not_is_refused_whatever_else_is_so(
    places: Mapping[str, Callable[[], tuple[Any, Case]]], name: str
) -> None:
    deed = DEEDS[name]
    place, case = places[deed.kind]()
    _people(place)
    for who in (*OUTSIDE, *deed.others):
        by = getattr(place, deed.by if who == "proposer" else who)
        sets = {**deed.sets, **({"proposer": name_of(by)} if who == "proposer" else {})}
        with _taken_back():
            if "accepted_by" not in sets:  # whoever accepted it did not propose it
                sets |= {"accepted_by": "0 zoe"} if deed.kind == "handoff" else {}
            mine = put(place, case, deed.state, **sets)
            before = shape()
            assert isinstance(refusal(_by(deed, by), place, mine), NotAllowedError), f"{name} by {who}"
            assert shape() == before
    deed.act(place, put(place, case, deed.state, **deed.sets), getattr(place, deed.by))


def _by(deed: Deed, by: User) -> Act:
    return lambda place, case: deed.act(place, case, by)


def _people(place: Any) -> None:
    place.foreigner = member(rights.OPS_ENGINEER, name="fay", teams=[TeamFactory.create()])
    place.viewer = member(rights.VIEWER, name="viola", teams=[place.owner, place.ops])
    place.nobody = member(None, name="nick", teams=[place.owner, place.ops])


@pytest.mark.parametrize("kind", CASES)
def test_who_may_not_propose_is_refused(
    places: Mapping[str, Callable[[], tuple[Any, Case]]], kind: str
) -> None:
    place, case = places[kind]()
    _people(place)
    put(place, case, "withdrawn")
    act = actions.propose_handoff if kind == "handoff" else actions.propose_handback
    before = shape()
    for who in OUTSIDE:
        with pytest.raises(NotAllowedError):
            act(place.service, reason=WHY, by=getattr(place, who))
        assert shape() == before
    act(place.service, reason=WHY, by=place.dev)


@pytest.mark.parametrize("who", [*OUTSIDE, "lead", "dan", "eng", "dora who signed for developers"])
def test_who_may_not_sign_for_operations_is_refused(
    places: Mapping[str, Callable[[], tuple[Any, Case]]], monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    place = Handover(monkeypatch)
    _people(place)
    case = place.in_review()
    sign(case.review, Side.DEVELOPERS, place.dev)
    by = getattr(place, who, place.dev)
    for team in (place.ops,) if who in {"lead", "dan"} or "dora" in who else ():
        place.person(by).teams.add(team)  # of that team, but who opened, proposed or signed already
    if who == "eng":
        Case.objects.filter(pk=case.pk).update(proposer=name_of(place.eng))
    before = shape()
    with pytest.raises(NotAllowedError):
        sign(case.review, Side.OPERATIONS, by)
    assert shape() == before
    sign(case.review, Side.OPERATIONS, place.other)


# By the database -------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A change of the rows of a story by hand, and what refuses it."""

    refuses: str
    """Name of the constraint."""
    table: type[models.Model]
    changes: Mapping[str, str]
    """Column to an expression of SQL."""
    adds: int = 0
    """So many copies of the first row with these changes; none: the first row itself is changed."""


OTHER: Final = {"actor": "'0 zoe'"}
PROPOSED: Final = {
    "state": "'proposed'",
    "review_id": "NULL",
    "accepted_by": "''",
    "accepted_at": "NULL",
    "room_seen": "NULL",
    "confirmed_at": "NULL",
    "decider": "''",
    "backup_ends_at": "NULL",
}
RUNNING: Final = {"ended_at": "NULL", "outcome": "''"}
ROWS: Final = (
    Row("one_open_case_of_a_service", Case, PROPOSED, adds=1),
    Row("review_id", Case, {"ended_at": "opened_at", "state": "'completed'"}, adds=1),
    Row("case_is_in_a_state_of_its_kind", Case, {"state": "'stabilising'"}),
    Row("case_is_a_handoff_or_handback", Case, {"handback_kind": "'repair'"}),
    Row("handoff_rests_on_a_review", Case, {"review_id": "NULL"}),
    Row("handoff_is_accepted_first", Case, {"accepted_by": "''", "accepted_at": "NULL", "room_seen": "NULL"}),
    Row("case_accepted_by_somebody", Case, {"accepted_at": "NULL"}),
    Row("case_accepted_by_another", Case, {"proposer": "accepted_by"}),
    Row("case_two_people", Case, {"proposer": "decider"}),
    Row("case_has_a_reason", Case, {"reason": "''"}),
    Row("handoff_moved_on_a_scorecard", Case, {"moved_card_id": "NULL"}),
    Row("handoff_moved_on_a_scorecard", Case, {"backup_ends_at": "confirmed_at"}),
    Row("case_confirmed_by_somebody", Case, {"confirmed_at": "NULL"}),
    Row("case_confirmed_by_somebody", Case, {"decider": "''"}),
    Row("case_ends_in_a_last_state", Case, {"ended_at": "confirmed_at"}),
    Row("case_ends_in_a_last_state", Case, {"state": "'completed'"}),
    Row("one_shadow_at_a_time", Shadow, RUNNING, adds=2),
    Row("shadow_lasts", Shadow, {"due_at": "began_at"}),
    Row("shadow_ends_with_an_outcome", Shadow, {"outcome": "''"}),
    Row("one_review_of_a_kind_under_way", Review, {"state": "'signed'", "ended_at": "NULL"}, adds=2),
    Row("review_is_signed_on_a_scorecard", Review, {"scorecard_id": "NULL"}),
    Row("one_sign_off_a_side", SignOff, OTHER, adds=1),
    Row("a_person_signs_once", SignOff, {"side": "'manager'"}, adds=1),
    Row("side_is_known", SignOff, {**OTHER, "side": "'nobody'"}, adds=1),
    Row("one_confirmation_a_side", ShadowConfirmation, OTHER, adds=1),
    Row("confirming_side_is_known", ShadowConfirmation, {**OTHER, "side": "'manager'"}, adds=1),
    Row("confirmation_has_an_actor", ShadowConfirmation, {"actor": "''"}, adds=1),
    Row("one_management_change_a_moment", ManagementChange, {"state": "'developer_managed'"}, adds=1),
    Row("management_state_is_known", ManagementChange, {"state": "'nobody'"}, adds=1),
    Row("transition_has_an_actor", Transition, {"actor": "''"}, adds=1),
    Row("transition_leads_elsewhere", Transition, {"from_state": "to_state"}, adds=1),
)


def let_through() -> list[str]:
    """Which of these changes the database does not refuse, or refuses for another reason."""
    return [f"{row.refuses}: {said}" for row in ROWS if not _names(said := _said(row), row)]


def _said(row: Row) -> str:
    table, first = (
        row.table._meta.db_table,
        row.table._default_manager.order_by("pk").values_list("pk", flat=True),
    )
    columns = [field.column for field in row.table._meta.local_fields if not field.primary_key]
    values = ", ".join(row.changes.get(column, column) for column in columns)
    sets = ", ".join(f"{column} = {value}" for column, value in row.changes.items())
    insert = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE id = {first[0]}"
    update = f"UPDATE {table} SET {sets} WHERE id = {first[0]}"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for _ in range(row.adds or 1):
                cursor.execute(insert if row.adds else update)
            transaction.set_rollback(True)
    except IntegrityError as error:
        return str(error)
    return "not refused"


def _names(said: str, row: Row) -> bool:
    """Whether a refusal names its constraint; of a unique one SQLite names the columns."""
    if row.refuses in said:
        return True
    unique = {
        each.name: each.fields
        for each in row.table._meta.constraints
        if isinstance(each, models.UniqueConstraint)
    }
    columns = {each.name: each.column for each in row.table._meta.local_fields}
    told = ", ".join(f"{row.table._meta.db_table}.{columns[name]}" for name in unique.get(row.refuses, ()))
    return bool(told) and said == f"UNIQUE constraint failed: {told}"


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Case:
    """A service that was handed off, whose developers back operations up."""
    monkeypatch.setattr(review_filling, "CHECKLIST", SHORT)
    return Handover(monkeypatch).moved()


@pytest.mark.usefixtures("moved")
def test_the_database_refuses_it() -> None:
    assert let_through() == []


@pytest.mark.django_db(transaction=True)  # SQLite alters tables in no transaction
@pytest.mark.usefixtures("moved")
def test_the_database_refuses_it_after_a_later_migration() -> None:
    """That adds a column and takes it away: SQLite makes tables anew for that, PostgreSQL alters them."""
    later: models.BooleanField[bool, bool] = models.BooleanField(default=False)
    later.set_attributes_from_name("later")
    for table in {row.table for row in ROWS}:
        with connection.schema_editor() as editor:
            editor.add_field(table, later)
            editor.remove_field(table, later)
    call_command("migrate", "handoff", verbosity=0)
    assert let_through() == []
