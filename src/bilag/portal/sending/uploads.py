"""Bounds on what a browser may upload, before any of it is kept."""

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

# The largest file that a page takes is read in memory; what is larger by far is not even received.
RECEIVED_MAX = 16 * 1024 * 1024


class BoundedUpload(FileUploadHandler):
    """Stands before Django's own handlers; raises RequestDataTooBig once there is too much."""

    def __init__(self, request: object = None) -> None:
        super().__init__(request)  # type: ignore[arg-type]
        self._received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass the data on to the next handler."""
        self._received += len(raw_data)
        if self._received > RECEIVED_MAX:
            raise RequestDataTooBig
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handler."""
