"""Accounting systems to try against: real HTTP servers, each with a ledger of its own.

They share no code with the connectors, and fail on demand in every way a real system does.
"""
