"""Connectors: one folder for each kind of accounting system, behind one small interface.

A connector imports `core`, the interface and the shared HTTP client, nothing else of ours.
"""
