REVOKE EXECUTE ON FUNCTION authenticate_token(bytea), list_organizations(),
    forget_idempotency_keys(int, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authenticate_token(bytea), list_organizations(),
    forget_idempotency_keys(int, int) TO :application;
GRANT SELECT, INSERT, UPDATE ON organizations, api_tokens, idempotency_keys TO :application;
GRANT SELECT, INSERT, UPDATE, DELETE ON members TO :application;
GRANT SELECT ON instance TO :application;
