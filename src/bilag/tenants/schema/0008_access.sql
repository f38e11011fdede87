-- X3: when a token was last used, to the hour, so that one that nobody uses can be found and ended.
ALTER TABLE api_tokens ADD COLUMN last_used_at timestamptz;
CREATE INDEX api_tokens_organization ON api_tokens (organization_id);

-- Notes the use at most once an hour, and never waits for a row that somebody else is changing.
CREATE OR REPLACE FUNCTION authenticate_token(hash bytea)
    RETURNS TABLE (organization_id uuid, token_id uuid, scopes text[])
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH used AS (
        UPDATE api_tokens SET last_used_at = now() WHERE id = ANY (ARRAY(
            SELECT t.id FROM api_tokens t
            WHERE t.token_hash = hash AND t.revoked_at IS NULL AND t.expires_at > now()
                AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 hour')
            FOR UPDATE SKIP LOCKED)))
    SELECT t.organization_id, t.id, t.scopes FROM api_tokens t
    WHERE t.token_hash = hash AND t.revoked_at IS NULL AND t.expires_at > now()
$$;
