"""Records of what the organization does elsewhere are refused at the door (C7).

For HLF: what members already do in the member portal must not come in a second time from here.
"""

from collections.abc import Set

from bilag.core.problem import Problem, Refused
from bilag.core.record import Record
from bilag.records.fields import ID_MAX

KEY_MAX = ID_MAX


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
        if _key(name) in excluded_features
    )


def feature_key(name: str) -> str:
    """Return a feature's name as a key; raises Refused where none can be made of it."""
    key = _key(name)
    if not key or len(key) > KEY_MAX or not key.isprintable():
        raise Refused(Problem("feature_not_valid", params={"maximum": str(KEY_MAX)}))
    return key


def _key(name: str) -> str:
    return "-".join(name.casefold().replace("_", " ").split())
