"""A sandbox accounting system with a JSON API, as small suppliers have them.

`docs/connectors.md` shows its addresses and the settings that connect to it.
"""

from bilag.sandbox.rest.options import Options
from bilag.sandbox.rest.server import serve

__all__ = ["Options", "serve"]
