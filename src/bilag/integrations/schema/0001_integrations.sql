-- Foreign keys carry the organization, since they are checked past row-level security.
-- Books, integrations, mapping versions, sealed credentials and what the engine knows of each target.

CREATE TABLE books (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    key text NOT NULL CHECK (key ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    currency text NOT NULL,
    -- month (1-12) in which the accounting year starts; the year is named by the calendar year of that month
    year_start_month int NOT NULL DEFAULT 1 CHECK (year_start_month BETWEEN 1 AND 12),
    number_prefix text NOT NULL DEFAULT '' CHECK (length(number_prefix) <= 6),
    number_start int NOT NULL DEFAULT 1 CHECK (number_start BETWEEN 1 AND 99999999),
    rounding_account text NOT NULL DEFAULT '',
    UNIQUE (organization_id, key),
    UNIQUE (organization_id, id)
);
ALTER TABLE books ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON books
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

CREATE TABLE organization_integrations (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    book_id uuid NOT NULL,
    key text NOT NULL CHECK (key ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    integration_type text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    -- the route that a book's claims take; an old integration to the same book keeps its history
    is_route boolean NOT NULL DEFAULT true,
    settings jsonb NOT NULL DEFAULT '{}',
    filters jsonb NOT NULL DEFAULT '{}',
    delivery jsonb NOT NULL DEFAULT '{}',
    mapping_version int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, key),
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, book_id) REFERENCES books (organization_id, id)
);
CREATE UNIQUE INDEX one_route_per_book ON organization_integrations (book_id) WHERE is_route;
ALTER TABLE organization_integrations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organization_integrations
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

CREATE TABLE mapping_versions (
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid NOT NULL,
    version int NOT NULL,
    field_mappings jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    PRIMARY KEY (integration_id, version),
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id)
);
ALTER TABLE mapping_versions ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON mapping_versions
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON mapping_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON mapping_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A data key per organization, wrapped by the master key outside the database (X1).
CREATE TABLE data_keys (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid PRIMARY KEY,
    master_key_id text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, id)
);
ALTER TABLE data_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON data_keys
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

CREATE TABLE credentials (
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid NOT NULL,
    field text NOT NULL,
    data_key_id uuid NOT NULL,
    sealed bytea NOT NULL,
    last_four text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    PRIMARY KEY (integration_id, field),
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id),
    FOREIGN KEY (organization_id, data_key_id) REFERENCES data_keys (organization_id, id)
);
ALTER TABLE credentials ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON credentials
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- What the engine knows of a target, shared by all workers: who syncs, breaker, pause, error, company.
CREATE TABLE integration_runtime (
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid PRIMARY KEY,
    sync_token bigint NOT NULL DEFAULT 0,
    sync_run_id uuid,
    sync_started_at timestamptz,
    -- how long an outcome stays open after `send_by`: request timeout plus settle time, as last used
    doubt_seconds double precision NOT NULL DEFAULT 60,
    last_sync_at timestamptz,
    last_sync_outcome text,
    breaker_failures int NOT NULL DEFAULT 0,
    breaker_opened_at timestamptz,
    breaker_retry_at timestamptz,
    breaker_trips int NOT NULL DEFAULT 0,
    paused_until timestamptz,
    error_since timestamptz,
    error_message text,
    company_id text,
    company_name text,
    look_up_proven_at timestamptz,
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id)
) WITH (fillfactor = 50);
ALTER TABLE integration_runtime ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration_runtime
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
