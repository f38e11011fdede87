"""`bilag apply`: the database matches the file, once, and a wrong file changes nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import yaml

from bilag.connectors.registry import CONNECTORS
from bilag.core.problem import Problem, Refused
from bilag.delivery.configuration.apply import Change, apply
from bilag.delivery.configuration.export import export_configuration
from bilag.delivery.configuration.read import read_configuration
from bilag.exports.audit import record_change
from bilag.integrations.model import book_id, integration_id, organization_id
from bilag.integrations.store import change_integration, get_integration, list_mapping_versions
from bilag.integrations.vault import (
    MasterKey,
    Vault,
    VaultError,
    describe_credentials,
    read_credentials,
)
from bilag.tenants.members import list_members
from bilag.tenants.organizations import get_organization, list_organizations
from tests.clusters import Database
from tests.database.people import ALICE, scope, switched_off, two_organizations

EXAMPLE = Path(__file__).parents[2] / "examples" / "organizations.yaml"
SECRET = "a-secret-that-nobody-may-see-4711"
ENVIRON = {"LEDGER_KEY": SECRET, "SANDBOX_API_KEY": "sandbox-api-key"}
HLF = organization_id("hlf")
LEDGER = integration_id(HLF, "ledger")


def an_integration(**changes: Any) -> dict[str, Any]:
    return {
        "key": "ledger",
        "name": "Ledger",
        "type": "rest",
        "book": "main",
        "settings": {"baseUrl": "https://ledger.example.com", "auth": {"kind": "api_key"}},
        "credentials": {"api_key": "env:LEDGER_KEY"},
        "mapping": {"categories": {"travel": {"account": 7140}}, "counterAccount": 2910},
        **changes,
    }


def an_organization(**changes: Any) -> dict[str, Any]:
    return {
        "slug": "hlf",
        "name": "HLF",
        "members": [{"subject": "administrator-002", "role": "admin"}],
        "books": [{"key": "main", "name": "Main", "currency": "NOK"}],
        "integrations": [an_integration()],
        **changes,
    }


class Applying:
    """Writes a file and applies it, as `bilag apply` does."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.url = database.application_url
        self.file = folder / "organizations.yaml"
        self.vault = Vault(MasterKey(b"\x07" * 32))

    def __call__(self, *organizations: dict[str, Any], dry_run: bool = False) -> list[Change]:
        self.file.write_text(yaml.safe_dump({"organizations": list(organizations)}))
        return self.run(self.file, dry_run=dry_run)

    def run(self, file: Path, *, dry_run: bool = False) -> list[Change]:
        configuration = read_configuration(file, connectors=CONNECTORS, environ=ENVIRON)
        with psycopg.connect(self.url, autocommit=True) as connection:
            return apply(
                connection,
                self.vault,
                configuration,
                by="Administrator 001",
                audit=record_change,
                dry_run=dry_run,
            )

    def refused(self, *organizations: dict[str, Any]) -> dict[str, Problem]:
        """Return the problems by their places, of a file that must be refused."""
        with pytest.raises(Refused) as refused:
            self(*organizations)
        return {problem.field: problem for problem in refused.value.problems}

    def log(self) -> list[tuple[str, str, str]]:
        """Return event, subject and detail of the audit log."""
        with scope(self.url, HLF) as connection:
            return connection.execute(
                "SELECT event, subject, detail::text FROM change_logs ORDER BY id"
            ).fetchall()


@pytest.fixture
def applying(database: Database, tmp_path: Path) -> Applying:
    return Applying(database, tmp_path)


def subjects(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.subject, change.what) for change in changes]


def test_the_example_is_made_and_a_second_run_finds_nothing_to_do(applying: Applying) -> None:
    first = applying.run(EXAMPLE)
    assert {change.organization for change in first} == {
        "blindeforbundet",
        "hlf",
        "hospitality",
        "nhf",
    }
    assert applying.run(EXAMPLE) == []
    own = organization_id("hospitality")
    with scope(applying.url, own) as connection:
        ledger = get_integration(connection, own, "ledger")
        assert ledger is not None
        assert ledger.book.currency == "CAD"
        assert ledger.delivery.requests_in_flight == 16
        assert ledger.mapping_version == 1
        secrets = read_credentials(connection, applying.vault, own, ledger.id)
    assert secrets == {"api_key": "sandbox-api-key"}


