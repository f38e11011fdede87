"""The pages of an organization's people: who belongs to it, invitations, roles."""
