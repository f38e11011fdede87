"""JSON pointers (RFC 6901): where in an answer a value stands.

Looking never raises; what is not there is MISSING, which differs from a JSON null.
"""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

Pointer = tuple[str, ...]
MISSING: Final = object()


def compile_pointer(text: str) -> Pointer:
    """Return the steps of a pointer: `/errors/0/message` -> ("errors", "0", "message").

    The empty pointer is the whole document. Raises ValueError for a text that is no pointer.
    """
    if not text:
        return ()
    if not text.startswith("/"):
        raise ValueError(f"a JSON pointer starts with a slash: write /{text}")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/"))


def value_at(document: object, pointer: Pointer) -> object:
    """Return the value at the pointer, or MISSING."""
    for step in pointer:
        if isinstance(document, dict):
            document = document.get(step, MISSING)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return MISSING
    return document


def text_at(document: object, pointer: Pointer) -> str:
    """Return the value at the pointer as text; empty when it is missing, null or an object.

    A list of plain values is joined by semicolons; true and false are spelt as in JSON.
    """
    return _text(value_at(document, pointer))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(filter(None, map(_text, value)))
    if value is None or value is MISSING or isinstance(value, dict):
        return ""
    return str(value)


def _checked(text: str) -> str:
    compile_pointer(text)
    return text


PointerText = Annotated[
    str,
    Field(max_length=200, json_schema_extra={"format": "json-pointer"}),
    AfterValidator(_checked),
]
