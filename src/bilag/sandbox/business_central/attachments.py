"""Receipts on journal lines and invoices: first the record, then its content.

Content is kept until the line is posted; the ledger keeps its size and digest.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from bilag.sandbox.business_central.undo import Undo
from bilag.sandbox.business_central.values import Row


class Attachments:
    """Attachments by id and by what they are attached to."""

    def __init__(self, undo: Undo) -> None:
        self._undo = undo
        self.by_id: dict[str, Row] = {}
        self.content: dict[str, bytes] = {}
        self._of: dict[str, list[Row]] = {}

    def add(self, row: Row) -> None:
        """Add an attachment without content."""
        self.by_id[row["id"]] = row
        self._of.setdefault(row["parentId"], []).append(row)
        self._undo.note(lambda: self._drop(row))

    def remove(self, row: Row) -> None:
        """Delete an attachment."""
        content = self.content.get(row["id"])
        self._drop(row)

        def back() -> None:
            self.by_id[row["id"]] = row
            self._of.setdefault(row["parentId"], []).append(row)
            if content is not None:
                self.content[row["id"]] = content

        self._undo.note(back)

    def fill(self, row: Row, content: bytes) -> None:
        """Set the content."""
        before = self.content.get(row["id"], b"")
        self._undo.note(lambda: self.content.__setitem__(row["id"], before))
        self.content[row["id"]] = content

    def of(self, parent: str) -> Iterable[Row]:
        """Return what is attached to a line or an invoice."""
        return self._of.get(parent, ())

    def digests(self, parent: str) -> list[dict[str, Any]]:
        """Return name, size and SHA-256 of what is attached, as the ledger keeps them."""
        kept = []
        for row in self.of(parent):
            content = self.content.get(row["id"], b"")
            digest = hashlib.sha256(content).hexdigest()
            kept.append({"fileName": row["fileName"], "bytes": len(content), "sha256": digest})
        return kept

    def _drop(self, row: Row) -> None:
        self.by_id.pop(row["id"], None)
        self.content.pop(row["id"], None)
        kept = self._of.get(row["parentId"], [])
        if row in kept:
            kept.remove(row)
