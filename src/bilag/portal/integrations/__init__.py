"""Pages for external integrations: the list, the wizard, one integration with its credentials."""
