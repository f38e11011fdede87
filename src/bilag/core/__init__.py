"""Pure types and rules: money, records, vouchers, outcomes, references, problems, clocks.

Imports nothing else of ours and no framework; everything here can be tested without a database.
"""
