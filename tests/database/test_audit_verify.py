"""`bilag audit verify`: whatever anybody does to the log, owner and superuser included, is named.

Claims are delivered for real first, so that the rows are those that the engine writes.
"""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from bilag.app.cli import run
from bilag.delivery.anchoring import anchor_all, carry_away
from bilag.delivery.sync import prepare_connection
from bilag.exports.anchors import AnchorsUnreadable
from bilag.exports.audit import (
    CHANGE_LOG_FIELDS,
    SYNC_LOG_FIELDS,
    link_hash,
    merkle_root,
    record_change,
    row_hash,
)
from bilag.exports.epoch import EpochMark, compare, declare_restored
from tests.clusters import Cluster, Database, database_of
from tests.database.audit_stage import CLAIMS, SLUG, Log, deliver
from tests.simulation.test_restore import copy_database

SOURCE = "bilag_audit_source"
# a set of several rows in the middle, and the last one of the log
LINK = "(SELECT link FROM audit_links WHERE source = 'sync_logs' AND rows > 2 LIMIT 1)"
ROW = f"link = {LINK} AND position = 2"
CHANGE = "link = (SELECT min(link) FROM change_logs)"


@pytest.fixture(scope="module")
def source(
    cluster: Cluster, template_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Log]:
    """A delivered organization that is not touched."""
    yield deliver(cluster, template_database, SOURCE, tmp_path_factory.mktemp("audit"))
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        superuser.execute(f'DROP DATABASE "{SOURCE}" WITH (FORCE)')


@pytest.fixture
def log(cluster: Cluster, source: Log, tmp_path: Path) -> Iterator[Log]:
    """A copy of it, with a home folder of its own."""
    name = "bilag_audit_copy"
    copy_database(cluster.superuser_url, SOURCE, name)
    home = tmp_path / "home"
    shutil.copytree(source.home, home)
    url = psycopg.conninfo.make_conninfo(cluster.superuser_url, dbname=name)
    yield replace(source, database=database_of(cluster, name), superuser_url=url, home=home)
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        superuser.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_what_the_engine_and_people_wrote_is_as_it_was_written(log: Log) -> None:
    found = log.verify()
    assert found.first is None
    assert (found.faults, found.notes) == (0, [])
    assert found.attempts == log.value("SELECT count(*) FROM sync_logs") >= CLAIMS + 5
    assert found.changes == log.value("SELECT count(*) FROM change_logs") >= 5
    assert found.links == log.value("SELECT count(*) FROM audit_links")
    assert log.value("SELECT count(*) FROM sync_logs WHERE payload_hash IS NOT NULL") > CLAIMS


