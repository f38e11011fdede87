"""Tags for the pages of the audit log and of claims."""
