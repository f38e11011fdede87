"""Logging for the commands: JSON lines for machines, readable lines on a terminal, on stderr.

Every line passes the redactor, so a secret that somebody logs by mistake is not written.
"""

import logging
import os
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from bilag.app.cli_errors import safe_text

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING,
           "error": logging.ERROR}  # fmt: skip
# These tell each job and each lost connection, at length; our own lines say it once.
_TALKATIVE = ("procrastinate", "psycopg.pool", "asyncio", "aiohttp")


def configure_logging(default: str = "warning") -> None:
    """Send all logs of the process to stderr; BILAG_LOG_LEVEL wins over the command's default."""
    level = _LEVELS.get(os.environ.get("BILAG_LOG_LEVEL", default).lower(), logging.INFO)
    readable = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    form = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    last: list[Processor] = [structlog.processors.format_exc_info, _redacted, form]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _redacted(_: Any, __: str, event: EventDict) -> EventDict:
    return {name: _clean(value) for name, value in event.items()}


def _clean(value: Any) -> Any:
    match value:
        case str():
            return safe_text(value)
        case dict():
            return {key: _clean(part) for key, part in value.items()}
        case list() | tuple():
            return [_clean(part) for part in value]
        case int() | float() | bool() | None:
            return value
    return safe_text(str(value))
