"""`policy`: checks, stores, compares, activates and lists policies; its exit status is the answer."""

import json
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from readiness import evaluation
from readiness.management.commands.policy import Command
from readiness.models import Evaluation, PolicyVersion
from readiness.policy_schema import policy_schema
from tests.command_line import Answer, answer, shell
from tests.judging import DEFAULT

pytestmark = pytest.mark.django_db

STRICTER = DEFAULT.replace("overall: 80\n", "overall: 85\n")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A policy that asks for more."""
    path = tmp_path / "stricter.yaml"
    path.write_text(STRICTER)
    return path


def policy(*arguments: str) -> Answer:
    """Call it in this process."""
    return answer(Command(), *arguments)


def apply(file: Path) -> Answer:
    """Store a file as Ada's."""
    return policy("apply", str(file), "--author", "Ada", "--note", "Ask for more.")


def activate(actor: str, version: str = "default:2") -> Answer:
    """Put a version in force."""
    return policy("activate", version, "--actor", actor, "--reason", "Agreed.")


def test_check_says_that_a_file_is_good(file: Path) -> None:
    told = policy("check", str(file))
    assert (told.status, told.flat) == (0, f"{file}: good, policy default")


def test_check_names_line_and_mistake(file: Path) -> None:
    file.write_text(STRICTER.replace("window_days: 180", "windowdays: 180"))
    told = policy("check", str(file))
    as_json = policy("check", str(file), "--format", "json")

    assert told.status == as_json.status == 1
    assert told.flat == f"{file}: line 4: windowdays: there is no such term (and 1 more)"
    assert as_json.documents[0]["line"] == 4
    assert as_json.documents[0]["good"] is False


def test_apply_stores_a_draft_and_says_who_is_next(file: Path) -> None:
    told = apply(file)
    version = PolicyVersion.objects.get(version=2)

    assert told.status == 0
    assert "is stored as default:2, a draft. Somebody else activates it" in told.flat
    assert (version.author, version.note, version.in_force) == ("Ada", "Ask for more.", False)


def test_apply_of_what_is_stored_already_is_not_good(file: Path) -> None:
    apply(file)
    told = apply(file)
    assert told.status == 1
    assert "default v2 says the same already" in told.flat
    assert PolicyVersion.objects.count() == 2


def test_apply_of_a_file_with_a_mistake_stores_nothing(file: Path) -> None:
    file.write_text(STRICTER.replace("window_days: 180", "window_days: none"))
    told = apply(file)
    assert told.status == 1
    assert "line 4: window_days" in told.flat
    assert not PolicyVersion.objects.exists()


def test_activate_takes_a_second_person_and_asks_for_an_evaluation(file: Path) -> None:
    apply(file)
    by_author = activate("ada")
    assert by_author.status == 1
    assert "somebody other than its author" in by_author.flat
    assert evaluation.in_force().version == 1

    by_another = activate("Grace")
    assert by_another.status == 0
    assert "default v2 is in force" in by_another.flat
    assert evaluation.in_force().version == 2
    assert Evaluation.objects.get().policy.version == 2


def test_diff_tells_changes_between_files_versions_and_the_one_in_force(file: Path) -> None:
    apply(file)
    sentence = "Handoff: overall threshold 80 becomes 85"
    for old, new in (("active", "default:2"), ("default:1", str(file)), ("active", str(file))):
        told = policy("diff", old, new)
        assert told.status == 0
        assert told.lines[1:] == [f"  {sentence}"]
    assert policy("diff", "default:2", str(file)).flat == f"From default v2 to {file}: no change"
    (change,) = policy("diff", "active", "default:2", "--format", "json").documents
    assert change == {"path": ["handoff", "overall"], "old": 80, "new": 85, "text": sentence}


def test_schema_prints_the_schema() -> None:
    assert json.loads(policy("schema").out) == policy_schema()


def test_list_tells_states_and_authors(file: Path) -> None:
    apply(file)
    activate("Grace")
    lines = policy("list").lines
    assert [line.split()[0] for line in lines] == ["default:2", "default:1"]
    assert "in force" in lines[0]
    assert "Ada: Ask for more." in lines[0]
    assert "past" in lines[1]
    assert [each["state"] for each in policy("list", "--format", "json").documents] == ["in_force", "past"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("activate", "default:9", "--actor", "x", "--reason", "y"), "no policy default:9 is stored"),
        (("activate", "default", "--actor", "x", "--reason", "y"), "write NAME:VERSION"),
        (("diff", "active", "default:9"), "no policy default:9 is stored"),
        (("gossip",), "invalid choice"),
        (("apply", "x.yaml"), "--author"),
        ((), "SUBCOMMAND"),
    ],
)
def test_what_cannot_be_done_is_an_error_and_no_answer(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        policy(*arguments)


@pytest.mark.parametrize("name", ["", "  "])
def test_nobody_is_not_a_person(file: Path, name: str) -> None:
    stored = policy("apply", str(file), "--author", name)
    assert (stored.status, PolicyVersion.objects.count()) == (1, 0)
    assert "say who made it" in stored.flat

    apply(file)
    activated = activate(name)
    assert (activated.status, evaluation.in_force().version) == (1, 1)
    assert "Say who puts it in force" in activated.flat


@pytest.mark.parametrize(
    "arguments",
    [
        ("diff", "active", "default:2"),
        ("simulate", "default:2"),
        ("simulate", "{file}"),
        ("backtest", "default:2", "--horizon", "90d"),
    ],
)
def test_a_version_that_this_release_cannot_read_is_an_error_in_words(
    file: Path, arguments: tuple[str, ...]
) -> None:
    apply(file)
    readable = "{file}" not in arguments
    PolicyVersion.objects.filter(version=2 if readable else 1).update(text="name: of-another-time")
    with pytest.raises(CommandError, match=r"default v\d cannot judge any more: .*this term is missing"):
        policy(*(each.format(file=file) for each in arguments))


def test_no_more_of_a_file_is_read_than_a_policy_can_have() -> None:
    told = policy("check", "/dev/zero")
    assert told.status == 1
    assert "at most 200000 characters" in told.flat


def test_the_line_that_is_no_utf_8_is_named(file: Path) -> None:
    file.write_bytes(STRICTER.replace("title: Readiness", "title: Bereitschaft f\xfcr").encode("latin-1"))
    with pytest.raises(CommandError, match="line 3 is not a text in UTF-8"):
        policy("check", str(file))


def test_a_diff_with_a_file_that_is_no_policy_is_an_error(file: Path) -> None:
    file.write_text("window_days: 1")
    with pytest.raises(CommandError, match=r"stricter\.yaml: "):
        policy("diff", "active", str(file))


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("content", "status"), [(DEFAULT, 0), ("name: x", 1), (b"\xff\xfe", 3), (None, 3)])
def test_a_shell_sees_good_not_good_or_that_it_could_not_run(
    tmp_path: Path, content: str | bytes | None, status: int
) -> None:
    file = tmp_path / "policy.yaml"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    ended = shell("policy", "check", str(file), database=f"sqlite:///{tmp_path}/none.sqlite3")
    assert ended.returncode == status, ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.sqlite_only
def test_a_shell_sees_3_for_a_misspelt_subcommand(tmp_path: Path) -> None:
    ended = shell("policy", "chek", "x", database=f"sqlite:///{tmp_path}/none.sqlite3")
    assert ended.returncode == 3
