"""A sandbox of Dynamics 365 Business Central: API v2.0, its Entra login, its journals and ledger.

`docs/connectors.md` shows its addresses and the settings that connect to it.
"""

from bilag.sandbox.business_central.options import Options
from bilag.sandbox.business_central.server import serve

__all__ = ["Options", "serve"]
