"""Spans by OpenTelemetry, sent to a collector over HTTP; loaded only where it is switched on.

Everything else is the SDK's own environment: OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER, ...
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Status, StatusCode, Tracer

from bilag.core.spans import Attributes, Note, Recorder, recorded_by


@contextmanager
def exporting(process: str, version: str, exporter: SpanExporter | None = None) -> Iterator[None]:
    """Export the spans of this process, which is called `bilag-<process>`, until the block ends.

    Failure policy: sent by a thread of its own, in batches; what a collector does not take within
    the exporter's time is lost, is logged, and holds nothing up.
    """
    resource = Resource.create({"service.name": f"bilag-{process}", "service.version": version})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    try:
        with recorded_by(_recorder(provider.get_tracer("bilag", version))):
            yield
    finally:
        provider.shutdown()


def _recorder(tracer: Tracer) -> Recorder:
    @contextmanager
    def record(name: str, attributes: Attributes) -> Iterator[Note]:
        # the SDK's own record of an exception would hold its message, and so what people wrote
        with tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as opened:

            def note(more: Attributes) -> None:
                opened.set_attributes(more)

            try:
                yield note
            except BaseException as error:
                opened.set_attribute("error.type", type(error).__name__)
                opened.set_status(Status(StatusCode.ERROR))
                raise

    return record
