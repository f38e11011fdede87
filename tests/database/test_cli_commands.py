"""Each command by its effect: what stands in the database and in the ledger afterwards."""

import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
import structlog

from bilag.app.cli_log import configure_logging
from bilag.tenants.tokens import authenticate
from tests.clusters import Database
from tests.database.cli_place import ORGANIZATION, Place, claim
from tests.sandboxes import start_sandbox


@pytest.fixture
def place(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Place]:
    """An installation with one organization that delivers to a sandbox."""
    monkeypatch.setenv("BILAG_HOME", str(tmp_path))
    monkeypatch.setenv("BILAG_DATABASE_URL", database.application_url)
    monkeypatch.delenv("BILAG_LANGUAGE", raising=False)
    handlers, level = logging.root.handlers, logging.root.level
    with start_sandbox("rest") as sandbox:
        yield Place(tmp_path, database, sandbox, capsys)
    # The handlers of the command write to a stderr that is gone by now.
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def test_apply_is_all_or_nothing_and_done_once(place: Place) -> None:
    file = place.write_configuration()
    good = file.read_text()
    file.write_text(good.replace("slug: hlf", "slug: hlf\n  colour: blue"))
    refused = place.bilag("apply", file)
    assert refused.code == 3
    assert "colour" in refused.err
    assert "line " in refused.err
    file.write_text(good)
    assert place.bilag("apply", file, "--dry-run").code == 0
    assert place.rows("SELECT * FROM organizations") == []
    first = place.bilag("apply", file)
    assert (first.code, place.rows("SELECT slug FROM organizations")) == (0, [("hlf",)])
    assert "integration ledger" in first.out
    assert place.bilag("apply", file).out == "nothing to change\n"
    assert "sandbox-api-key" not in first.out + refused.err


def test_an_exported_configuration_changes_nothing_when_applied(place: Place) -> None:
    place.configure()
    written = place.bilag("export-configuration", ORGANIZATION)
    assert written.code == 0
    assert "sandbox-api-key" not in written.out
    file = place.home / "exported.yaml"
    file.write_text(written.out)
    assert place.bilag("apply", file).out == "nothing to change\n"
    assert place.bilag("export-configuration", "nhf").code == 4


