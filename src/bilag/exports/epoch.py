"""E20: a mark outside the database that shows when the database was set back to an earlier state.

The mark holds the newest sending token this machine saw; a database that drew fewer was restored.
"""

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psycopg

from bilag.core.clock import utc_now
from bilag.exports.anchors import Anchor, AnchorFiles, AnchorsUnreadable, anchors_folder, head_async
from bilag.tenants.organizations import list_organizations_async
from bilag.tenants.scope import organization_scope_async

_STATE = """
SELECT i.id, i.epoch, (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM sending_tokens)
FROM instance i
"""

_BEGIN = "SELECT epoch, in_doubt FROM begin_epoch(%s, %s, %s)"

_AGREED = """
SELECT min(a.link) FROM unnest(%s::bigint[], %s::text[]) AS a (link, hash)
LEFT JOIN audit_links l ON l.organization_id = current_organization() AND l.link = a.link
WHERE encode(l.hash, 'hex') IS DISTINCT FROM a.hash
"""

# A number series jumps at least so far when it is not known how many numbers were used (documented
# as a gap): more than any worker sends between two marks.
NUMBERS_AHEAD_MIN = 1000
# a set is at most two windows, and a window at most 256 requests (integrations.model.Delivery)
SET_MAX = 512
_WIDTH = 160
_RESTORES = "restores.ndjson"


@dataclass(slots=True)
class Mark:
    """What stands outside the database: which instance, its epoch, and the newest token seen."""

    instance_id: str = ""
    epoch: int = 0
    token: int = 0


@dataclass(frozen=True, slots=True)
class Restore:
    """When an epoch began because of a restore, and how far each organization's log stood then."""

    at: str
    links: dict[str, int] = field(default_factory=dict)

    def took(self, anchor: Anchor) -> bool:
        """Return whether the restore took the link of an anchor of an earlier epoch away."""
        return anchor.link > self.links.get(str(anchor.organization_id), 0)


def taken(anchor: Anchor, restores: Mapping[int, Restore]) -> int:
    """Return the epoch that began with the restore that took an anchor's link away; 0 for none."""
    return min((epoch for epoch, one in restores.items() if anchor.epoch < epoch
                and one.took(anchor)), default=0)  # fmt: skip


class EpochMark:
    """The file that keeps the mark; written after each T1, before anything is sent.

    Failure policy: a mark that cannot be written stops the sending, since without it a restored
    database could not be told from the one it replaces.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._seen = Mark()

    def read(self) -> Mark:
        """Return the mark on file; an absent file gives an empty mark, a broken one raises."""
        try:
            return _parse(self._path.read_bytes())
        except FileNotFoundError:
            return Mark()
        except orjson.JSONDecodeError as error:
            raise RestoreError(
                f"{self._path} is unreadable; if the database was not restored, delete it,"
                " else run `bilag restored`"
            ) from error

    def write(self, mark: Mark) -> None:
        """Replace the mark; the newer of ours and the file's stands, whichever process wrote it."""
        if self._descriptor < 0:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            found = os.pread(self._descriptor, _WIDTH, 0)
            if found.strip():
                there = _parse(found)
                if there.instance_id == mark.instance_id and there.epoch == mark.epoch:
                    mark = Mark(mark.instance_id, mark.epoch, max(mark.token, there.token))
            text = orjson.dumps(
                {"instance": mark.instance_id, "epoch": mark.epoch, "token": mark.token}
            )
            # fixed width and one write: a crash leaves the old mark or the new one
            os.pwrite(self._descriptor, text.ljust(_WIDTH), 0)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._seen = mark

    def note_restore(self, instance_id: str, epoch: int, links: dict[str, int]) -> None:
        """Write down, beside the mark, that an epoch began because the database was set back.

        The audit log is then told from one that was cut off: this stands where no one who only has
        the database can write (O6).
        """
        line = orjson.dumps(
            {"instance": instance_id, "epoch": epoch, "at": utc_now(), "links": links}
        )
        with self._path.with_name(_RESTORES).open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())

    async def stands(self, connection: psycopg.AsyncConnection[Any]) -> dict[str, int]:
        """Return up to which link each organization's log is the one from before a restore.

        That is its newest link, unless an anchor of this machine shows that rows were written
        between the restore and now.
        """
        files, found = AnchorFiles(anchors_folder(self._path.parent)), {}
        for one in await list_organizations_async(connection):
            async with organization_scope_async(connection, one.id):
                newest = await head_async(connection, one.id)
                try:
                    known = [anchor for anchor in files.of(one.slug, one.id)
                             if not taken(anchor, self.restores())]  # fmt: skip
                except (AnchorsUnreadable, OSError):
                    known = []
                cursor = await connection.execute(_AGREED, [
                    [anchor.link for anchor in known], [anchor.hash for anchor in known],
                ])  # fmt: skip
                row = await cursor.fetchone()
            if newest is not None:
                first_odd = row[0] if row is not None and row[0] is not None else newest.link + 1
                found[str(one.id)] = min(newest.link, first_odd - 1)
        return found

    def restores(self) -> dict[int, Restore]:
        """Return what began each epoch that a restore began, as written down here."""
        try:
            lines = self._path.with_name(_RESTORES).read_bytes().splitlines()
        except FileNotFoundError:
            return {}
        return {
            int(one["epoch"]): Restore(str(one["at"]), dict(one.get("links", {})))
            for one in map(orjson.loads, lines)
        }

    def advance(self, token: int) -> None:
        """Note that `token` was drawn; called after T1 committed, before anything is sent."""
        self.write(Mark(self._seen.instance_id, self._seen.epoch, token))


