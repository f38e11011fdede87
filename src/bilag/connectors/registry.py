"""The list of connectors: one line for each kind of accounting system.

`app` hands this registry to the engine and the pages; nothing below `app` imports it.
"""

from typing import Any

from bilag.connectors.interface import Connector
from bilag.connectors.rest import RestConnector

CONNECTORS: dict[str, Connector[Any]] = {
    connector.type: connector for connector in (RestConnector(),)
}
