"""Keeps what came into the sandbox beside its ledger, so that a restart loses nothing of it.

Append-only JSON lines in `<ledger file>.events`; without a ledger file nothing is kept.
"""

from pathlib import Path
from typing import Any, BinaryIO

import orjson


class Events:
    """Staged documents, removed rows, master data and what people changed, in their order."""

    def __init__(self, ledger: Path | None) -> None:
        self._file: BinaryIO | None = None
        self.kept: list[dict[str, Any]] = []
        if ledger is None:
            return
        path = ledger.with_name(ledger.name + ".events")
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        self.kept = [orjson.loads(row) for row in whole.splitlines()]
        self._file = path.open("ab", buffering=0)
        # A sandbox killed in the middle of a line has not answered for it.
        self._file.truncate(len(whole))

    def write(self, event: dict[str, Any]) -> None:
        """Keep an event; once this returns it is in the file."""
        if self._file is not None:
            self._file.write(orjson.dumps(event, default=str) + b"\n")

    def clear(self) -> None:
        """Forget everything, in the file too."""
        if self._file is not None:
            self._file.truncate(0)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
