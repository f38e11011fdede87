"""Is all well? The overviews, the alerts, and their bounds (O1, O2, O7)."""
