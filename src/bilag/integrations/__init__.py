"""Books, integrations, mapping versions and sealed credentials of each organization."""
