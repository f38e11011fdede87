"""Sentences about records, as code -> (bokmål, nynorsk, English)."""

RECORD_TEXTS: dict[str, tuple[str, str, str]] = {}
