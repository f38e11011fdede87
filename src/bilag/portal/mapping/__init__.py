"""The pages where an organization says how its records become vouchers: the mapping editor."""
