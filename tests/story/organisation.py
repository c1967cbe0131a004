"""Who works at the shop: four teams that build, two that run, in six places with hours of their own."""

from collections.abc import Iterator

from tests.story.plot import MADE_UP, Person, Role, Team

TEAMS = (
    Team("checkout-berlin", "Checkout (Berlin)", "Europe/Berlin", "DE", "DE-BE"),
    Team("browse-london", "Browse (London)", "Europe/London", "GB", "GB-ENG", "09:30-17:30"),
    Team("delivery-new-york", "Delivery (New York)", "America/New_York", "US", "US-NY", "09:00-17:00"),
    Team("accounts-kolkata", "Accounts (Kolkata)", "Asia/Kolkata", "IN", "IN-WB", "10:00-19:00"),
    Team("ops-dublin", "Operations (Dublin)", "Europe/Dublin", "IE", kind="operations"),
    Team("ops-chicago", "Operations (Chicago)", "America/Chicago", "US", "US-IL", kind="operations"),
)
TEAM = {team.slug: team for team in TEAMS}

STAFF: dict[str, dict[Role, tuple[str, ...]]] = {
    "checkout-berlin": {
        "developer": ("Anna Berger", "Cem Aydin", "Jule Hartwig", "Piotr Malek"),
        "tester": ("Mira Lorenz",),
        "architect": ("Henrik Vogt",),
        "designer": ("Leonie Kraft",),
        "manager": ("Tobias Renner",),
    },
    "browse-london": {
        "developer": ("Priya Nair", "Owen Hughes", "Tess Whitlock", "Idris Bello"),
        "tester": ("Grace Pell",),
        "architect": ("Martin Ashdown",),
        "designer": ("Yara Quinn",),
        "manager": ("Helen Marsh",),
    },
    "delivery-new-york": {
        "developer": ("Luis Ortega", "Dana Feld", "Marcus Boone", "Wei Zhou"),
        "tester": ("Nadia Karim",),
        "architect": ("Ruth Adler",),
        "designer": ("Cole Bennett",),
        "manager": ("Sofia Greco",),
    },
    "accounts-kolkata": {
        "developer": ("Arjun Sen", "Ishita Roy", "Farhan Ali", "Meera Pillai"),
        "tester": ("Debjani Ghosh",),
        "architect": ("Rohan Mitra",),
        "designer": ("Tara Bose",),
        "manager": ("Kavita Rao",),
    },
    "ops-dublin": {
        "ops": ("Orla Byrne", "Conor Daly", "Aoife Keane", "Marek Novak", "Sinead Walsh", "Tomas Silva"),
        "manager": ("Niamh Farrell",),
    },
    "ops-chicago": {
        "ops": ("Grant Miller", "Keisha Brown", "Omar Haddad", "Emily Stone", "Victor Reyes", "Hana Sato"),
        "manager": ("Paul Lindgren",),
    },
}
DIRECTORS = (
    Person("Katrin Seidel", "director", ("checkout-berlin", "browse-london")),
    Person("James Okafor", "director", ("delivery-new-york", "accounts-kolkata")),
)
PEOPLE = (
    *(
        Person(name, role, (team,))
        for team, roles in STAFF.items()
        for role, names in roles.items()
        for name in names
    ),
    *DIRECTORS,
)


def members(team: str, roles: tuple[Role, ...]) -> tuple[Person, ...]:
    """People of a team who have one of the roles, as they were hired."""
    return tuple(person for person in PEOPLE if team in person.teams and person.role in roles)


def people_rows() -> Iterator[dict[str, object]]:
    """Everybody with who they are at the pager, on the rota, and where they log in."""
    for person in PEOPLE:
        yield {
            "name": person.name,
            "email": f"{person.log_in}@larkfield.example",
            "role": person.role,
            "teams": list(person.teams),
            "identities": {
                "handoff": person.log_in,
                f"{MADE_UP} pager": person.log_in,
                f"{MADE_UP} rota": person.log_in,
            },
        }