@pytest.mark.parametrize(
    ("do", "code", "names"),
    [
        ("UPDATE sync_logs SET outcome = 'accepted' WHERE outcome = 'rejected' AND id ="
         " (SELECT min(id) FROM sync_logs WHERE outcome = 'rejected')", "audit_changed",
         "SELECT min(id) FROM sync_logs WHERE outcome = 'accepted' AND http_status = 422"),
        (f"UPDATE sync_logs SET message = 'all well' WHERE {ROW}", "audit_changed",
         f"SELECT id FROM sync_logs WHERE {ROW}"),
        (f"UPDATE sync_logs SET at = at + interval '1 day' WHERE {ROW}", "audit_changed",
         f"SELECT id FROM sync_logs WHERE {ROW}"),
        (f"UPDATE sync_logs SET organization_id = gen_random_uuid() WHERE {ROW}",
         "audit_deleted", ""),
        (f"UPDATE sync_logs SET row_hash = sha256('x') WHERE {ROW}", "audit_changed",
         f"SELECT id FROM sync_logs WHERE {ROW}"),
        (f"UPDATE sync_logs SET answer = answer || ' ' WHERE {ROW}", "audit_answer_changed",
         f"SELECT id FROM sync_logs WHERE {ROW}"),
        (f"UPDATE submissions SET body = replace(body, '7140', '9999') WHERE id ="
         f" (SELECT submission_id FROM sync_logs WHERE {ROW})", "audit_payload_changed",
         f"SELECT id FROM sync_logs WHERE {ROW}"),
        (f"DELETE FROM submissions WHERE id = (SELECT submission_id FROM sync_logs WHERE {ROW})",
         "audit_payload_missing", f"SELECT id FROM sync_logs WHERE {ROW}"),
        (f"DELETE FROM sync_logs WHERE {ROW}", "audit_deleted", ""),
        (f"DELETE FROM sync_logs WHERE link = {LINK}", "audit_deleted_set", ""),
        (f"UPDATE sync_logs SET position = 5 - position WHERE link = {LINK} AND position IN (2, 3)",
         "audit_reordered", f"SELECT id FROM sync_logs WHERE {ROW}"),
        (f"UPDATE sync_logs SET position = position + 10 WHERE link = {LINK}", "audit_reordered",
         f"SELECT id FROM sync_logs WHERE link = {LINK} AND position = 11"),
        ("ALTER TABLE sync_logs ALTER id DROP IDENTITY; UPDATE sync_logs s SET id = o.id"
         f" FROM sync_logs o WHERE s.link = {LINK} AND o.link = {LINK} AND s.position IN (1, 2)"
         " AND o.position = 3 - s.position", "audit_reordered",
         f"SELECT id FROM sync_logs WHERE link = {LINK} AND position = 1"),
        (f"UPDATE change_logs SET actor = 'user eve@example.org' WHERE {CHANGE}", "audit_changed",
         f"SELECT id FROM change_logs WHERE {CHANGE}"),
        (f"UPDATE change_logs SET detail = detail || '{{\"exports\": [4]}}' WHERE {CHANGE}",
         "audit_changed", f"SELECT id FROM change_logs WHERE {CHANGE}"),
        (f"DELETE FROM change_logs WHERE {CHANGE}", "audit_deleted_set", ""),
        ("TRUNCATE change_logs", "audit_deleted_set", ""),
        (f"UPDATE audit_links SET root = sha256('x') WHERE link = {LINK}", "audit_link_changed",
         ""),
        (f"UPDATE audit_links SET hash = sha256('x') WHERE link = {LINK}", "audit_link_changed",
         ""),
        (f"UPDATE audit_links SET rows = rows + 1 WHERE link = {LINK}", "audit_link_changed", ""),
        (f"UPDATE audit_links SET source = 'change_logs' WHERE link = {LINK}", "audit_link_changed",
         ""),
        (f"DELETE FROM audit_links WHERE link = {LINK}", "audit_link_deleted", ""),
        ("DELETE FROM audit_links WHERE link = (SELECT max(link) FROM audit_links)",
         "audit_truncated", ""),
        ("DELETE FROM audit_heads", "audit_head_changed", ""),
        ("UPDATE audit_heads SET hash = sha256('x')", "audit_head_changed", ""),
        ("UPDATE audit_heads SET link = link + 1", "audit_truncated", ""),
    ],
)  # fmt: skip
def test_a_row_that_is_not_as_it_was_written_is_named(
    log: Log, do: str, code: str, names: str
) -> None:
    link = log.value(f"SELECT {LINK}")
    log.superuser(do)

    found, told = log.first()

    assert found == code
    if names:
        assert told["row"] == str(log.value(names))
    if LINK in do:
        assert told["link"] == str(link)


@pytest.mark.parametrize("as_owner", [False, True])
def test_an_inserted_row_is_named(log: Log, as_owner: bool) -> None:
    copy = (
        "INSERT INTO sync_logs ({0}, row_hash, link, position, answer)"
        f" SELECT {{0}}, row_hash, link, {{1}}, answer FROM sync_logs WHERE {ROW}"
    )
    names = ", ".join(SYNC_LOG_FIELDS)
    statement = copy.format(names, "position")
    if as_owner:
        with psycopg.connect(log.database.owner_url, autocommit=True) as owner:
            owner.execute("ALTER TABLE sync_logs DISABLE TRIGGER USER")
            owner.execute(statement.encode())
    else:
        log.superuser(statement)
    inserted = log.value("SELECT max(id) FROM sync_logs")

    code, told = log.first()

    assert (code, told["row"]) == ("audit_inserted", str(inserted))


def test_a_row_with_a_time_of_its_own_in_an_old_set_is_named(log: Log) -> None:
    names = ", ".join(name for name in SYNC_LOG_FIELDS if name != "at")
    log.superuser(
        f"INSERT INTO sync_logs ({names}, at, row_hash, link, position)"
        f" SELECT {names}, at - interval '1 hour', row_hash, link, 1 FROM sync_logs WHERE {ROW}"
    )
    code, told = log.first()
    assert (code, told["row"]) == ("audit_changed", str(log.value("SELECT max(id) FROM sync_logs")))


def test_a_change_that_nobody_chained_is_named(log: Log) -> None:
    values = (str(log.organization), "2026-11-02T10:00:00.000000+00:00", "user x", "a.b", "c", {})
    assert len(values) == len(CHANGE_LOG_FIELDS)
    log.superuser(
        "INSERT INTO change_logs (organization_id, at, actor, event, subject, detail, row_hash,"
        f" link) VALUES ('{log.organization}', '2026-11-02 10:00+00', 'user x', 'a.b', 'c', '{{}}',"
        f" '\\x{row_hash(values).hex()}', 1)"
    )
    code, told = log.first()
    assert (code, told["table"]) == ("audit_inserted", "change_logs")
    assert "a.b" in told["about"]


