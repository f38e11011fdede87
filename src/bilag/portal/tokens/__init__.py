"""Pages of API tokens: which there are, making one, ending one (X3)."""
