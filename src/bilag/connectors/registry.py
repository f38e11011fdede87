"""The list of connectors: one line for each kind of accounting system.

`app` hands this registry to the engine and the pages; nothing below `app` imports it.
"""

from typing import Any

from bilag.connectors.dynamics.business_central import BusinessCentralConnector
from bilag.connectors.interface import Connector
from bilag.connectors.rest import RestConnector
from bilag.connectors.xledger import XledgerConnector

CONNECTORS: dict[str, Connector[Any]] = {
    connector.type: connector
    for connector in (RestConnector(), XledgerConnector(), BusinessCentralConnector())
}
