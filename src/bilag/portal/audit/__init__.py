"""Pages of the audit log: a filtered list, one entry, and a file for spreadsheets."""