def test_what_changed_is_told_and_nothing_else_is_touched(applying: Applying) -> None:
    assert subjects(applying(an_organization())) == [
        ("organization hlf", "created"),
        ("member administrator-002", "created"),
        ("book main", "created"),
        ("integration ledger", "created"),
        ("credential ledger.api_key", "set"),
        ("mapping of ledger", "version 1"),
    ]
    with scope(applying.url, HLF) as connection:
        before = describe_credentials(connection, HLF, LEDGER)
    changed = an_organization(
        name="Hørselshemmedes Landsforbund",
        members=[{"subject": "administrator-003", "role": "admin"}],
        integrations=[
            an_integration(
                settings={"baseUrl": "https://new.example.com", "auth": {"kind": "api_key"}},
                mapping={"categories": {"travel": {"account": 7150}}, "counterAccount": 2910},
                delivery={"postingDate": "last_cost"},
            )
        ],
    )
    assert subjects(applying(changed)) == [
        ("organization hlf", "changed: name"),
        ("member administrator-002", "removed"),
        ("member administrator-003", "created"),
        ("integration ledger", "changed: delivery, settings.baseUrl"),
        ("mapping of ledger", "version 2"),
    ]
    with scope(applying.url, HLF) as connection:
        assert describe_credentials(connection, HLF, LEDGER) == before, "not sealed again"
        assert len(list_mapping_versions(connection, HLF, LEDGER)) == 2
        assert [one.subject for one in list_members(connection, HLF)] == ["administrator-003"]


def test_every_change_is_in_the_audit_log_and_no_secret_is(applying: Applying) -> None:
    told = applying(an_organization())
    told += applying(
        an_organization(
            integrations=[
                an_integration(
                    settings={"baseUrl": "https://new.example.com", "auth": {"kind": "bearer"},
                              "headers": {"X-API-Key": "written-into-the-wrong-place-1"}},
                    credentials={"bearer_token": "env:LEDGER_KEY"},
                )
            ]
        )
    )  # fmt: skip
    log = applying.log()
    assert [subject for _, subject, _ in log] == [change.subject for change in told]
    assert "credential.removed" in [event for event, _, _ in log]
    text = str(log) + str(told)
    assert "https://new.example.com" in text
    assert SECRET not in text
    assert "written-into-the-wrong-place-1" not in text


def test_a_changed_secret_is_sealed_anew(applying: Applying, monkeypatch: Any) -> None:
    applying(an_organization())
    monkeypatch.setitem(ENVIRON, "LEDGER_KEY", "the-next-secret-0815")
    assert subjects(applying(an_organization())) == [("credential ledger.api_key", "replaced")]
    with scope(applying.url, HLF) as connection:
        (shown,) = describe_credentials(connection, HLF, LEDGER)
        assert shown.masked == "••••••••0815"
    expiring = an_integration(
        credentials={"api_key": {"secret": "env:LEDGER_KEY", "expires": "2027-01-31"}}
    )
    assert subjects(applying(an_organization(integrations=[expiring]))) == [
        ("credential ledger.api_key", "replaced")
    ]
    assert applying(an_organization(integrations=[expiring])) == []


def test_a_secret_in_a_file_is_read_relative_to_the_yaml(applying: Applying) -> None:
    (applying.file.parent / "key.txt").write_text("secret-of-the-file\n")
    applying(
        an_organization(integrations=[an_integration(credentials={"api_key": "file:key.txt"})])
    )
    with scope(applying.url, HLF) as connection:
        read = read_credentials(connection, applying.vault, HLF, LEDGER)
    assert read == {"api_key": "secret-of-the-file"}


def test_a_literal_secret_is_refused_and_not_repeated(applying: Applying) -> None:
    literal = an_integration(credentials={"api_key": SECRET})
    problems = applying.refused(an_organization(integrations=[literal]))
    (place,) = problems
    assert place == "organizations[hlf].integrations[ledger].credentials.api_key.secret"
    assert problems[place].code == "secret_literal"
    assert "env:NAME" in problems[place].text()
    assert SECRET not in str([problem.as_json() for problem in problems.values()])


def test_codes_that_no_ledger_has_are_refused(applying: Applying) -> None:
    wrong = {"categories": {"travel": {"account": "71 40x!"}}, "counterAccount": 2910}
    book = {"key": "main", "name": "Main", "currency": "NOK", "roundingAccount": "77 40"}
    problems = applying.refused(
        an_organization(integrations=[an_integration(mapping=wrong)], books=[book])
    )
    at = "organizations[hlf].integrations[ledger].mapping.categories.travel.account"
    assert {place: problem.params["code"] for place, problem in problems.items()} == {
        at: "71 40x!", "organizations[hlf].books[main].roundingAccount": "77 40",
    }  # fmt: skip


