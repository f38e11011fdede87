"""Whether spans are recorded: only where the environment names a collector (`bilag[otel]`).

Without that nothing of OpenTelemetry is imported.
"""

import importlib
import os
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class TracingUnavailable(RuntimeError):
    """Spans are asked for, and what sends them is not installed; the text says what to do."""


def tracing(process: str) -> AbstractContextManager[None]:
    """Return a block in which the spans of this process go where the environment says, if it does.

    Raises TracingUnavailable where the extra `otel` is not installed.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return nullcontext()
    try:
        otel = importlib.import_module("bilag.app.otel")
    except ImportError as error:
        raise TracingUnavailable(
            f"{_ENDPOINTS[0]} is set, and OpenTelemetry is not installed:"
            " pip install 'bilag[otel]', or unset it"
        ) from error
    exporting: AbstractContextManager[None] = otel.exporting(process, version("bilag"))
    return exporting
