"""How tests are dealt to processes: one by one, but a module of the portal as a whole.

A module of pages shares a running portal and a browser, and compares pages with each other.
xdist's own groups are not seen by pytest 9.2, whose node ids cannot be changed any more.
"""

from xdist.scheduler import LoadScopeScheduling

WHOLE = "tests/portal/"


class Dealer(LoadScopeScheduling):
    """Deals out the largest parts first, so that none is begun at the end."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(WHOLE) else nodeid
