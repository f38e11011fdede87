"""Organizations, members and API tokens, and the scope that separates them in the database.

Every query of every room runs inside `organization_scope`; without it row-level security hides all.
"""
