"""Every page makes few queries, and as many for fifty rows of everything as for one."""

from dataclasses import replace
from typing import Any

from bilag.core.record import Record
from tests.portal.place import FILLED, Place, claim
from tests.portal.queries import counted
from tests.portal.routes import pages
from tests.portal.states import visitor_of

# Session, person, memberships, role, organization, health and totals come to about 14.
QUERIES_MAX = 30
MANY = 50
# How far a page may be from that, by name of the address: why.
MORE: dict[str, tuple[int, str]] = {}


def test_every_page_makes_few_queries_and_never_more(place: Place) -> None:
    few = _of_every_page(place)
    assert len(few) >= 2
    _grow(place)
    many = _of_every_page(place)
    assert set(many) == set(few)
    growing = {
        name: (len(few[name]), len(many[name]), _extra(few[name], many[name]))
        for name in few
        if len(many[name]) > len(few[name])
    }
    assert not growing
    most = {
        name: len(statements)
        for name, statements in few.items()
        if len(statements) > MORE.get(name, (QUERIES_MAX, ""))[0]
    }
    assert not most


def _of_every_page(place: Place) -> dict[str, list[str]]:
    """Return the statements of each page that answers 200, warm: the second time it is asked."""
    found = {}
    for route in pages():
        client = place.people[visitor_of(route)].client()
        path = route.path(place)
        if client.get(path).status_code != 200:
            continue
        with counted() as statements:
            assert client.get(path).status_code == 200, route.name
        found[route.name] = statements.statements
    return found


def _extra(few: list[str], many: list[str]) -> list[str]:
    """Return the statements that came more often, for the message."""
    return sorted({one[:200] for one in many if many.count(one) > few.count(one)})


def _grow(place: Place) -> None:
    """Make fifty of everything that a page may list."""
    _claims(place)
    with place.owner() as owner:
        for table, changes in _COPIES.items():
            _copy(owner, table.split()[0], changes)


def _claims(place: Place) -> None:
    verbs = place.installation.exports_of(place.organizations[FILLED], "test")
    types = [f"type-{number}" for number in range(MANY)]
    records: list[Record] = [
        replace(claim(1000 + at, kind), claimant_id=f"V{at:03d}") for at, kind in enumerate(types)
    ]
    verbs.accept_records(records)
    ids = place.query(FILLED, "SELECT id FROM exports WHERE state = 'pending' ORDER BY id")
    for (export_id,) in ids[: MANY * 2]:
        place.query(FILLED, "UPDATE exports SET state = 'held' WHERE id = %s", export_id)


def _copy(owner: Any, table: str, changes: dict[str, str]) -> None:
    """Insert MANY copies of a row of a table, with some columns as `changes` make them of `n`."""
    columns = [
        row[0]
        for row in owner.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND table_name = %s AND is_generated = 'NEVER' AND is_identity = 'NO'", [table],
        )
    ]  # fmt: skip
    chosen = ", ".join(changes.get(name, f"one.{name}") for name in columns)
    source = changes.get("", f"SELECT * FROM {table} LIMIT 1")
    made = owner.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen}"
        f" FROM ({source}) one, generate_series(1, {MANY}) n ON CONFLICT DO NOTHING"
    )
    assert made.rowcount >= MANY, f"{table}: {made.rowcount} rows were made"


_NEW = "gen_random_uuid()"


def _of_own(table: str) -> str:
    own = f"(SELECT id FROM organizations WHERE slug = '{FILLED}')"
    return f"SELECT * FROM {table} WHERE organization_id = {own} LIMIT 1"


# What one row becomes fifty of: table -> column -> expression of n; "" is the row to start from.
_COPIES: dict[str, dict[str, str]] = {
    "organizations": {"id": "md5('o' || n)::uuid", "slug": "'lag-' || n", "name": "'Lag ' || n"},
    "members": {
        "organization_id": "md5('o' || n)::uuid",
        "": "SELECT * FROM members WHERE subject = 'admin@example.org' LIMIT 1",
    },
    "members of one": {"subject": "'person-' || n", "": _of_own("members")},
    "books": {"id": _NEW, "key": "'book-' || n", "": _of_own("books")},
    "organization_integrations": {
        "id": "md5('i' || n)::uuid", "key": "'i-' || n", "name": "'Ledger ' || n",
        "is_route": "false", "": _of_own("organization_integrations"),
    },
    "integration_runtime": {
        "integration_id": "md5('i' || n)::uuid", "": _of_own("integration_runtime"),
    },
    "api_tokens": {
        "id": _NEW, "token_hash": "sha256(n::text::bytea)", "": _of_own("api_tokens"),
    },
    "invitations": {
        "id": _NEW, "email": "'v' || n || '@example.org'", "token_hash": "sha256(n::text::bytea)",
        "": _of_own("invitations"),
    },
    "mfa_authenticator": {
        "id": "1000 + n", "": "SELECT * FROM mfa_authenticator WHERE type = 'webauthn' LIMIT 1",
    },
    "mapping_versions": {"version": "n + 100", "": _of_own("mapping_versions")},
    "change_logs": {"": _of_own("change_logs")},
    "syncs": {"id": _NEW, "": _of_own("syncs")},
    "imports": {"id": _NEW, "": _of_own("imports")},
}  # fmt: skip