def test_all_faults_are_named_with_place_and_line_and_nothing_is_changed(
    applying: Applying,
) -> None:
    good = an_organization(slug="good")
    applying.file.write_text(
        yaml.safe_dump({"organizations": [good]})
        + """- slug: hlf
  nam: HLF
  language: no
  members: [{subject: a, role: boss}, {subject: a, role: admin}]
  books: [{key: main, name: Main, currency: KRONER}]
  integrations:
  - key: ledger
    name: Ledger
    type: rest
    book: main
    settings: {baseUrl: 'ftp://x', loockUp: {}}
    credentials: {api_key: env:NOT_SET}
    mapping: {categories: {travel: {acount: 7140}}}
  - {key: other, name: Other, type: xlegder, book: main, settings: {}}
"""
    )
    start = applying.file.read_text().count("\n", 0, applying.file.read_text().index("slug: hlf"))
    with pytest.raises(Refused) as refused:
        applying.run(applying.file)
    found = [(p.field, p.code, (p.line or 0) - start) for p in refused.value.problems]
    assert found == [
        ("organizations[hlf].name", "key_missing", 1),
        ("organizations[hlf].nam", "key_unknown", 2),
        ("organizations[hlf].language", "value_not_valid", 3),
        ("organizations[hlf].members[a]", "entry_twice", 4),
        ("organizations[hlf].members[a].role", "value_not_valid", 4),
        ("organizations[hlf].books[main].currency", "currency_not_valid", 5),
        ("organizations[hlf].integrations[ledger].settings.baseUrl", "value_not_valid", 11),
        ("organizations[hlf].integrations[ledger].settings.loockUp", "key_unknown", 11),
        (
            "organizations[hlf].integrations[ledger].credentials.api_key.secret",
            "secret_not_set",
            12,
        ),
        (
            "organizations[hlf].integrations[ledger].mapping.categories.travel.acount",
            "mapping_unknown_key",
            13,
        ),
        ("organizations[hlf].integrations[other].type", "connector_unknown", 14),
    ]
    with psycopg.connect(applying.url) as connection:
        assert list_organizations(connection) == []


def test_what_only_the_database_knows_is_told_at_once_and_undoes_all(applying: Applying) -> None:
    applying(an_organization())
    with scope(applying.url, HLF) as connection:
        connection.execute(
            "INSERT INTO exports (organization_id, integration_id, book_id, record_id,"
            " source_system, source_id, revision, live, category, currency, amount, reference,"
            " state) VALUES (%s, %s, %s, %s, 'app', 'claim-1', 1, true, 'expense', 'NOK', 125,"
            " 'B1', 'pending')",
            [HLF, LEDGER, book_id(HLF, "main"), uuid4()],
        )
    before = applying.log()
    problems = applying.refused(
        an_organization(slug="good"),
        an_organization(
            name="Renamed",
            books=[{"key": "main", "name": "Main", "currency": "EUR"}],
            integrations=[an_integration(book="missing")],
        ),
    )
    assert {place: problem.code for place, problem in problems.items()} == {
        "organizations[hlf].books[main]": "book_in_use",
        "organizations[hlf].integrations[ledger].book": "book_unknown",
    }
    with psycopg.connect(applying.url, autocommit=True) as connection:
        assert [one.slug for one in list_organizations(connection)] == ["hlf"]
        unchanged = get_organization(connection, "hlf")
    assert unchanged is not None
    assert unchanged.name == "HLF"
    assert applying.log() == before


def test_a_dry_run_tells_the_changes_and_makes_none(applying: Applying) -> None:
    told = applying(an_organization(), dry_run=True)
    assert len(told) == 6
    with psycopg.connect(applying.url) as connection:
        assert list_organizations(connection) == []
    assert applying(an_organization()) == told


def test_what_the_file_leaves_out_stays_as_people_set_it(applying: Applying) -> None:
    applying(an_organization(language="nn", excludedFeatures=["membership"]))
    with scope(applying.url, HLF) as connection:
        change_integration(connection, HLF, LEDGER, switched_off)
    bare = an_integration()
    del bare["credentials"], bare["mapping"]
    without = an_organization(integrations=[bare])
    del without["members"], without["books"]
    assert applying(without) == []
    with scope(applying.url, HLF) as connection:
        ledger = get_integration(connection, HLF, "ledger")
        assert ledger is not None
        assert (ledger.enabled, ledger.mapping_version) == (False, 1)
        assert len(list_members(connection, HLF)) == 1
        assert len(describe_credentials(connection, HLF, LEDGER)) == 1


