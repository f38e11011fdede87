"""A sandbox of Xledger's GraphQL API, written from what is publicly known of it.

Comments cite `xledger.md` and its labels; what is UNKNOWN there is an option here.
"""

from bilag.sandbox.xledger.options import Options
from bilag.sandbox.xledger.server import serve

__all__ = ["Options", "serve"]
