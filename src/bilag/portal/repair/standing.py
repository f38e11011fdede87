"""What stops whole integrations, said above the causes: an error, or an open circuit breaker."""

from dataclasses import dataclass
from typing import Any, cast

import psycopg
from django.http import HttpRequest

from bilag.monitoring.health import Health, measure


@dataclass(frozen=True, slots=True)
class Stopped:
    """An integration that sends nothing until somebody mends it, and what it says."""

    key: str
    name: str
    message: str


def stopped_integrations(
    connection: psycopg.Connection[Any], request: HttpRequest
) -> list[Stopped]:
    """Return the integrations that are stopped; the frame around the page uses the same measure."""
    health: Health = measure(connection)
    cast(Any, request).health = health
    return [
        Stopped(one.key, one.name, one.error_message)
        for one in health.integrations
        if one.error_message
    ]
