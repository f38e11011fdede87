"""Pages as people meet them: over Django's whole stack, and in a real browser."""
