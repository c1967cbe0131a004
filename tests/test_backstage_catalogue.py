"""Backstage files are read as people write them: what is usable is used, the rest is said."""

from datetime import date, time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from readiness.backstage import Catalogue, Lifecycle, Link, ServiceEntry, combine, read_catalogue
from readiness.backstage.documents import MAX_BYTES
from readiness.hours import Hours

FIXTURES = Path(__file__).parent.parent / "fixtures"

GROUP = """
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: Berlin
  annotations:
    handoff/time-zone: Europe/Berlin
    handoff/country: DE
    handoff/country-subdivision: DE-BE
    handoff/business-hours: 10:00-19:30
    handoff/weekend: fri, Sat
spec:
  profile: {displayName: Team Berlin}
"""

COMPONENT = """
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: pay
  title: Payments
  description: Takes money.
  tags: [java, money]
  annotations:
    handoff/tier: 1
    handoff/ops-team: group:default/sre
    handoff/launched-on: 2025-06-01
    handoff/management-state: ops_managed
    handoff/aliases: payments, pay , payments,checkout
    handoff/components: api, worker
    handoff/default-branch: trunk
    handoff/made-up: True
    backstage.io/source-location: url:https://example.org/pay/
    github.com/project-slug: example/pay
  links:
    - {url: "https://example.org/docs", title: Docs, type: documentation}
spec:
  type: website
  lifecycle: production
  owner: group:default/berlin
  system: default/shop
  dependsOn: ["component:ledger", "resource:default/db", "component:default/ledger"]
"""


def read(*documents: str) -> Catalogue:
    return read_catalogue("\n---\n".join(documents).encode())


def service(text: str) -> ServiceEntry:
    (only,) = read(text).services
    return only


def reasons(catalogue: Catalogue) -> list[str]:
    return [str(problem) for problem in catalogue.problems]


def test_a_component_of_any_type_is_a_service() -> None:
    catalogue = read(GROUP, COMPONENT)
    assert catalogue.problems == ()
    assert catalogue.services == (
        ServiceEntry(
            slug="pay",
            title="Payments",
            description="Takes money.",
            owner="Berlin",
            ops_team="sre",
            tier=1,
            lifecycle=Lifecycle.LIVE,
            launched_on=date(2025, 6, 1),
            management_state="ops_managed",
            aliases=("payments", "checkout"),
            components=("api", "worker"),
            default_branch="trunk",
            system="shop",
            depends_on=("ledger", "db"),
            links=(
                Link("https://example.org/docs", "Docs", "documentation"),
                Link("https://example.org/pay/", "Source", "source"),
                Link("https://github.com/example/pay", "Source", "source"),
            ),
            tags=("java", "money"),
            made_up=True,
        ),
    )


def test_a_group_is_a_team_with_its_hours() -> None:
    (team,) = read(GROUP).teams
    assert (team.slug, team.title) == ("Berlin", "Team Berlin")
    assert team.hours == Hours(
        "Europe/Berlin", "DE", "BE", opens=time(10), closes=time(19, 30), weekend=frozenset({4, 5})
    )


def test_resources_and_apis_are_kept_by_name_and_other_kinds_counted() -> None:
    catalogue = read(
        "{kind: Resource, metadata: {name: db}}",
        "{kind: API, metadata: {name: rest}}",
        "{kind: Location, spec: {targets: ['./*.yaml']}}",
        "{kind: User, metadata: {name: ada}}",
        "{kind: User, metadata: {name: ben}}",
    )
    assert catalogue.others == ("db", "rest")
    assert catalogue.ignored == {"Location": 1, "User": 2}
    assert catalogue.problems == ()


def test_a_system_has_an_owner() -> None:
    (system,) = read("{kind: System, metadata: {name: shop, title: Shop}, spec: {owner: berlin}}").systems
    assert (system.slug, system.title, system.owner) == ("shop", "Shop", "berlin")


@pytest.mark.parametrize(
    ("written", "lifecycle", "deprecated"),
    [
        ("production", Lifecycle.LIVE, False),
        ("Production", Lifecycle.LIVE, False),
        ("deprecated", Lifecycle.LIVE, True),
        ("retired", Lifecycle.RETIRED, False),
        ("decommissioned", Lifecycle.RETIRED, False),
        ("experimental", Lifecycle.PRE_LAUNCH, False),
        ("on hold", Lifecycle.PRE_LAUNCH, False),
    ],
)
def test_lifecycles(written: str, lifecycle: Lifecycle, *, deprecated: bool) -> None:
    entry = service(f"{{kind: Component, metadata: {{name: a}}, spec: {{lifecycle: {written}}}}}")
    assert (entry.lifecycle, entry.deprecated) == (lifecycle, deprecated)


@pytest.mark.parametrize(
    ("written", "owner"),
    [
        ("team-a", "team-a"),
        ("group:team-a", "team-a"),
        ("group:default/team-a", "team-a"),
        ("Group:Default/team-a", "team-a"),
        ("default/team-a", "team-a"),
        ("user:default/ada", "ada"),
    ],
)
def test_an_owner_may_be_written_in_any_of_backstages_ways(written: str, owner: str) -> None:
    assert service(f"{{kind: Component, metadata: {{name: a}}, spec: {{owner: '{written}'}}}}").owner == owner