def test_import_takes_the_good_ones_once_and_keeps_the_bad_ones(place: Place) -> None:
    place.configure()
    claims = [claim(1), claim(2, amount="tolv"), claim(3, status="pending"), claim(4)]
    ran = place.take_in(*claims)
    assert ran.code == 1
    assert place.states() == {"C-1": "pending", "C-4": "pending"}
    assert "2 claims accepted" in " ".join(ran.out.split())
    assert "1 claims refused" in " ".join(ran.out.split())
    (errors,) = place.home.glob("*.errors*")
    assert "tolv" in errors.read_text()
    assert str(errors) in ran.out
    assert place.rows("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == [(1,)]
    again = place.take_in(claim(1), claim(4))
    assert again.code == 0
    assert "2 claims known already" in " ".join(again.out.split())
    assert len(place.states()) == 2


def test_import_follows_a_withdrawal(place: Place) -> None:
    place.configure()
    withdrawal = {"sourceSystem": "app", "sourceId": "C-1", "status": "withdrawn"}
    assert place.take_in(claim(1), claim(2), withdrawal).code == 0
    assert place.states() == {"C-1": "cancelled", "C-2": "pending"}


def test_import_says_what_is_missing(place: Place) -> None:
    place.configure()
    table = place.home / "claims.csv"
    table.write_text("claim;amount\n1;2\n")
    own_names = place.bilag("import", table, "--organization", ORGANIZATION)
    assert own_names.code == 3
    assert "no field “claim”" in own_names.err
    profile = place.home / "profile.yaml"
    profile.write_text("name: x\n")
    ran = place.bilag("import", table, "--organization", ORGANIZATION, "--profile", profile)
    assert ran.code == 3
    assert "sourceSystem" in ran.err
    unknown = place.bilag("import", profile, "--organization", "nhf")
    assert unknown.code == 4
    assert ORGANIZATION in unknown.err


def test_status_obeys_the_sum_rule_and_tells_what_needs_a_person(place: Place) -> None:
    place.configure()
    place.take_in(
        claim(1, "100.50"),
        claim(2, "200.25", costCentre="9999"),
        claim(3, "300.00", type="tolk"),
        claim(4, "0.00"),
        claim(5, "-50.25"),
        claim(6, "10.00", currency="SEK"),
    )
    before = place.bilag("status", "--json")
    assert before.code == 0
    assert before.json["workers"] == 0
    place.deliver()
    ran = place.bilag("status", ORGANIZATION, "--json")
    assert ran.code == 1
    assert ran.json["needsPerson"] is True
    (integration,) = ran.json["organizations"][0]["integrations"]
    assert integration["condition"] == "active"
    assert [total["currency"] for total in integration["totals"]] == ["NOK", "SEK"]
    for total in integration["totals"]:
        states = total["states"]
        assert sum(s["count"] for s in states.values()) == total["approved"]["count"]
        assert sum(Decimal(s["amount"]) for s in states.values()) == Decimal(
            total["approved"]["amount"]
        )
        assert total["difference"] == {"count": 0, "amount": "0.00"}
        counted = place.rows(
            "SELECT state, count(*), sum(amount) FROM exports WHERE currency = %s GROUP BY state",
            total["currency"],
        )
        shown = {
            (state, found["count"], Decimal(found["amount"]))
            for state, found in states.items()
            if found["count"]
        }
        assert shown == set(counted)
    kroner = integration["totals"][0]["states"]
    assert kroner["exported"] == {"count": 2, "amount": "50.25"}
    assert kroner["failed"] == {"count": 1, "amount": "200.25"}
    assert kroner["held"] == {"count": 1, "amount": "300.00"}
    assert place.sandbox.ledger(summary=True)["count"] == 2


def test_status_shows_a_difference_where_the_books_do_not_add_up(place: Place) -> None:
    place.configure()
    place.take_in(claim(1))
    place.deliver()
    assert place.bilag("status").code == 0
    with psycopg.connect(place.database.owner_url) as owner:
        owner.execute(
            "INSERT INTO export_total_deltas (organization_id, integration_id, currency, listing,"
            " state, count, amount) SELECT organization_id, integration_id, currency, 'current',"
            " 'approved', 1, 7.5 FROM exports"
        )
    ran = place.bilag("status", "--json")
    assert ran.code == 1
    (total,) = ran.json["organizations"][0]["integrations"][0]["totals"]
    assert total["difference"] == {"count": 1, "amount": "7.50"}


def test_status_speaks_three_languages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.configure()
    place.take_in(claim(1, "1234567.5", costCentre="9999"), claim(2, "1.00"))
    place.deliver()
    english = place.bilag("status").out
    assert "refused" not in english
    assert "1,234,567.50" in english
    monkeypatch.setenv("BILAG_LANGUAGE", "nb")
    bokmaal = place.bilag("status").out
    assert "avvist" in bokmaal
    assert "1 234 567,50" in bokmaal.replace("\u00a0", " ")
    nynorsk = place.bilag("status", "--language", "nn").out
    assert "sist synkronisert" in nynorsk
    assert "Rekneskapssystemet" in place.bilag("exports", ORGANIZATION, "--language", "nn").out


def test_exports_lists_what_is_asked_for(place: Place) -> None:
    place.configure()
    place.take_in(*(claim(number) for number in range(1, 5)), claim(9, costCentre="9999"))
    place.deliver()
    ran = place.bilag("exports", ORGANIZATION, "--state", "failed")
    assert ran.code == 1
    assert "Invalid cost center code: 9999" in ran.out
    assert "C-9" in ran.out
    assert "C-1" not in ran.out
    headings, row = (line.split() for line in ran.out.splitlines()[:2])
    assert headings[:3] == ["id", "integration", "claim"]
    assert row[1:3] == ["ledger", "C-9"]
    one = place.bilag("exports", ORGANIZATION, "--source-id", "C-1", "--json")
    assert one.code == 0
    (row,) = one.json
    (entry,) = [e for e in place.sandbox.ledger()["entries"] if e["sourceId"] == "C-1"]
    assert (row["state"], row["amount"]) == ("exported", "100.00")
    assert row["reference"] == entry["reference"]
    assert row["externalReference"] == entry["id"]
    assert row["voucherNumber"] == entry["voucherNumber"]
    first = place.bilag("exports", ORGANIZATION, "--limit", 2, "--json").json
    second = place.bilag("exports", ORGANIZATION, "--before", first[-1]["id"], "--json").json
    assert len(first + second) == 5
    assert len({row["id"] for row in first + second}) == 5
    assert place.bilag("exports", ORGANIZATION, "--source-id", "C-77").code == 4
    assert place.bilag("exports", ORGANIZATION, "--integration", "no-such").code == 4


def test_sync_waits_for_a_worker_and_for_the_end(place: Place) -> None:
    place.configure()
    place.take_in(*(claim(number) for number in range(1, 30)))
    place.sandbox.faults({"kind": "lost_answer", "at": [7]})
    asked = place.bilag("sync", ORGANIZATION)
    assert asked.code == 0
    assert "bilag worker" in asked.err
    alone = place.bilag("sync", ORGANIZATION, "--wait", "--timeout", 1)
    assert alone.code == 5
    assert set(place.states().values()) == {"pending"}
    with place.worker():
        ran = place.bilag("sync", ORGANIZATION, "--wait", "--timeout", 60)
    assert ran.code == 0, ran.err
    assert set(place.states().values()) == {"exported"}
    assert place.sandbox.ledger(summary=True)["count"] == 29
    assert place.sandbox.ledger(summary=True)["duplicateReferences"] == {}


def test_sync_of_a_disabled_integration_says_so(place: Place) -> None:
    file = place.write_configuration()
    file.write_text(file.read_text().replace("key: ledger", "enabled: false\n    key: ledger"))
    assert place.bilag("apply", file).code == 0
    place.take_in(claim(1))
    ran = place.bilag("sync", ORGANIZATION, "--wait")
    assert ran.code == 1
    assert "disabled" in ran.err
    assert place.bilag("sync", ORGANIZATION, "--integration", "no-such").code == 4


def test_retry_sends_what_was_refused_after_the_cause_is_gone(place: Place) -> None:
    place.configure()
    place.take_in(claim(1, costCentre="9999"), claim(2, costCentre="9999"), claim(3))
    place.deliver()
    place.sandbox.add_master_data(costCentres={"9999": "New"})
    first, third = place.export_id("C-1"), place.export_id("C-3")
    one = place.bilag("retry", ORGANIZATION, first)
    assert (one.code, one.out) == (0, "hlf: 1 queued again\n")
    assert place.states() == {"C-1": "pending", "C-2": "failed", "C-3": "exported"}
    assert place.bilag("retry", ORGANIZATION, third).code == 1
    assert place.bilag("retry", ORGANIZATION, 4711).code == 4
    assert place.bilag("retry", ORGANIZATION, "--integration", "no-such").code == 4
    assert place.bilag("retry", ORGANIZATION).code == 0
    place.deliver()
    assert set(place.states().values()) == {"exported"}
    assert place.sandbox.ledger(summary=True)["count"] == 3


def test_retry_held_uses_the_new_mapping(place: Place) -> None:
    place.configure()
    place.take_in(claim(1, type="tolk"), claim(2, type="gave"))
    place.deliver()
    assert set(place.states().values()) == {"held"}
    place.categories["tolk"] = "4500"
    assert place.configure().code == 0
    ran = place.bilag("retry", ORGANIZATION, "--held")
    assert (ran.code, ran.out) == (0, "hlf: 2 queued again\n")
    place.deliver()
    assert place.states() == {"C-1": "exported", "C-2": "held"}


def test_resolve_leaves_to_a_person_what_cannot_be_looked_up(place: Place) -> None:
    place.looks_up = False
    place.configure()
    place.sandbox.faults({"kind": "lost_answer", "at": [1]})
    place.take_in(claim(1))
    place.deliver()
    assert place.states() == {"C-1": "in_doubt"}
    waiting = place.bilag("resolve", ORGANIZATION)
    assert waiting.code == 1
    assert "1 in doubt" in waiting.err
    with place.worker():
        assert place.bilag("sync", ORGANIZATION, "--wait", "--timeout", 30).code == 1
    assert place.states() == {"C-1": "needs_review"}
    export = place.export_id("C-1")
    listed = place.bilag("resolve", ORGANIZATION)
    assert listed.code == 1
    (entry,) = place.sandbox.ledger()["entries"]
    assert entry["reference"] in listed.out
    decision = ["resolve", ORGANIZATION, "--export", export, "--as", "exported"]
    assert place.bilag(*decision).code == 2
    assert place.bilag("resolve", ORGANIZATION, "--as", "exported").code == 2
    assert place.states() == {"C-1": "needs_review"}
    decided = place.bilag(*decision, "--reason", "found", "--external-reference", entry["id"])
    assert decided.code == 0
    assert place.states() == {"C-1": "exported"}
    assert place.bilag(*decision, "--reason", "found").code == 1
    assert place.bilag("resolve", ORGANIZATION).code == 0
    decision[3] = 4711
    assert place.bilag(*decision, "--reason", "found").code == 4
    ((detail,),) = place.rows("SELECT detail FROM change_logs WHERE event = 'export.decided'")
    assert (detail["reason"], detail["externalReference"]) == ("found", entry["id"])


def test_resolve_never_looks_up_before_the_waiting_time_is_over(place: Place) -> None:
    place.configure()
    place.sandbox.faults({"kind": "lost_answer", "at": [1]})
    place.take_in(claim(1))
    place.deliver()

    def due_after_sending() -> float:
        ((seconds,),) = place.rows("SELECT extract(epoch FROM due_at - send_by) FROM exports")
        return float(seconds)

    def looked_up_in_vain(send_by: str) -> None:
        with psycopg.connect(place.database.owner_url) as owner:
            owner.execute(
                "UPDATE exports SET due_at = now() + interval '1 hour', send_by = now() + %s,"
                """ reason = '{"code": "look_up_failed"}'""",
                [send_by],
            )

    timeout_and_settle = 0.5
    assert due_after_sending() == pytest.approx(timeout_and_settle, abs=0.01)
    assert place.bilag("resolve", ORGANIZATION).code == 1
    assert due_after_sending() == pytest.approx(timeout_and_settle, abs=0.01)
    looked_up_in_vain("30 seconds")
    assert place.bilag("resolve", ORGANIZATION).code == 1
    assert due_after_sending() == pytest.approx(timeout_and_settle, abs=0.01)
    looked_up_in_vain("-30 seconds")
    assert place.bilag("resolve", ORGANIZATION).code == 1
    assert 30 < due_after_sending() < 600
    place.sandbox.clear_faults()
    with place.worker():
        assert place.bilag("sync", ORGANIZATION, "--wait", "--timeout", 30).code == 0
    assert place.states() == {"C-1": "exported"}
    assert place.sandbox.ledger(summary=True)["count"] == 1


def test_check_connection_says_what_to_do_and_ends_the_error(place: Place) -> None:
    place.configure()
    place.sandbox.set(api_key="a-new-key-77")
    place.take_in(claim(1))
    place.deliver()
    stopped = place.bilag("status", "--json")
    assert stopped.code == 1
    assert stopped.json["organizations"][0]["integrations"][0]["condition"] == "error"
    failing = place.bilag("check-connection", ORGANIZATION)
    assert failing.code == 1
    assert "NOT OK" in failing.out
    assert "sandbox-api-key" not in failing.out + stopped.out
    place.sandbox.set(api_key="sandbox-api-key")
    passing = place.bilag("check-connection", ORGANIZATION, "--integration", "ledger")
    assert passing.code == 0
    assert "999999999 Sandbox Organization" in passing.out
    assert "cleared" in passing.out
    assert place.sandbox.ledger(summary=True)["count"] == 0
    place.deliver()
    assert place.states() == {"C-1": "exported"}
    place.sandbox.set(api_key="a-new-key-77")
    place.take_in(claim(2))
    place.deliver()
    place.sandbox.set(company_id="111111111")
    place.api_key = "a-new-key-77"
    assert "integration ledger: its error is cleared" in place.configure().out
    place.deliver()
    assert place.states() == {"C-1": "exported", "C-2": "pending"}, "another company: stopped again"
    other = place.bilag("check-connection", ORGANIZATION)
    assert other.code == 1
    assert "999999999" in other.out


def test_restored_puts_everything_unfinished_in_doubt(place: Place) -> None:
    place.configure()
    place.take_in(claim(1), claim(2, costCentre="9999"))
    place.deliver()
    place.take_in(claim(3))
    assert place.bilag("restored").code == 2
    assert place.states() == {"C-1": "exported", "C-2": "failed", "C-3": "pending"}
    ran = place.bilag("restored", "--yes")
    assert ran.code == 0
    assert "epoch 2" in ran.out
    assert "1 audit logs are anchored in the new epoch" in ran.out
    anchors = (place.home / "anchors" / f"{ORGANIZATION}.ndjson").read_bytes().splitlines()
    assert json.loads(anchors[-1])["epoch"] == 2
    assert place.states() == {"C-1": "exported", "C-2": "in_doubt", "C-3": "in_doubt"}


def test_token_is_shown_once_and_can_be_ended(place: Place) -> None:
    place.configure()
    made = place.bilag("token", ORGANIZATION, "--name", "app", "--scope", "records:write")
    assert made.code == 0
    token = made.out.strip()
    with psycopg.connect(place.database.application_url) as connection:
        caller = authenticate(connection, token)
    assert caller is not None
    assert caller.scopes == ("records:write",)
    listed = place.bilag("token", ORGANIZATION, "--list")
    assert token not in listed.out
    assert token[-4:] in listed.out
    token_id = caller.actor.removeprefix("token ")
    assert place.bilag("token", ORGANIZATION, "--revoke", token_id).code == 0
    with psycopg.connect(place.database.application_url) as connection:
        assert authenticate(connection, token) is None
    assert place.bilag("token", ORGANIZATION, "--revoke", token_id).code == 4
    assert place.bilag("token", ORGANIZATION, "--name", "app").code == 2
    assert place.bilag("token", ORGANIZATION, "--name", "app", "--scope", "all").code == 2
    assert token not in str(place.rows("SELECT * FROM change_logs"))


def test_an_organization_is_found_by_its_own_name_only(place: Place) -> None:
    place.configure()
    place.take_in(claim(1))
    for command in (
        ["status", "nhf"],
        ["exports", "nhf"],
        ["sync", "nhf"],
        ["retry", "nhf"],
        ["resolve", "nhf"],
        ["check-connection", "nhf"],
        ["token", "nhf", "--list"],
    ):
        ran = place.bilag(*command)
        assert ran.code == 4
        assert "C-1" not in ran.out


def test_logs_are_json_lines_without_secrets(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILAG_MASTER_KEY", "bWFzdGVyLWtleS1vZi10aGUtdGVzdC0wMTIzNDU2Nzg=")
    place.capture.readouterr()
    configure_logging("info")
    log = structlog.get_logger("test")
    log.info("connected", url="postgresql://app:pass-word-1@host/db", organization="hlf")
    log.info("opened", detail={"headers": ["Authorization: Bearer abcdefgh12345678"]})
    logging.getLogger("other").warning("key %s", "bWFzdGVyLWtleS1vZi10aGUtdGVzdC0wMTIzNDU2Nzg=")
    log.error("failed", exc_info=RuntimeError("postgresql://app:pass-word-2@host/db"))
    lines = place.capture.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in lines][:2] == ["connected", "opened"]
    assert len(lines) == 4
    text = "\n".join(lines)
    assert "hlf" in text
    for secret in ("pass-word", "abcdefgh12345678", "bWFzdGVy"):
        assert secret not in text


def test_the_control_report_balances_and_is_signed(place: Place) -> None:
    place.configure()
    place.take_in(claim(1, "100.50"), claim(2, type="unknown"))
    place.deliver()
    days = ("--from", "2026-03-01", "--to", "2026-03-31")
    file = place.home / "claims.csv"
    ran = place.bilag("control-report", ORGANIZATION, "--book", "main", *days, "--csv", file)
    assert ran.code == 0, ran.err
    assert "exported" in ran.out
    assert "200.50 NOK" in ran.out
    (sealed,) = place.rows("SELECT detail ->> 'hash' FROM change_logs"
                           " WHERE event = 'control_report.made'")  # fmt: skip
    assert f"sha256 {sealed[0]}" in ran.out
    assert len(file.read_bytes().splitlines()) == 3
    again = place.bilag("control-report", ORGANIZATION, "--book", "main", *days, "--json")
    assert again.json["hash"] == sealed[0], "the same content, the same hash"
    assert again.json["balances"] is True
    assert again.json["report"]["totals"][0]["states"]["held"]["count"] == 1
    wrong = place.bilag("control-report", ORGANIZATION, "--book", "nowhere", *days)
    assert wrong.code == 2
    assert "nowhere" in wrong.err
