"""What a setting tells the form that is drawn from it, beside its title and description.

It stands in the JSON Schema as `x-first`, `x-labels`, `x-secrets`, `x-logins`; texts are English.
"""

from collections.abc import Mapping, Sequence

from pydantic.config import JsonDict


def in_form(
    *,
    first: bool = False,
    labels: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    logins: Sequence[str] = (),
) -> JsonDict:
    """Return the marks of a setting.

    `first`: needed before anything else; `labels` name the choices; `secrets` say which secret goes
    with which choice of the login; `logins` are the choices that need this setting, none for all.
    """
    marks: JsonDict = {"x-first": True} if first else {}
    if labels:
        marks["x-labels"] = dict(labels)
    if secrets:
        marks["x-secrets"] = dict(secrets)
    if logins:
        marks["x-logins"] = list(logins)
    return marks
