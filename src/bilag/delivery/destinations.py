"""Where the secrets of an integration go: a stored one never follows to another place (X1).

Whoever changes the place types them again; of addresses only scheme, host and port count.
"""

from collections.abc import Collection, Mapping
from typing import Any

import psycopg
from pydantic import BaseModel, ValidationError
from yarl import URL

from bilag.connectors.interface import Connector
from bilag.core.dotted import dotted
from bilag.core.problem import Problem, Refused
from bilag.integrations.model import Integration
from bilag.integrations.vault import CALLBACK_CREDENTIAL, describe_credentials

Connectors = Mapping[str, Connector[Any]]
# Where secrets go, by the settings that decide it.
Destination = Mapping[str, str]


def destination(
    connectors: Connectors, one: Integration | None, entered: Mapping[str, Any] | None = None
) -> Destination:
    """Return where the secrets of an integration go, or would go by what was `entered` of it.

    Empty where that cannot be said: then it is another place than any other.
    """
    connector = connectors.get(one.type) if one is not None else None
    if one is None or connector is None:
        return {}
    values: Mapping[str, Any] = entered or {}
    if not entered:
        try:
            read: BaseModel = connector.settings_type.model_validate(one.settings)
        except ValidationError:
            return {}
        values = dotted(read.model_dump(mode="json", by_alias=True))
    found = {f"settings.{name}": _place(str(values.get(name, ""))) for name in connector.leads_by}
    return {"type": one.type, **found}


def moved(before: Destination, after: Destination) -> list[str]:
    """Return what of an integration leads its secrets to another place than before."""
    return [name for name, place in after.items() if before.get(name, "") != place]


def left_behind(
    connection: psycopg.Connection[Any],
    connectors: Connectors,
    one: Integration,
    before: Destination,
    typed: Collection[str],
    entered: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return the stored secrets that no login uses where `one` leads now: they are to be removed.

    Raises Refused naming each that has to be typed again; nothing where it leads nowhere else.
    """
    if not moved(before, destination(connectors, one, entered)):
        return []
    left = [name for name in stored_secrets(connection, one) if name not in typed]
    needed = None
    if not entered:
        connector = connectors[one.type]
        needed = connector.secret_of(connector.settings_type.model_validate(one.settings))
    if again := [name for name in left if needed in (None, name)]:
        raise Refused(*(Problem("secret_again", name) for name in again))
    return left


def refuse_to_lead_elsewhere(
    connection: psycopg.Connection[Any], connectors: Connectors, old: Integration, new: Integration
) -> None:
    """Raise Refused naming what would lead stored secrets elsewhere, where none can be typed."""
    elsewhere = moved(destination(connectors, old), destination(connectors, new))
    if elsewhere and stored_secrets(connection, old):
        params = {"integration": old.key}
        raise Refused(*(Problem("leads_elsewhere", name, params=params) for name in elsewhere))


def stored_secrets(connection: psycopg.Connection[Any], one: Integration) -> list[str]:
    """Return the fields of the stored secrets that are sent to the system."""
    found = describe_credentials(connection, one.organization_id, one.id)
    return [known.field for known in found if known.field != CALLBACK_CREDENTIAL]


def _place(value: str) -> str:
    try:
        return str(URL(value).origin())
    except ValueError:
        return value.casefold()
