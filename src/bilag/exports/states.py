"""The states of an export and the only transitions between them (design §4).

The database refuses every other transition by a trigger made from this table; a test compares both.
"""

from typing import Final

STATES: Final = (
    "pending",
    "sending",
    "accepted",
    "exported",
    "failed",
    "in_doubt",
    "needs_review",
    "held",
    "excluded",
    "cancelled",
    "superseded",
    "reversed",
)

# States that still want something from the engine or from a person; their rows are indexed.
OPEN: Final = ("pending", "sending", "accepted", "failed", "in_doubt", "needs_review", "held")

# States from which nothing has left the house, so that a cancel or a newer revision may end them.
UNSENT: Final = ("pending", "held", "failed", "excluded")

TRANSITIONS: Final[dict[str, tuple[str, ...]]] = {
    "pending": ("sending", "held", "excluded", "cancelled", "superseded"),
    "sending": ("exported", "accepted", "failed", "pending", "in_doubt"),
    "accepted": ("exported", "failed", "needs_review"),
    "in_doubt": ("exported", "accepted", "pending", "sending", "needs_review"),
    "needs_review": ("exported", "pending", "failed", "cancelled"),
    "failed": ("pending", "cancelled", "superseded"),
    "held": ("pending", "excluded", "cancelled", "superseded"),
    "excluded": ("pending", "cancelled", "superseded"),
    "exported": ("reversed",),
}

# A late answer that says "accepted" is evidence of a possible double, whatever the state (§1.4).
LATE_EVIDENCE: Final = ("pending", "sending", "accepted", "in_doubt", "failed", "held", "excluded",
                        "exported", "cancelled", "superseded", "reversed")  # fmt: skip

# After a restore nothing that is not terminal may be trusted before it was looked up (E20).
RESTORED: Final = ("pending", "sending", "held", "failed", "excluded", "accepted")


def allowed() -> frozenset[tuple[str, str]]:
    """Return every permitted (from, to) pair, late evidence and restore included."""
    pairs = {(before, after) for before, afters in TRANSITIONS.items() for after in afters}
    pairs |= {(before, "needs_review") for before in LATE_EVIDENCE}
    pairs |= {(before, "in_doubt") for before in RESTORED}
    return frozenset(pairs)