def test_a_person_as_owner_is_told() -> None:
    catalogue = read("{kind: Component, metadata: {name: a}, spec: {lifecycle: x, owner: 'user:ada'}}")
    assert reasons(catalogue) == ["document 1, a, spec.owner is a person; taken as a team named ada"]


def test_a_component_without_anything_but_a_name_is_still_a_service() -> None:
    catalogue = read("kind: Component\nmetadata:\n  name: bare\n  annotations:\nspec:\n")
    assert catalogue.services == (ServiceEntry(slug="bare"),)
    assert [problem.field for problem in catalogue.problems] == ["spec.lifecycle", "spec.owner"]
    assert not any(problem.dropped for problem in catalogue.problems)


def test_words_that_yaml_takes_for_something_else_stay_words() -> None:
    (team,) = read("{kind: Group, metadata: {name: 007, annotations: {handoff/country: NO}}}").teams
    assert (team.slug, team.hours.country) == ("007", "NO")
    assert service("{kind: Component, metadata: {name: on}, spec: {owner: yes}}").owner == "yes"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("kind: Component\nmetadata: {name: '${{ values.name }}'}", "is a template's placeholder"),
        ("kind: Component\nmetadata:\n  name: {{ values.name }}", "is a template, not an entity"),
        ("{% if service %}\nkind: Component\n{% endif %}", "is a template, not an entity"),
        ("kind: Component", "metadata.name is missing"),
        ("kind: Component\nmetadata: []", "metadata is not a mapping"),
        ("kind: Component\nmetadata: {name: [a]}", "metadata.name is not text"),
        ("kind: Component\nmetadata: {name: a/b}", "is no name an entity can have"),
        ("kind: Component\nmetadata: {name: '" + "a" * 201 + "'}", "is no name an entity can have"),
        ("metadata: {name: a}", "kind is missing: this is no entity"),
        ("just text", "is no entity"),
        ("- a\n- b", "is no entity"),
        ("kind: [", "is not valid YAML"),
        ("kind: *nowhere", "is not valid YAML"),
        ("!!python/object/apply:os.system [ls]", "is not valid YAML"),
        ("[" * 5000, "is not valid YAML"),
    ],
)
def test_a_broken_document_is_told_and_does_not_lose_the_others(document: str, reason: str) -> None:
    catalogue = read("# nothing but a remark", GROUP, document, COMPONENT)
    assert [entry.slug for entry in catalogue.services] == ["pay"]
    assert [entry.slug for entry in catalogue.teams] == ["Berlin"]
    assert all(problem.document == 2 for problem in catalogue.problems)
    assert reason in " ".join(reasons(catalogue))
    assert any(problem.dropped for problem in catalogue.problems)


@pytest.mark.parametrize(
    ("annotation", "value", "reason"),
    [
        ("handoff/tier", "5", "is 1 to 4, not '5': taken as 3"),
        ("handoff/tier", "[1]", "is not text"),
        ("handoff/tier", "${{ values.tier }}", "is a template's placeholder"),
        ("handoff/teir", "1", "is no setting"),
        ("handoff/time-zone", "UTC", "has no meaning on a Component"),
        ("handoff/launched-on", "last year", "is a date like 2025-06-01, not 'last year'"),
        ("handoff/management-state", "nobody", "is developer_managed or ops_managed, not 'nobody'"),
        ("handoff/made-up", "perhaps", "is true or false, not 'perhaps': taken as true"),
        ("handoff/default-branch", "b" * 201, "is longer than 200 characters; the rest is left out"),
    ],
)
def test_a_wrong_setting_of_a_service_is_told_and_means_its_default(
    annotation: str, value: str, reason: str
) -> None:
    text = f"{{kind: Component, metadata: {{name: a, annotations: {{{annotation}: {value}}}}}, spec: {{}}}}"
    text = text if "{{ " not in text else text.replace(value, f"'{value}'")
    catalogue = read(text)
    assert f"document 1, a, metadata.annotations.{annotation} {reason}" in reasons(catalogue)
    assert catalogue.services[0].tier == 3
    assert catalogue.services[0].launched_on is None
    assert catalogue.services[0].management_state == "developer_managed"


@pytest.mark.parametrize(
    ("written", "made_up"),
    [
        ("handoff/tier: 1", False),
        ("handoff/made-up: 'false'", False),
        ("handoff/made-up: true", True),
        ("handoff/made-up: perhaps", True),
    ],
)
def test_what_may_be_a_sample_never_passes_for_a_real_service(written: str, made_up: bool) -> None:
    text = f"{{kind: Component, metadata: {{name: a, annotations: {{{written}}}}}, spec: {{}}}}"
    assert service(text).made_up is made_up


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("handoff/time-zone", "Berlin"),
        ("handoff/country", "Germany"),
        ("handoff/country-subdivision", "BE"),
        ("handoff/business-hours", "nine to five"),
        ("handoff/weekend", "someday"),
    ],
)
def test_wrong_hours_of_a_team_are_told_and_mean_their_default(annotation: str, value: str) -> None:
    catalogue = read(f"{{kind: Group, metadata: {{name: a, annotations: {{{annotation}: {value}}}}}}}")
    assert [problem.field for problem in catalogue.problems] == [f"metadata.annotations.{annotation}"]
    assert catalogue.teams[0].hours == Hours()


