REVOKE EXECUTE ON FUNCTION authenticate_token(bytea), list_organizations(),
    forget_idempotency_keys(int, int), organizations_of(text), find_invitation(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authenticate_token(bytea), list_organizations(),
    forget_idempotency_keys(int, int), organizations_of(text), find_invitation(bytea)
    TO :application;
GRANT SELECT, INSERT, UPDATE ON organizations, api_tokens, idempotency_keys, invitations
    TO :application;
GRANT SELECT, INSERT, UPDATE, DELETE ON members, web_cache TO :application;
GRANT SELECT ON instance, global_admins TO :application;
