"""What a setting tells the form that is drawn from it, beside its title and description.

It stands in the JSON Schema as `x-first`, `x-labels` and `x-secrets`; texts are English.
"""

from collections.abc import Mapping

from pydantic.config import JsonDict


def in_form(
    *,
    first: bool = False,
    labels: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> JsonDict:
    """Return the marks of a setting.

    `first`: needed before anything else; `labels` name the choices; `secrets` say which secret goes
    with which choice.
    """
    marks: JsonDict = {"x-first": True} if first else {}
    if labels:
        marks["x-labels"] = dict(labels)
    if secrets:
        marks["x-secrets"] = dict(secrets)
    return marks
