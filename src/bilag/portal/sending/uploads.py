"""Bounds on what a browser may upload, before any of it is kept."""

from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from bilag.portal.numbers import whole

# The largest file that a page takes is read in memory; what is larger by far is not even received.
RECEIVED_MAX = 16 * 1024 * 1024


class BoundedUpload(FileUploadHandler):
    """Stands before Django's own handlers; of a file that is too large nothing arrives."""

    def __init__(self, request: object = None) -> None:
        super().__init__(request)  # type: ignore[arg-type]
        self._received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass the data on to the next handler; raises StopUpload once there is too much."""
        self._received += len(raw_data)
        if self._received > RECEIVED_MAX:
            raise StopUpload(connection_reset=True)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handler."""


def was_too_large(request: HttpRequest) -> bool:
    """Return whether a file did not arrive because the request is larger than anything taken."""
    length = whole(str(request.META.get("CONTENT_LENGTH", "")))
    return not request.FILES and length is not None and length > RECEIVED_MAX
