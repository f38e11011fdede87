"""Opens a file of records or foreign rows, judged by its content: NDJSON, CSV or a workbook.

What holds no rows at all (a PDF, an old .xls, a locked workbook) is refused with what to do.
"""

import io
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from bilag.core.problem import Problem, Refused
from bilag.records.profile import Profile, profile_of_head
from bilag.records.rows import ROW_CHARACTERS_MAX, CsvRows, NdjsonRows, RowSource
from bilag.records.workbook import open_workbook

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ZIP = b"PK\x03\x04"
# What Excel wrote until 2003, and what it wraps a workbook with a password in.
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED: Final = "EncryptedPackage".encode("utf-16-le")
_WITHOUT_ROWS: Final = {
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"\x1f\x8b": "gzip",
    b"{\\rtf": "RTF",
}
# A bad line is a bad row; a file that has no object in so many lines is something else.
_LINES_LOOKED_AT = 20


@contextmanager
def open_rows(
    file: IO[bytes], profile: Profile | None, *, source_system: str = "", is_csv: bool = False
) -> Iterator[RowSource]:
    """Yield the rows of an open file, which stays open; the source says which profile it goes by.

    Without a profile a workbook, and a CSV file (`is_csv`), have columns of our own names and come
    from `source_system`; all else is NDJSON in our own form. Raises Refused for a file that cannot
    be read, or without the columns that the profile names.
    """
    start = file.read(8)
    file.seek(0)
    _refuse_without_rows(file, start)
    if start.startswith(_ZIP):
        if profile is not None and profile.format == "ndjson":
            raise Refused(Problem("file_not_ndjson"))
        with open_workbook(file, profile, source_system) as rows:
            yield rows
        return
    if profile is not None and profile.format == "xlsx":
        raise Refused(Problem("file_not_workbook"))
    if profile is None and is_csv:
        profile = profile_of_head(_first_line(file), source_system)
    if profile is None or profile.format == "ndjson":
        _refuse_without_objects(file)
        yield NdjsonRows(file, profile)
        return
    encoding = next((e for bom, e in _BOMS if start.startswith(bom)), profile.encoding)
    text = io.TextIOWrapper(file, encoding, errors="surrogateescape", newline="")
    try:
        yield CsvRows(file, text, profile)
    finally:
        text.detach()


def _refuse_without_rows(file: IO[bytes], start: bytes) -> None:
    for magic, kind in _WITHOUT_ROWS.items():
        if start.startswith(magic):
            raise Refused(Problem("file_without_rows", params={"kind": kind}))
    if start == _COMPOUND:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            locked = content.find(_LOCKED) >= 0
        raise Refused(Problem("file_locked" if locked else "file_old_workbook"))


def _refuse_without_objects(file: IO[bytes]) -> None:
    """Refuse a file without a JSON object in its first lines, or of one document over lines."""
    looked_at = 0
    while looked_at < _LINES_LOOKED_AT and (line := file.readline(ROW_CHARACTERS_MAX)):
        text = line.removeprefix(_BOMS[0][0]).strip()
        if text in (b"[", b"{") or text.startswith(b"[{"):
            raise Refused(Problem("file_json_document"))
        if text.startswith(b"{"):
            looked_at = 0
            break
        looked_at += bool(text)
    file.seek(0)
    if looked_at:
        raise Refused(Problem("file_not_ndjson"))


def _first_line(file: IO[bytes]) -> str:
    line = file.readline(ROW_CHARACTERS_MAX)
    file.seek(0)
    return line.decode("utf-8-sig", "replace")