def test_a_row_whose_hash_was_made_anew_is_found_in_its_set(log: Log) -> None:
    row = log.value(f"SELECT to_jsonb(s) FROM sync_logs s WHERE {ROW}")
    values = [row[name] for name in SYNC_LOG_FIELDS]
    for place in (16, 17):
        values[place] = values[place][2:] if values[place] else None
    values[10] = "gave_up"
    at = log.value(f"SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') "
                   f"FROM sync_logs WHERE {ROW}")  # fmt: skip
    values[1] = f"{at}+00:00"
    log.superuser(
        f"UPDATE sync_logs SET outcome = 'gave_up', row_hash = '\\x{row_hash(values).hex()}'"
        f" WHERE {ROW}"
    )
    code, told = log.first()
    first, last = (log.value(f"SELECT {f}(id) FROM sync_logs WHERE link = {LINK}")
                   for f in ("min", "max"))  # fmt: skip
    assert code == "audit_replaced"
    assert (told["row"], told["last"]) == (str(first), str(last))


def cut_off(log: Log, links: int) -> None:
    """Take the newest links away without a trace: rows, links, and the head set back."""
    last = log.value("SELECT max(link) FROM audit_links") - links
    log.superuser(
        f"DELETE FROM sync_logs WHERE link > {last}",
        f"DELETE FROM change_logs WHERE link > {last}",
        f"DELETE FROM audit_links WHERE link > {last}",
        f"UPDATE audit_heads SET link = {last}, hash ="
        f" (SELECT hash FROM audit_links WHERE link = {last})",
    )


def test_what_was_cut_off_at_the_end_is_found_by_the_anchor_alone(log: Log) -> None:
    newest = log.anchor()
    cut_off(log, 2)
    code, told = log.first()
    assert (code, told["last"], told["known"]) == (
        "audit_truncated_anchor", str(newest.link - 2), str(newest.link),
    )  # fmt: skip
    shutil.rmtree(log.home / "anchors")
    assert log.verify().first is None, "without an anchor nobody could know"


def test_a_log_written_anew_is_found_by_the_anchor_alone(log: Log) -> None:
    with log.scope() as connection:
        record_change(connection, log.organization, "user a", "x.before", "s", {})
    before = log.anchor()
    with log.scope() as connection:
        record_change(connection, log.organization, "user a", "x.damning", "s", {})
    anchored = log.anchor()
    cut_off(log, 1)
    with log.scope() as connection:
        record_change(connection, log.organization, "user a", "x.harmless", "s", {})
        record_change(connection, log.organization, "user a", "x.harmless", "s", {})
    code, told = log.first()
    assert code == "audit_rewritten"
    assert (told["link"], told["known"], told["agreed"]) == (
        str(anchored.link), str(anchored.link), str(before.link),
    )  # fmt: skip


async def _compare(log: Log, *, declared: bool = False) -> None:
    mark = EpochMark(log.home / "epoch.json")
    async with await psycopg.AsyncConnection.connect(log.database.application_url) as connection:
        await prepare_connection(connection)
        await (declare_restored if declared else compare)(connection, mark)


@pytest.mark.parametrize("declared", [False, True])
def test_a_restored_database_is_told_apart_from_one_that_was_cut_off(
    log: Log, cluster: Cluster, declared: bool
) -> None:
    backup = "bilag_audit_backup"
    copy_database(cluster.superuser_url, log.database.name, backup)
    with log.scope() as connection:
        record_change(connection, log.organization, "user a", "x.lost", "s", {})
        connection.execute("SELECT nextval('sending_tokens')")
    asyncio.run(_compare(log))
    lost = log.anchor()
    copy_database(cluster.superuser_url, backup, log.database.name)
    assert log.first()[0] == "audit_truncated_anchor", "nobody has noticed yet"

    asyncio.run(_compare(log, declared=declared))
    with log.scope() as connection:
        record_change(connection, log.organization, "user a", "x.after", "s", {})
        record_change(connection, log.organization, "user a", "x.after", "s", {})
    log.anchor()

    found = log.verify()
    assert found.first is None
    (note,) = found.notes
    assert (note.code, note.params["known"]) == ("audit_restored", str(lost.link))
    assert "no truncation" in note.text("en")


