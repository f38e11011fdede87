"""Approved records in: validated, stored once, immutable; files of foreign columns read by profile.

Knows nothing of exports: what stores a batch (`accept`) is handed in by the rooms above.
"""
