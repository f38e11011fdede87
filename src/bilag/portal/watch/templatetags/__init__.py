"""Tags of these pages."""
