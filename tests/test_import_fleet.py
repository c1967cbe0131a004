"""`import_fleet`: good lines go in, bad ones are named with line, field and reason, and the status tells."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from handoff.management.commands.import_fleet import SHOWN, Command
from readiness.ingest import lines
from readiness.models import (
    Dependency,
    Deployment,
    Feed,
    Identity,
    Incident,
    ManagementChange,
    Person,
    Service,
    ServiceAlias,
    Team,
)

ROOT = Path(__file__).parent.parent

CATALOGUE = """
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: payments, annotations: {handoff/time-zone: Europe/Berlin, handoff/country: DE}}
spec: {type: team, children: []}
---
kind: Component
metadata: {name: pay, annotations: {handoff/aliases: "pay-api, payments.example.org"}}
spec: {type: service, lifecycle: production, owner: "group:default/payments"}
"""
DEPLOYMENT: dict[str, Any] = {
    "service": "pay",
    "source": "ci",
    "id": "1",
    "environment": "production",
    "started_at": "2026-06-01T10:00:00Z",
    "outcome": "succeeded",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import ended with and said."""

    status: int
    counts: dict[str, int]
    said: list[str]

    @property
    def taken(self) -> tuple[int, int]:
        """Rows created, and refused."""
        return self.counts["created"], self.counts["rejected"]


