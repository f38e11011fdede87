"""Xledger: vouchers go into its GL import by GraphQL, are booked later there, and are followed.

What Xledger does not document is a setting of the integration; `check` says what the tenant shows.
"""

from bilag.connectors.xledger.connector import XledgerConnector
from bilag.connectors.xledger.settings import XledgerSettings

__all__ = ["XledgerConnector", "XledgerSettings"]
