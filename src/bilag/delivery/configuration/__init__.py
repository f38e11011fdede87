"""An organization as a file: read, compared, applied, written and copied (C15, C16)."""