def test_what_is_cut_off_after_a_restore_is_no_part_of_it(log: Log, cluster: Cluster) -> None:
    for number in range(3):
        with log.scope() as connection:
            record_change(connection, log.organization, "user a", f"x.old{number}", "s", {})
        stood = log.anchor().link
    backup = "bilag_audit_backup"
    copy_database(cluster.superuser_url, log.database.name, backup)
    with log.scope() as connection:
        record_change(connection, log.organization, "user a", "x.lost", "s", {})
        connection.execute("SELECT nextval('sending_tokens')")
    asyncio.run(_compare(log))
    log.anchor()
    copy_database(cluster.superuser_url, backup, log.database.name)
    with log.scope() as connection:  # before anybody noticed the restore
        record_change(connection, log.organization, "user a", "x.early", "s", {})
    asyncio.run(_compare(log, declared=True))
    assert log.verify().first is None

    cut_off(log, 3)
    code, told = log.first()
    assert (code, told["link"]) == ("audit_truncated_since", str(stood - 1))
    with log.scope() as connection:
        record_change(connection, log.organization, "user a", "x.harmless", "s", {})
    log.anchor()
    found = log.verify()
    assert found.first is not None
    assert found.first.problem.code == "audit_rewritten"
    assert [note.params["known"] for note in found.notes] == [str(stood + 1)]


def test_a_restore_that_only_the_database_claims_is_not_believed(log: Log) -> None:
    log.anchor()
    cut_off(log, 1)
    log.superuser("UPDATE instance SET epoch = epoch + 1, restored_at = now()")
    code, told = log.first()
    assert code == "audit_restore_not_noted"
    assert told["epoch"] == "2"


def test_anchors_of_another_installation_are_told_as_that(log: Log) -> None:
    log.anchor()
    log.superuser(
        "UPDATE instance SET id = gen_random_uuid()", "UPDATE audit_links SET hash = root"
    )
    assert log.verify().faults > 1
    log.superuser("TRUNCATE audit_links, sync_logs, change_logs, audit_heads")
    assert log.first()[0] == "audit_foreign"


def test_an_anchor_that_was_changed_is_no_anchor(log: Log) -> None:
    log.anchor()
    file = log.home / "anchors" / f"{SLUG}.ndjson"
    file.write_bytes(file.read_bytes().replace(b'"link":', b'"lnk":'))
    with pytest.raises(AnchorsUnreadable, match="line 1"):
        log.verify()


def test_without_the_key_the_chain_alone_is_verified(log: Log) -> None:
    log.superuser(f"UPDATE sync_logs SET answer = 'x' WHERE {ROW}")
    assert log.verify().faults == 1
    found = log.verify(keyed=False)
    assert (found.first, found.payloads_compared) == (None, False)


def test_the_worker_anchors_every_organization_and_hands_the_lines_on(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, script = tmp_path / "elsewhere.ndjson", tmp_path / "carry"
    script.write_text(f'#!/bin/sh\n[ -e "{tmp_path}/open" ] && cat >> "{elsewhere}"\n')
    script.chmod(0o755)
    monkeypatch.setenv("BILAG_ANCHOR_COMMAND", str(script))

    async def anchored() -> tuple[int, bool]:
        async with await psycopg.AsyncConnection.connect(
            log.database.application_url
        ) as connection:
            await prepare_connection(connection)
            return await anchor_all(connection, log.anchors), await carry_away(log.anchors)

    assert asyncio.run(anchored()) == (1, False), "the other machine is away"
    assert asyncio.run(anchored()) == (0, False), "nothing new, and still not carried away"
    (tmp_path / "open").touch()
    assert asyncio.run(anchored()) == (0, True)
    assert elsewhere.read_bytes() == (log.home / "anchors" / f"{SLUG}.ndjson").read_bytes()
    assert log.anchors.unsent() == b""


def test_the_command_says_ok_names_the_row_and_reads_anchors_from_elsewhere(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILAG_HOME", str(log.home))
    monkeypatch.setenv("BILAG_DATABASE_URL", log.database.application_url)
    assert run(["audit", "anchor", SLUG, "--print"]) == 0
    kept = tmp_path / "kept.ndjson"
    kept.write_text(capsys.readouterr().out)
    assert run(["audit", "verify", SLUG, "--anchors", str(kept)]) == 0
    said = capsys.readouterr().out
    assert f"{SLUG}: ok; " in said
    assert "1 anchors compared" in said

    cut_off(log, 1)
    assert run(["audit", "verify"]) == 0, "this machine has no anchor"
    assert "no anchor" in capsys.readouterr().out
    assert run(["audit", "verify", "--anchors", str(kept), "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert told["first"]["code"] == "audit_truncated_anchor"

    log.superuser(f"UPDATE sync_logs SET outcome = 'x' WHERE {ROW}")
    assert run(["audit", "verify", SLUG, "--language", "nb"]) == 1
    row = log.value(f"SELECT id FROM sync_logs WHERE {ROW}")
    assert f"Rad {row} i sync_logs er endret" in capsys.readouterr().out


def test_the_root_and_the_links_are_what_the_documentation_says() -> None:
    assert merkle_root([]).hex().startswith("e3b0c442")
    assert link_hash(b"", 1, b"r") != link_hash(b"", 2, b"r")
