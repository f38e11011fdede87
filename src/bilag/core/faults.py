"""What pydantic says of a value, as a problem in three languages.

It knows pydantic's words only, not pydantic; what it does not know is left to the caller.
"""

from collections.abc import Mapping
from typing import Any

from bilag.core.problem import Problem

# What pydantic calls a fault -> our code.
_CODES = {
    "missing": "value_missing",
    "extra_forbidden": "value_unknown",
    "string_type": "value_text_needed",
    "string_unicode": "value_characters",
    "string_pattern_mismatch": "value_characters",
    "string_too_long": "value_text_long",
    "string_too_short": "value_empty",
    "too_short": "value_empty",
    "too_long": "value_list_long",
    "list_type": "value_list_needed",
    "int_type": "value_number_needed",
    "int_parsing": "value_number_needed",
    "int_parsing_size": "value_number_needed",
    "int_from_float": "value_number_needed",
    "float_parsing": "value_number_needed",
    "greater_than_equal": "value_number_small",
    "less_than_equal": "value_number_large",
    "literal_error": "value_one_of",
    "model_type": "value_object_needed",
    "model_attributes_type": "value_object_needed",
    "identity_number": "identity_number",
    "uuid_type": "value_uuid_needed",
    "uuid_parsing": "value_uuid_needed",
}
_PARAMS = {"max_length": "maximum", "le": "maximum", "ge": "minimum", "expected": "allowed"}


def fault_problem(fault: Mapping[str, Any], field: str) -> Problem | None:
    """Return the problem of one fault at this field; None for one without a sentence of its own."""
    code = _CODES.get(fault["type"])
    if code is None:
        return None
    context = fault.get("ctx", {})
    params = {ours: str(context[theirs]) for theirs, ours in _PARAMS.items() if theirs in context}
    return Problem(code, field, params=params)