def test_another_organization_is_left_alone(applying: Applying) -> None:
    two_organizations(applying.url)
    applying(an_organization())
    assert {change.organization for change in applying(an_organization(name="New"))} == {"hlf"}
    with scope(applying.url, ALICE) as connection:
        assert get_integration(connection, ALICE, "ledger") is not None
        assert connection.execute("SELECT count(*) FROM change_logs").fetchone() == (0,)


def test_an_integration_that_is_not_named_is_switched_off_and_gives_its_route_up(
    applying: Applying,
) -> None:
    applying(an_organization())
    changes = applying(an_organization(integrations=[an_integration(key="next")]))
    assert ("integration ledger", "changed: enabled, route") in subjects(changes)
    with scope(applying.url, HLF) as connection:
        old, new = (get_integration(connection, HLF, key) for key in ("ledger", "next"))
        assert len(describe_credentials(connection, HLF, LEDGER)) == 1, "its secrets stay"
    assert old is not None
    assert new is not None
    assert (old.enabled, old.is_route, new.is_route) == (False, False, True)


def test_a_route_moves_from_one_integration_to_another(applying: Applying) -> None:
    first, second = an_integration(route=True), an_integration(key="a-second", route=False)
    applying(an_organization(integrations=[first, second]))
    moved = [an_integration(route=False), an_integration(key="a-second", route=True)]
    assert subjects(applying(an_organization(integrations=moved))) == [
        ("integration ledger", "changed: route"),
        ("integration a-second", "changed: route"),
    ]
    both = [an_integration(), an_integration(key="a-second")]
    problems = applying.refused(an_organization(integrations=both))
    assert [problem.code for problem in problems.values()] == ["two_routes"]


def test_a_declaration_is_recorded_kept_and_taken_back(applying: Applying) -> None:
    signed = {
        "templateId": "confidentiality",
        "version": "2",
        "signedOffBy": "Administrator 001",
        "signedOffAt": "2026-01-15",
    }

    def declaration() -> dict[str, Any]:
        with psycopg.connect(applying.url, autocommit=True) as connection:
            found = get_organization(connection, "hlf")
        assert found is not None
        return found.declaration

    applying(an_organization(declaration=signed))
    assert declaration() == signed
    assert applying(an_organization()) == []
    assert declaration() == signed
    applying(an_organization(declaration=None))
    assert declaration() == {}


def test_claimants_come_from_a_csv_file(applying: Applying) -> None:
    mapping = {"categories": {"a": {"account": 1}}, "counterAccount": 2, "claimants": "file:c.csv"}
    entry = an_organization(integrations=[an_integration(mapping=mapping)])
    file = applying.file.parent / "c.csv"
    file.write_text("\ufeffClaimant;Party;Note\nvolunteer-017;20017;x\nvolunteer-018; 0020 ;\n")
    applying(entry)
    with scope(applying.url, HLF) as connection:
        row = connection.execute("SELECT field_mappings FROM mapping_versions").fetchone()
    assert row is not None
    assert row[0]["claimants"] == {"volunteer-017": "20017", "volunteer-018": "0020"}
    file.write_text("claimant,party\na,1\na,2\nb,\n")
    with pytest.raises(Refused) as refused:
        applying(entry)
    assert [(p.code, p.line) for p in refused.value.problems] == [
        ("claimants_repeated", 3),
        ("claimants_incomplete", 4),
    ]
    file.write_text("id,party\na,1\n")
    assert [problem.code for problem in applying.refused(entry).values()] == ["claimants_header"]


def test_a_mapping_may_stand_in_a_file_of_its_own(applying: Applying) -> None:
    place = applying.file.parent / "mapping.yaml"
    entry = an_organization(integrations=[an_integration(mapping="file:mapping.yaml")])
    place.write_text("categories:\n  travel: {account: 0714}\ncounterAccount: 2910\n")
    applying(entry)
    with scope(applying.url, HLF) as connection:
        row = connection.execute("SELECT field_mappings FROM mapping_versions").fetchone()
    assert row == ({"categories": {"travel": {"account": "0714"}}, "counterAccount": "2910"},)
    place.write_text("categories: {\n")
    problems = applying.refused(entry)
    assert list(problems) == ["organizations[hlf].integrations[ledger].mapping(mapping.yaml)"]
    place.write_text("categories: {travel: {account: 7140}}\n")
    assert "mapping_counter_account" in {p.code for p in applying.refused(entry).values()}


