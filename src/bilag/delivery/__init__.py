"""The engine: claim, build, send, settle; resolve what is in doubt. Knows no system by name."""
