"""bilag delivers approved claims into an accounting system exactly once, and can prove it.

The rooms of this package are described in docs/architecture.md; imports point towards `core`.
"""

__version__ = "0.1.0"