def _parse(text: bytes) -> Mark:
    found = orjson.loads(text)
    return Mark(str(found["instance"]), int(found["epoch"]), int(found["token"]))


class RestoreError(RuntimeError):
    """The mark outside the database cannot be used; the text says what to do."""


@dataclass(frozen=True, slots=True)
class EpochCheck:
    """The result of comparing mark and database: `restored` with how many exports are in doubt."""

    restored: bool
    epoch: int
    in_doubt: int = 0


async def compare(connection: psycopg.AsyncConnection[Any], mark: EpochMark) -> EpochCheck:
    """Compare the mark with the database and begin a new epoch when the database was set back.

    Called before a worker sends anything and with every tick; the connection is in autocommit.
    """
    on_file = mark.read()
    cursor = await connection.execute(_STATE)
    row = await cursor.fetchone()
    if row is None:
        raise RestoreError("the table `instance` is empty; run `bilag migrate`")
    instance_id, epoch, token = str(row[0]), int(row[1]), int(row[2])
    foreign = bool(on_file.instance_id) and on_file.instance_id != instance_id
    behind = on_file.epoch > epoch or (on_file.epoch == epoch and on_file.token > token)
    if not (foreign or behind):
        mark.write(Mark(instance_id, epoch, max(token, on_file.token)))
        return EpochCheck(False, epoch)
    lost = max(on_file.token - token, 0)
    links = await mark.stands(connection)
    cursor = await connection.execute(
        _BEGIN,
        [on_file.token, on_file.epoch, _numbers_ahead(lost)],
    )
    begun = await cursor.fetchone()
    if begun is None:
        raise RestoreError("begin_epoch gave no answer")
    mark.write(Mark(instance_id, int(begun[0]), max(token, on_file.token) + 1))
    mark.note_restore(instance_id, int(begun[0]), links)
    return EpochCheck(True, int(begun[0]), int(begun[1]))


async def declare_restored(connection: psycopg.AsyncConnection[Any], mark: EpochMark) -> EpochCheck:
    """Begin a new epoch because a person says that the database was restored (`bilag restored`)."""
    on_file = mark.read()
    cursor = await connection.execute(_STATE)
    row = await cursor.fetchone()
    if row is None:
        raise RestoreError("the table `instance` is empty; run `bilag migrate`")
    lost = max(on_file.token - int(row[2]), 0)
    links = await mark.stands(connection)
    cursor = await connection.execute(
        _BEGIN,
        [
            max(on_file.token, int(row[2])),
            max(on_file.epoch, int(row[1])),
            _numbers_ahead(lost),
        ],
    )
    begun = await cursor.fetchone()
    if begun is None:
        raise RestoreError("begin_epoch gave no answer")
    mark.write(Mark(str(row[0]), int(begun[0]), max(on_file.token, int(row[2])) + 1))
    mark.note_restore(str(row[0]), int(begun[0]), links)
    return EpochCheck(True, int(begun[0]), int(begun[1]))


def _numbers_ahead(tokens_lost: int) -> int:
    """Return how far each number series jumps: every lost token may have numbered a full set."""
    return max(NUMBERS_AHEAD_MIN, tokens_lost * SET_MAX)
