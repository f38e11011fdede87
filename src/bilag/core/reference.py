"""Our reference: the name under which one generation of one claim is known in a ledger.

It is computed, never drawn: a claim imported again after a restore is looked up by the same name.
"""

import base64
import hashlib
from uuid import UUID

NAMESPACE = UUID("6f1f1a52-0c2e-5d58-9d6c-3f5a7a2f9b10")
LENGTH = 20


def make_reference(book_id: UUID, source_system: str, source_id: str, generation: int) -> str:
    """Return 20 characters, `B` and 19 of A-Z2-7: 95 bits of SHA-256, upper case for ledgers.

    The same book, source system, source id and generation give the same reference for ever.
    """
    key = "\x1f".join((book_id.hex, source_system, source_id, str(generation)))
    digest = hashlib.sha256(key.encode()).digest()
    return "B" + base64.b32encode(digest).decode("ascii")[: LENGTH - 1]