def test_links_that_are_no_web_addresses_are_left_out() -> None:
    catalogue = read(
        "{kind: Component, metadata: {name: a, links: [x, {url: 'javascript:alert(1)'}, {url: 'https://a.b'}]}}"
    )
    assert catalogue.services[0].links == (Link("https://a.b"),)
    assert sum("no http or https address" in reason for reason in reasons(catalogue)) == 1


def test_of_two_entities_with_one_name_the_first_stands() -> None:
    catalogue = combine([read(COMPONENT), read(COMPONENT.replace("name: pay", "name: PAY"))])
    assert [entry.slug for entry in catalogue.services] == ["pay"]
    assert any("is described twice as Component" in reason for reason in reasons(catalogue))


def test_an_alias_belongs_to_one_service() -> None:
    rival = COMPONENT.replace("name: pay", "name: shop").replace(
        "payments, pay , payments,checkout", "Pay,till"
    )
    catalogue = combine([read(COMPONENT), read(rival)])
    assert [entry.aliases for entry in catalogue.services] == [("payments", "checkout"), ("till",)]
    assert any("'Pay' already names pay" in reason for reason in reasons(catalogue))


def test_a_file_that_is_no_text_or_too_large_is_told() -> None:
    assert reasons(read_catalogue(b"kind: \xff", file="c.yaml")) == [
        "c.yaml: document 0, file is not UTF-8 text"
    ]
    assert reasons(read_catalogue(b"#" * (MAX_BYTES + 1))) == ["document 0, file is larger than 20 MB"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_editors_of_all_systems_are_understood(encoding: str, newline: str) -> None:
    stream = "\n---\n".join(["%YAML 1.2", GROUP, COMPONENT + "...", "# end"]).replace("\n", newline)
    catalogue = read_catalogue(stream.encode(encoding))
    assert [entry.slug for entry in catalogue.services] == ["pay"]
    assert catalogue.problems == ()


def test_entities_nested_into_themselves_end() -> None:
    laughs = "a: &x0 [ha]\n" + "\n".join(
        f"b{level}: &x{level} [{', '.join([f'*x{level - 1}'] * 9)}]" for level in range(1, 12)
    )
    catalogue = read(f"{laughs}\nkind: Component\nmetadata: &m {{name: a, tags: *x11, annotations: *m}}")
    assert [entry.slug for entry in catalogue.services] == ["a"]


@given(st.binary(max_size=300))
def test_no_bytes_raise(stream: bytes) -> None:
    read_catalogue(stream)


WORDS = "kind Component Group metadata name spec owner annotations handoff/tier links tags dependsOn null 1"
SIGNS = (": ", "\n", "  ", "- ", "---\n", "{", "}", "[", "]", "&a ", "*a", "${{ x }}")
pieces = st.sampled_from((*WORDS.split(), *SIGNS))


@given(st.lists(pieces, max_size=60).map("".join))
def test_no_heap_of_yaml_raises(text: str) -> None:
    catalogue = read(COMPONENT, text)
    assert catalogue.services[0].slug == "pay"


nested = st.recursive(
    st.none() | st.text(max_size=5) | st.just("${{ x }}"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
FIELDS = ("title", "description", "tags", "annotations", "links")


@given(st.dictionaries(st.sampled_from(FIELDS), nested), st.dictionaries(st.text(max_size=9), nested))
def test_whatever_the_fields_hold_the_service_is_kept(
    metadata: dict[str, object], spec: dict[str, object]
) -> None:
    written = {"kind": "Component", "metadata": metadata | {"name": "a"}, "spec": spec}
    catalogue = read_catalogue(yaml_of(written))
    assert [entry.slug for entry in catalogue.services] == ["a"]


def yaml_of(content: object) -> bytes:
    text: str = yaml.safe_dump(content)
    return text.encode()


@pytest.mark.parametrize(
    ("fleet", "services", "teams"),
    [("govuk", 44, 10), ("jenkins-infra", 51, 5), ("vectors", 30, 4), ("story", 27, 6)],
)
def test_the_sample_fleets_are_read_whole(fleet: str, services: int, teams: int) -> None:
    catalogue = read_catalogue((FIXTURES / fleet / "catalog-info.yaml").read_bytes())
    assert (len(catalogue.services), len(catalogue.teams)) == (services, teams)
    assert catalogue.problems == ()
    owners = {team.slug for team in catalogue.teams}
    assert {entry.owner for entry in catalogue.services} <= owners
