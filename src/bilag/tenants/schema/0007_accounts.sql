-- X3: people come in by an invitation; who looks after the whole installation; the shared cache.

-- Only a hash of the link's token is kept; the link itself is shown once, when it is made.
CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    email text NOT NULL CHECK (email = lower(email)),
    role text NOT NULL CHECK (role IN ('admin', 'coordinator', 'accountant')),
    token_hash bytea NOT NULL UNIQUE,
    invited_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    withdrawn_at timestamptz,
    CHECK (accepted_at IS NULL OR withdrawn_at IS NULL)
);
-- a new invitation of the same person takes the place of the one before it
CREATE UNIQUE INDEX invitations_open ON invitations (organization_id, email)
    WHERE accepted_at IS NULL AND withdrawn_at IS NULL;
ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON invitations
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- Whoever is in here sees every organization, so only the owner writes it (`bilag global-admin`).
CREATE TABLE global_admins (
    subject text PRIMARY KEY CHECK (subject = lower(subject)),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Django's database cache: what slows a brute force down is counted for all processes together.
CREATE UNLOGGED TABLE web_cache (
    cache_key text PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX web_cache_expires ON web_cache (expires);

CREATE INDEX members_subject ON members (subject);

-- Additions to the closed list of functions that cross tenants (X2).
CREATE FUNCTION organizations_of(person text)
    RETURNS TABLE (id uuid, slug text, name text, role text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT o.id, o.slug, o.name, m.role FROM members m JOIN organizations o
        ON o.id = m.organization_id
    WHERE m.subject = person ORDER BY o.slug
$$;

CREATE FUNCTION find_invitation(hash bytea)
    RETURNS TABLE (id uuid, organization_id uuid, slug text, organization_name text, language text,
        email text, role text, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT i.id, i.organization_id, o.slug, o.name, o.language, i.email, i.role, i.expires_at
    FROM invitations i JOIN organizations o ON o.id = i.organization_id
    WHERE i.token_hash = hash AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL
        AND i.expires_at > now()
$$;
