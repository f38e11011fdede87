"""Signing in (X3): passwords, second factors, passkeys, sessions, invitations, other providers.

Built on django-allauth; here is what it leaves open: our rules, our pages, our people.
"""
