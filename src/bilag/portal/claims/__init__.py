"""Pages of claims: the list with its filters, a file of it, and one claim with all of its story."""