class Folder:
    """A fleet folder with one service, and a way to import it."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self.capsys = capsys
        self.catalogue(CATALOGUE)

    def catalogue(self, text: str, name: str = "catalog-info.yaml") -> None:
        """Write a Backstage file."""
        (self.path / name).parent.mkdir(exist_ok=True)
        (self.path / name).write_text(text)

    def write(self, name: str, *records: Any) -> None:
        """Write a file of records; what is no object is written as it is."""
        written = (each if isinstance(each, str) else json.dumps(each) for each in records)
        (self.path / name).write_text("".join(f"{line}\n" for line in written))

    def bring_in(self, *options: str) -> Outcome:
        """Import the folder."""
        command = Command()
        call_command(command, self.path, "--format", "json", *options)
        captured = self.capsys.readouterr()
        return Outcome(command.status, json.loads(captured.out.splitlines()[-1]), captured.err.splitlines())


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], db: None) -> Folder:
    (tmp_path / "shop").mkdir()
    return Folder(tmp_path / "shop", capsys)


# What goes in -----------------------------------------------------------------------------------------


def test_a_folder_of_good_lines_goes_in_whole(folder: Folder) -> None:
    folder.write("deployments.jsonl", DEPLOYMENT, {**DEPLOYMENT, "id": "2", "service": "pay-api"})

    outcome = folder.bring_in()

    assert (outcome.status, outcome.said) == (0, [])
    assert outcome.counts == {"created": 4, "updated": 0, "unchanged": 0, "rejected": 0}
    assert Deployment.objects.filter(service__slug="pay", service__fleet="shop").count() == 2


def test_a_service_is_adopted_into_the_state_the_catalogue_names_once(folder: Folder) -> None:
    described = CATALOGUE.replace("annotations: {handoff/aliases", "annotations: {%shandoff/aliases")
    folder.catalogue(described % "handoff/management-state: ops_managed, handoff/launched-on: '2025-06-01', ")
    folder.bring_in()
    folder.catalogue(described % "handoff/management-state: developer_managed, ")
    folder.bring_in()

    change = ManagementChange.objects.get()
    assert (change.state, change.way, change.actor) == ("ops_managed", "adoption", "import")
    assert change.effective_at.isoformat() == "2025-06-01T00:00:00+00:00"


@pytest.mark.parametrize("name", ["deployments.jsonl", "deployments.jsonl.gz"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\n\n  \n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_gzip_byte_order_marks_line_ends_and_empty_lines_are_understood(
    folder: Folder, name: str, ending: bytes, start: bytes
) -> None:
    written = [json.dumps({**DEPLOYMENT, "id": number}).encode() for number in "123"]
    content = start + ending.join(written)  # the last line has no end
    (folder.path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)

    outcome = folder.bring_in()

    assert (outcome.status, outcome.said) == (0, [])
    assert Deployment.objects.count() == 3


def test_catalogues_may_be_many_files(folder: Folder) -> None:
    folder.catalogue(CATALOGUE.replace("name: pay,", "name: ship,").replace("pay-api, ", ""), "catalog/a.yml")
    folder.catalogue("kind: System\nmetadata: {name: shop}\nspec: {owner: payments}", "catalog/b.yaml")

    folder.bring_in()

    assert list(Service.objects.values_list("slug", flat=True)) == ["pay", "ship"]


def test_a_feed_may_speak_of_all_services_of_its_folder_alone(folder: Folder) -> None:
    feed = {"source": "ci", "kind": "deployment", "services": ["*"]}
    span = {**feed, "since": "2026-01-01T00:00:00Z", "last_seen_at": "2026-06-01T00:00:00Z"}
    folder.write("feeds.jsonl", span)
    folder.bring_in()
    other = folder.path.parent / "other"
    other.mkdir()
    elsewhere = Folder(other, folder.capsys)
    elsewhere.catalogue(CATALOGUE.replace("name: pay,", "name: ship,").replace("pay-api, payments", "ship"))
    elsewhere.write("feeds.jsonl", {**span, "source": "other"})
    elsewhere.bring_in()

    found = Feed.objects.values_list("service__slug", "source", "origin", "declared_by", "reason")
    assert sorted(found) == [
        ("pay", "ci", "declared", "import", "feeds.jsonl of shop"),
        ("ship", "other", "declared", "import", "feeds.jsonl of other"),
    ]


def test_a_dependency_on_an_unknown_service_is_kept_by_name_until_it_is_known(folder: Folder) -> None:
    edge = {"service": "pay", "source": "mesh", "id": "1", "on": "ledger", "type": "sync"}
    folder.write("dependencies.jsonl", edge, {**edge, "id": "2", "on": "books"})
    assert folder.bring_in().status == 0
    assert not Dependency.objects.exclude(target=None).exists()

    ledger = CATALOGUE.replace("name: pay,", "name: ledger,").replace(
        "pay-api, payments.example.org", "books"
    )
    folder.catalogue(ledger, "catalog/ledger.yaml")
    folder.bring_in()
    assert set(Dependency.objects.values_list("on", "target__slug")) == {
        ("ledger", "ledger"),
        ("books", "ledger"),
    }


def test_people_come_with_their_teams_and_identities(folder: Folder) -> None:
    ada = {"name": "Ada Lovelace", "role": "developer", "teams": ["payments"], "identities": {"pager": "U1"}}
    folder.write("people.jsonl", ada)
    folder.bring_in()
    person = Person.objects.get(slug="ada-lovelace")
    assert [team.slug for team in person.teams.all()] == ["payments"]
    assert Identity.objects.get(source="pager", external_id="U1").person == person

    assert folder.bring_in().counts["updated"] == 0
    folder.write("people.jsonl", {**ada, "role": "tester"}, {**ada, "name": "Grace"}, {**ada, "teams": ["x"]})
    outcome = folder.bring_in()
    assert (outcome.counts["updated"], outcome.counts["rejected"]) == (1, 2)
    assert outcome.said == [
        "people.jsonl:2: identities.pager: 'U1' is Ada Lovelace already",
        "people.jsonl:3: teams: 'x' is no team that the catalogue knows",
    ]


# What does not ----------------------------------------------------------------------------------------

BAD: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "record: record is not JSON"),
    "no object": ("[1]", "record: record is not a JSON object"),
    "a field that is missing": ({**DEPLOYMENT, "outcome": None}, "outcome: must not be null"),
    "a field that is unknown": ({**DEPLOYMENT, "colour": "red"}, "colour: is not a field"),
    "a word that is unknown": ({**DEPLOYMENT, "outcome": "fine"}, "outcome: must be"),
    "a time without offset": (
        {**DEPLOYMENT, "started_at": "2026-06-01T10:00:00"},
        "started_at: has no offset",
    ),
    "a time in the far future": (
        {**DEPLOYMENT, "started_at": "2126-06-01T10:00:00Z"},
        "started_at: lies too",
    ),
    "an end before its start": (
        {**DEPLOYMENT, "finished_at": "2026-05-31T10:00:00Z"},
        "finished_at: is before",
    ),
    "no number": ('{"commits": NaN}', "commits: "),
    "an absurd size": ({**DEPLOYMENT, "commits": 10**9}, "commits: is more than"),
    "an unknown service": ({**DEPLOYMENT, "service": "tax"}, "service: 'tax' is no service or alias"),
    "a NUL character": ({**DEPLOYMENT, "version": "v\0"}, "version: contains a NUL"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_line_is_named_and_the_others_go_in(folder: Folder, what: str) -> None:
    bad, expected = BAD[what]
    folder.write("deployments.jsonl", DEPLOYMENT, bad, {**DEPLOYMENT, "id": "3"})

    outcome = folder.bring_in()

    assert outcome.status == 1
    assert outcome.taken == (4, 1)
    assert any(line.startswith(f"deployments.jsonl:2: {expected}") for line in outcome.said), outcome.said


def test_lines_without_end_and_broken_text_are_refused_alone(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 1000)
    good = json.dumps(DEPLOYMENT).encode()
    content = b"\n".join([b'{"id": "' + b"x" * 5000 + b'"}', b'{"id": "\xff"}', good])
    (folder.path / "deployments.jsonl").write_bytes(content)

    outcome = folder.bring_in()

    assert outcome.taken == (3, 2)
    assert outcome.said[0] == "deployments.jsonl:1: line: is longer than 1000 bytes"
    assert outcome.said[1].startswith("deployments.jsonl:2: ")


@pytest.mark.parametrize("damage", ["truncated", "no gzip"])
def test_of_a_damaged_gzip_goes_in_what_can_be_read(folder: Folder, damage: str) -> None:
    written = "\n".join(json.dumps({**DEPLOYMENT, "id": str(number)}) for number in range(5000)).encode()
    content = gzip.compress(written)[:-5000] if damage == "truncated" else written
    (folder.path / "deployments.jsonl.gz").write_bytes(content)

    outcome = folder.bring_in()

    assert (outcome.status, outcome.counts["rejected"]) == (1, 1)
    assert (Deployment.objects.count() > 1000) == (damage == "truncated")
    assert "cannot be read" in outcome.said[0]


def test_a_feed_that_names_an_unknown_service_is_taken_for_the_others(folder: Folder) -> None:
    feed = {"source": "ci", "kind": "page", "services": ["pay", "tax"]}
    folder.write(
        "feeds.jsonl", {**feed, "since": "2026-01-01T00:00:00Z", "last_seen_at": "2026-06-01T00:00:00Z"}
    )

    outcome = folder.bring_in()

    assert outcome.taken == (3, 1)
    assert outcome.said == ["feeds.jsonl:1: services: 'tax': no services or aliases that the catalogue knows"]


def test_a_line_that_contradicts_what_is_stored_is_refused_and_nothing_is_lost(folder: Folder) -> None:
    incident = {"service": "pay", "source": "log", "id": "1", "severity": 2, "title": "down"}
    first = {**incident, "started_at": "2026-06-01T10:00:00Z", "resolved_at": "2026-06-01T11:00:00Z"}
    folder.write("incidents.jsonl", first)
    folder.bring_in()
    later = {**incident, "started_at": "2026-06-01T12:00:00Z"}
    folder.write("incidents.jsonl", later, {**first, "id": "2"}, {**later, "id": "2"})

    outcome = folder.bring_in()

    assert outcome.status == 1
    assert sorted(outcome.said) == [
        "incidents.jsonl:1: resolved_at: is before started_at once merged",
        "incidents.jsonl:3: resolved_at: is before started_at once merged",
    ]
    starts = Incident.objects.values_list("started_at", flat=True)
    assert [start.isoformat() for start in starts] == ["2026-06-01T10:00:00+00:00"] * 2


def test_only_so_many_bad_lines_of_a_file_are_shown_and_all_are_counted(folder: Folder) -> None:
    folder.write("deployments.jsonl", *["{"] * (SHOWN + 1234))

    outcome = folder.bring_in()

    assert outcome.counts["rejected"] == SHOWN + 1234
    assert len(outcome.said) == SHOWN + 1
    assert outcome.said[-1] == "deployments.jsonl: 1,234 more bad lines"


def test_bad_decisions_are_refused_plainly_and_other_files_are_named(folder: Folder) -> None:
    folder.write("decisions.jsonl", {"at": "2026-06-01T10:00:00Z", "actor": "ada", "action": "propose"})
    folder.write("incident.jsonl", {})

    outcome = folder.bring_in()

    assert outcome.status == 1
    assert outcome.counts["rejected"] == 1
    assert outcome.said[0] == "incident.jsonl is no file of a fleet folder: not read"
    assert outcome.said[1].startswith("decisions.jsonl:1: action: must be one of open_launch_review, ")


def test_bad_catalogue_entries_count_and_the_others_go_in(folder: Folder) -> None:
    folder.catalogue(CATALOGUE + "---\nkind: Component\nmetadata: {}\n---\n: [\n")

    outcome = folder.bring_in()

    assert outcome.taken == (2, 2)
    assert outcome.status == 1


def test_an_unknown_owner_is_said_and_gets_a_placeholder_team(folder: Folder) -> None:
    folder.catalogue(
        "kind: Component\nmetadata: {name: tax}\nspec: {lifecycle: production, owner: nobody}\n---\n"
        "kind: Component\nmetadata: {name: vat, annotations: {handoff/ops-team: sre}}\n"
        "spec: {lifecycle: production}",
    )

    outcome = folder.bring_in()

    assert outcome.status == 0
    assert {team.slug for team in Team.objects.filter(placeholder=True)} == {"nobody", "unowned", "sre"}
    assert any("nobody, owner of tax, is described by no Group" in line for line in outcome.said)
    assert folder.bring_in().counts["created"] == 0

    folder.catalogue("kind: Group\nmetadata: {name: nobody}\nspec: {}", "catalog/teams.yaml")
    folder.bring_in()
    assert not Team.objects.get(slug="nobody").placeholder


def test_an_alias_that_is_taken_stays_where_it_is(folder: Folder) -> None:
    folder.bring_in()
    other = folder.path.parent / "other"
    other.mkdir()
    elsewhere = Folder(other, folder.capsys)
    elsewhere.catalogue(CATALOGUE.replace("name: pay,", "name: ship,").replace("payments.example.org", "pay"))

    outcome = elsewhere.bring_in()

    assert set(ServiceAlias.objects.values_list("name", "service__slug")) == {
        ("pay-api", "pay"),
        ("payments.example.org", "pay"),
    }
    assert "alias 'pay-api' of ship already names another service" in outcome.said


# All or nothing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [True, False])
def test_strict_imports_all_or_nothing(folder: Folder, bad: bool) -> None:
    folder.write("deployments.jsonl", DEPLOYMENT, *(["{"] if bad else []))

    outcome = folder.bring_in("--strict")

    assert outcome.status == (1 if bad else 0)
    assert outcome.taken == ((0, 1) if bad else (3, 0))
    assert Deployment.objects.count() == Service.objects.count() == (0 if bad else 1)


def test_nothing_usable_has_a_status_of_its_own(folder: Folder) -> None:
    (folder.path / "catalog-info.yaml").unlink()
    assert folder.bring_in().status == 2
    folder.write("deployments.jsonl", DEPLOYMENT, "{")
    assert folder.bring_in().status == 2
    assert folder.bring_in("--strict").status == 2


def test_without_a_folder_there_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is no folder"):
        call_command(Command(), tmp_path / "nowhere")


# From a command line ----------------------------------------------------------------------------------

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command as a shell would, against a database without tables."""

    def command(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", "import_fleet", *arguments],
            cwd=ROOT,
            env={
                "ENV_FILE": "/dev/null",
                "DEBUG": "true",
                "CELERY_BROKER_URL": "memory://",
                "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return command


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere"], "is no folder"),
        ([], "the following arguments are required"),
        (["fixtures/govuk", "--format", "xml"], "invalid choice"),
        (["fixtures/govuk"], "no such table"),
    ],
)
def test_a_run_that_cannot_be_ends_with_3_and_says_why(run: Run, arguments: list[str], reason: str) -> None:
    ended = run(*arguments)

    assert ended.returncode == 3
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_that_is_down_ends_with_3(run: Run) -> None:
    ended = run("fixtures/govuk", DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing")

    assert ended.returncode == 3
    assert "Traceback" not in ended.stderr
