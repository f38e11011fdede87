"""The tags of these pages."""
