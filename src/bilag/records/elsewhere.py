"""Records of what the organization does elsewhere are refused at the door (C7).

For HLF: what members already do in the member portal must not come in a second time from here.
"""

from collections.abc import Set

from bilag.core.problem import Problem
from bilag.core.record import Record


def elsewhere(record: Record, excluded_features: Set[str]) -> tuple[Problem, ...]:
    """Return a problem for each feature of the record that is excluded: its category, its types.

    Names are compared as keys: `Course registration` is `course-registration`.
    """
    if not excluded_features:
        return ()
    places = [("category", record.category)]
    places += [(f"lines[{n}].type", line.type) for n, line in enumerate(record.lines, 1)]
    return tuple(
        Problem("feature_excluded", place, None, record.source_id, {"feature": name})
        for place, name in places
        if "-".join(name.casefold().replace("_", " ").split()) in excluded_features
    )
