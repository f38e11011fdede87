"""Microsoft Dynamics 365 Business Central, through its API v2.0: journals or purchase invoices.

Journals are staged, read back, posted and found in the general ledger (docs/connectors.md).
"""

from bilag.connectors.dynamics.business_central.connector import BusinessCentralConnector
from bilag.connectors.dynamics.business_central.settings import BusinessCentralSettings

__all__ = ["BusinessCentralConnector", "BusinessCentralSettings"]
