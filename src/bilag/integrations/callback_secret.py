"""The key in a callback secret: what an accounting system signs its callbacks with (X5).

A secret that anybody could guess is refused when it is set, and never believed afterwards.
"""

import base64
import binascii

from bilag.core.problem import Problem, Refused

_BASE64_MARK = "whsec_"
KEY_BYTES_MIN = 12


def callback_key(secret: str) -> bytes:
    """Return the key: behind `whsec_` as base64 (Standard Webhooks), else the text itself.

    Raises Refused for base64 that is none and for a key of less than 12 bytes, an empty one too.
    """
    key = secret.encode()
    if secret.startswith(_BASE64_MARK):
        try:
            key = base64.b64decode(key.removeprefix(_BASE64_MARK.encode()), validate=True)
        except binascii.Error:
            key = b""
    if len(key) < KEY_BYTES_MIN:
        params = {"bytes": str(KEY_BYTES_MIN)}
        raise Refused(Problem("callback_secret_weak", "callback_secret", params=params))
    return key
