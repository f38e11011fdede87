-- Organizations, members, API tokens, and the instance itself.
-- Row-level security: without `bilag.organization` set in the transaction a query sees nothing.

CREATE FUNCTION current_organization() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT NULLIF(current_setting('bilag.organization', true), '')::uuid $$;

-- For SECURITY DEFINER functions, which bypass row-level security: unset must raise, not match all.
CREATE FUNCTION required_organization() RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
BEGIN
    IF current_organization() IS NULL THEN
        RAISE EXCEPTION 'no organization is set for this transaction'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN current_organization();
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    language text NOT NULL DEFAULT 'nb' CHECK (language IN ('nb', 'nn', 'en')),
    -- networks (CIDR) besides public ones that the operator lets this organization's targets be in
    allowed_networks text[] NOT NULL DEFAULT '{}',
    -- I8: honoraria are held until an administrator recorded the written sign-off of the declaration
    declaration jsonb NOT NULL DEFAULT '{}',
    excluded_features text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organizations
    USING (id = (SELECT current_organization())) WITH CHECK (id = (SELECT current_organization()));

CREATE TABLE members (
    organization_id uuid NOT NULL REFERENCES organizations,
    subject text NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'coordinator', 'accountant')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, subject)
);
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON members
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- Only a hash of the token is kept; the token itself is shown once, when it is made.
CREATE TABLE api_tokens (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    name text NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    last_four text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
ALTER TABLE api_tokens ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON api_tokens
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- Answers of POST requests that carried an Idempotency-Key, so that a repeat is answered alike.
CREATE TABLE idempotency_keys (
    organization_id uuid NOT NULL REFERENCES organizations,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status int,
    answer jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, key)
);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency_keys
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- One row: which installation this database is, and how often it was found restored (E20).
CREATE TABLE instance (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    epoch bigint NOT NULL DEFAULT 1,
    restored_at timestamptz,
    -- how far voucher series that are opened after a restore start beyond their beginning
    numbers_ahead int NOT NULL DEFAULT 0
);
INSERT INTO instance DEFAULT VALUES;

-- The closed list of functions that cross tenants (X2); a test compares it with the catalogue.
CREATE FUNCTION authenticate_token(hash bytea)
    RETURNS TABLE (organization_id uuid, token_id uuid, scopes text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT t.organization_id, t.id, t.scopes FROM api_tokens t
    WHERE t.token_hash = hash AND t.revoked_at IS NULL AND t.expires_at > now()
$$;

CREATE FUNCTION list_organizations()
    RETURNS TABLE (id uuid, slug text, name text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT o.id, o.slug, o.name FROM organizations o ORDER BY o.slug $$;
