"""Which characters no text may hold, wherever it comes from: a record, a setting, a file, a page.

Nobody types them, the database does not keep them all, and no XML document can carry them.
"""

import re

# Control characters but tab and line breaks; lone surrogates and what is no character at all.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BROKEN = re.compile(r"[\ud800-\udfff\ufffe\uffff]")


def character_fault(text: str, *, breaks: bool = True) -> str | None:
    """Return the code of what is wrong with a text's characters; `breaks` allows tabs and breaks.

    None where nothing is wrong.
    """
    if text.isprintable():
        return None
    if (_CONTROL if breaks else _CONTROL_OR_BREAK).search(text):
        return "text_control_character"
    return "text_broken_character" if _BROKEN.search(text) else None
