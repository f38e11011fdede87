"""Pages where what went wrong is understood and mended: causes, doubts, forced, reconciliation."""
