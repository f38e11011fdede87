"""Anchors: the newest link of each organization's audit chain, kept outside the database (O6).

A chain that was cut off or written anew agrees with itself; it does not agree with an anchor.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg

from bilag.core.clock import utc_now

_HEAD = """
SELECT h.link, encode(h.hash, 'hex'), i.id, i.epoch FROM audit_heads h, instance i
WHERE h.organization_id = current_organization()
"""
# Of a file's end so much is read for its newest anchor; a line is far shorter.
_TAIL = 4096
_OUTBOX = "outbox"


@dataclass(frozen=True, slots=True)
class Anchor:
    """One link as it stood at a time: number, hash, and the epoch of the database then (E20)."""

    organization_id: UUID
    link: int
    hash: str
    instance_id: UUID
    epoch: int
    at: datetime

    def line(self) -> bytes:
        """Return the anchor as one line of JSON."""
        return orjson.dumps(
            {
                "organization": str(self.organization_id),
                "link": self.link,
                "hash": self.hash,
                "instance": str(self.instance_id),
                "epoch": self.epoch,
                "at": self.at.isoformat(timespec="seconds"),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


class AnchorsUnreadable(RuntimeError):
    """A file of anchors cannot be understood; the text names the file and the line."""


class AnchorFiles:
    """A folder with a file of anchors for each organization, which only ever grows.

    `outbox` keeps what a command has yet to carry to another machine.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, slug: str, anchor: Anchor, *, to_send: bool = False) -> bool:
        """Append an anchor, on disk when this returns; False when the newest one says the same.

        Raises OSError when it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / f"{slug}.ndjson", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            tail = os.pread(descriptor, _TAIL, max(size - _TAIL, 0))
            if _says(tail, anchor):
                return False
            # a line that a full disk cut off must not spoil the next one
            broken = b"" if not tail or tail.endswith(b"\n") else b"\n"
            os.pwrite(descriptor, broken + anchor.line(), size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if to_send:
            with (self.folder / _OUTBOX).open("ab") as outbox:
                fcntl.flock(outbox, fcntl.LOCK_EX)
                outbox.write(anchor.line())
        return True

    def unsent(self) -> bytes:
        """Return the lines that wait to be carried away; empty when there are none."""
        try:
            return (self.folder / _OUTBOX).read_bytes()
        except FileNotFoundError:
            return b""

    def sent(self, lines: bytes) -> None:
        """Take lines that were carried away out of the outbox; newer ones stay."""
        with (self.folder / _OUTBOX).open("r+b") as outbox:
            fcntl.flock(outbox, fcntl.LOCK_EX)
            rest = outbox.read()[len(lines) :]
            outbox.seek(0)
            outbox.write(rest)
            outbox.truncate()

    def of(self, slug: str, organization_id: UUID) -> list[Anchor]:
        """Return an organization's anchors; raises AnchorsUnreadable for a line that is none."""
        return list(read_anchors([self.folder / f"{slug}.ndjson"], organization_id))


def anchors_folder(home: Path) -> Path:
    """Return the folder of the anchors: the one BILAG_ANCHORS names, else one in the home folder.

    It is worth something only where those who may change the database may not write.
    """
    return Path(os.environ.get("BILAG_ANCHORS") or home / "anchors")


def read_anchors(files: Iterable[Path], organization_id: UUID) -> Iterator[Anchor]:
    """Yield the anchors of one organization out of files, of which some may not exist."""
    own = str(organization_id)
    for file in files:
        if not file.exists():
            continue
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    found = orjson.loads(line)
                    if found["organization"] == own:
                        yield _anchor(found)
                except (ValueError, KeyError, TypeError) as error:
                    raise AnchorsUnreadable(
                        f"{file}, line {number} is not an anchor: it was changed or cut off"
                    ) from error


def head(connection: psycopg.Connection[Any], organization_id: UUID) -> Anchor | None:
    """Return the newest link of the organization of the scope, or None while nothing is logged."""
    return _head_of(organization_id, connection.execute(_HEAD).fetchone())


async def head_async(
    connection: psycopg.AsyncConnection[Any], organization_id: UUID
) -> Anchor | None:
    """The same on a connection of the worker."""
    return _head_of(organization_id, await (await connection.execute(_HEAD)).fetchone())


def _head_of(organization_id: UUID, row: tuple[Any, ...] | None) -> Anchor | None:
    if row is None:
        return None
    link, digest, instance_id, epoch = row
    return Anchor(organization_id, link, digest, instance_id, epoch, utc_now())


def _anchor(found: dict[str, Any]) -> Anchor:
    return Anchor(
        UUID(found["organization"]),
        int(found["link"]),
        str(found["hash"]),
        UUID(found["instance"]),
        int(found["epoch"]),
        datetime.fromisoformat(found["at"]),
    )


def _says(tail: bytes, anchor: Anchor) -> bool:
    lines = tail.splitlines()
    try:
        newest = _anchor(orjson.loads(lines[-1]))
    except (ValueError, KeyError, TypeError, IndexError):
        return False  # an empty file, or a line that was cut off: `verify` tells of that
    return (newest.link, newest.hash, newest.epoch) == (anchor.link, anchor.hash, anchor.epoch)