def test_a_wrong_master_key_changes_nothing(applying: Applying) -> None:
    applying(an_organization())
    applying.vault = Vault(MasterKey(b"\x08" * 32))
    with pytest.raises(VaultError, match="wrapped by master key"):
        applying(an_organization(name="Renamed"))
    with psycopg.connect(applying.url, autocommit=True) as connection:
        found = get_organization(connection, "hlf")
    assert found is not None
    assert found.name == "HLF"


def test_a_damaged_credential_is_mended_by_applying_again(
    applying: Applying, database: Database
) -> None:
    applying(an_organization())
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE credentials SET sealed = set_byte(sealed, 20, 0)")
        owner.execute("UPDATE credentials SET sealed = set_byte(sealed, 21, 1)")
    assert subjects(applying(an_organization())) == [("credential ledger.api_key", "replaced")]
    with scope(applying.url, HLF) as connection:
        assert read_credentials(connection, applying.vault, HLF, LEDGER) == {"api_key": SECRET}


def test_two_at_once_make_everything_once(applying: Applying) -> None:
    both = threading.Barrier(2)

    def run(_: int) -> int:
        both.wait()
        return len(applying.run(EXAMPLE))

    with ThreadPoolExecutor(2) as threads:
        counts = sorted(threads.map(run, range(2)))
    assert counts[0] == 0 < counts[1]


def test_an_exported_configuration_is_the_same_and_can_be_copied(applying: Applying) -> None:
    applying.run(EXAMPLE)
    for slug in ("blindeforbundet", "nhf", "hospitality"):
        with psycopg.connect(applying.url, autocommit=True) as connection:
            text = export_configuration(connection, slug)
        assert "sandbox-api-key" not in text
        applying.file.write_text(text)
        assert applying.run(applying.file) == []
    applying.file.write_text(text.replace("slug: hospitality", "slug: copy"))
    assert {change.organization for change in applying.run(applying.file)} == {"copy"}
    copy, original = organization_id("copy"), organization_id("hospitality")
    with scope(applying.url, copy) as connection:
        copied = get_integration(connection, copy, "ledger")
        assert describe_credentials(connection, copy, integration_id(copy, "ledger")) == []
    with scope(applying.url, original) as connection:
        first = get_integration(connection, original, "ledger")
    assert copied is not None
    assert first is not None
    assert copied.settings == first.settings
    with (
        psycopg.connect(applying.url, autocommit=True) as connection,
        pytest.raises(Refused, match="no organization nobody"),
    ):
        export_configuration(connection, "nobody")


def test_ids_of_books_and_organizations_follow_from_the_file(applying: Applying) -> None:
    applying(an_organization())
    with scope(applying.url, HLF) as connection:
        rows: list[tuple[UUID]] = connection.execute("SELECT id FROM books").fetchall()
    assert rows == [(book_id(HLF, "main"),)]


def test_any_integration_may_have_a_callback_secret(applying: Applying) -> None:
    credentials = {"api_key": "env:LEDGER_KEY", "callback_secret": "env:SANDBOX_API_KEY"}
    applying(an_organization(integrations=[an_integration(credentials=credentials)]))
    with scope(applying.url, HLF) as connection:
        assert read_credentials(connection, applying.vault, HLF, LEDGER) == {
            "api_key": SECRET,
            "callback_secret": "sandbox-api-key",
        }
    credentials["call_back"] = "env:LEDGER_KEY"
    (problem,) = applying.refused(
        an_organization(integrations=[an_integration(credentials=credentials)])
    ).values()
    assert problem.code == "secret_unknown"
    assert "callback_secret" in problem.params["known"]


def test_a_changed_integration_is_no_longer_stopped_by_its_error(applying: Applying) -> None:
    applying(an_organization())

    def stopped() -> list[tuple[bool]]:
        with scope(applying.url, HLF) as connection:
            return connection.execute(
                "SELECT error_since IS NOT NULL FROM integration_runtime"
            ).fetchall()

    with scope(applying.url, HLF) as connection:
        connection.execute(
            "UPDATE integration_runtime SET error_since = now(), error_message = 'refused'"
        )
    assert applying(an_organization()) == []
    assert stopped() == [(True,)], "nothing was changed"
    changed = an_integration(
        settings={"baseUrl": "https://new.example.com", "auth": {"kind": "api_key"}}
    )
    again = an_organization(integrations=[changed])
    assert applying(again, dry_run=True) == applying(again)
    assert stopped() == [(False,)]
    assert applying.log()[-1][:2] == ("integration.error_cleared", "integration ledger")
