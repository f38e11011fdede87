-- C5, X1: a new credential stands beside the old one until it has proven itself; data keys rotate.

-- The audit key of an organization never changes: a rotated data key carries it, sealed; without it
-- the data key is the organization's first one, from which the audit key is derived.
ALTER TABLE data_keys ADD COLUMN is_current boolean NOT NULL DEFAULT true,
    ADD COLUMN audit_sealed bytea;
UPDATE data_keys k SET is_current = false WHERE EXISTS (SELECT FROM data_keys o
    WHERE o.organization_id = k.organization_id AND (o.created_at, o.id) < (k.created_at, k.id));
CREATE UNIQUE INDEX one_current_data_key ON data_keys (organization_id) WHERE is_current;

CREATE INDEX credentials_of_a_key ON credentials (organization_id, data_key_id);

-- The credential that was in use before, sealed as it was, until the new one has sent something.
CREATE TABLE kept_credentials (
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid NOT NULL,
    field text NOT NULL,
    data_key_id uuid NOT NULL,
    sealed bytea NOT NULL,
    last_four text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    expires_at timestamptz,
    kept_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (integration_id, field),
    -- what is kept has something in its place
    FOREIGN KEY (integration_id, field) REFERENCES credentials ON DELETE CASCADE,
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id),
    FOREIGN KEY (organization_id, data_key_id) REFERENCES data_keys (organization_id, id)
);
CREATE INDEX kept_credentials_of_a_key ON kept_credentials (organization_id, data_key_id);
ALTER TABLE kept_credentials ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON kept_credentials
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- The installation's own key, wrapped like a data key: what signs the portal's cookies comes from it.
CREATE TABLE instance_keys (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    id uuid NOT NULL,
    master_key_id text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- What people should know though deliveries go on: a new credential was refused, the old one is used.
ALTER TABLE integration_runtime ADD COLUMN warning text;
