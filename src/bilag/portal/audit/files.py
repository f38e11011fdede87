"""Files for spreadsheet programs, sent while they are read, with cells that are no formulas (X6).

UTF-8 with a mark and semicolons: what the programs of Norwegian offices open by a click.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.http import StreamingHttpResponse
from django.utils import translation

from bilag.core.cells import safe_cell
from bilag.mapping.dates import TIME_ZONE

_CHUNK = 32_768


def csv_file(
    name: str, heading: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """Return a download of rows; memory stays flat, however many there are."""
    lines = _lines(heading, rows, translation.get_language() or "nb")
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def local(at: datetime | None) -> str:
    """Return a time in Oslo to the second, as spreadsheet programs read it."""
    return f"{at.astimezone(TIME_ZONE):%Y-%m-%d %H:%M:%S}" if at else ""


def _lines(
    heading: Sequence[str], rows: Iterable[Sequence[object]], language: str
) -> Iterator[bytes]:
    written = _Written()
    out = csv.writer(written, delimiter=";")
    out.writerow(heading)
    yield b"\xef\xbb\xbf" + written.taken()
    with translation.override(language):  # the page that was asked for is answered by then
        for row in rows:
            out.writerow([safe_cell("" if cell is None else str(cell)) for cell in row])
            if len(written.text) > _CHUNK:
                yield written.taken()
    yield written.taken()


class _Written:
    """A place for csv to write one row to."""

    text = ""

    def write(self, text: str) -> None:
        """Keep the row."""
        self.text += text

    def taken(self) -> bytes:
        """Return what was written since."""
        text, self.text = self.text, ""
        return text.encode()
