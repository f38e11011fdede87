"""Generic REST: any accounting system with a JSON API, described by settings instead of code.

One document a request; what it promises depends on the settings (docs/connectors.md).
"""

from bilag.connectors.rest.connector import RestConnector
from bilag.connectors.rest.settings import RestSettings

__all__ = ["RestConnector", "RestSettings"]
