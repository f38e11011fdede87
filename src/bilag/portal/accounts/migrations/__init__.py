"""Migrations of the people's table."""
