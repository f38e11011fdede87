-- O1: how long something waits counts from when it could have gone.

ALTER TABLE organization_integrations ADD COLUMN enabled_since timestamptz NOT NULL DEFAULT now();
UPDATE organization_integrations SET enabled_since = created_at;

CREATE FUNCTION note_enabling() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.enabled_since := now();
    RETURN NEW;
END $$;
CREATE TRIGGER enabling_is_noted BEFORE UPDATE ON organization_integrations FOR EACH ROW
    WHEN (NEW.enabled AND NOT OLD.enabled) EXECUTE FUNCTION note_enabling();

ALTER TABLE integration_runtime
    -- when the newest pause of the schedule that is over has ended
    ADD COLUMN pause_ended_at timestamptz,
    -- which kind of error stopped it, where alerts tell it from others: `other_company`
    ADD COLUMN error_code text;

-- The runs of a schedule that were started: what had come in by the export `run_through` could go.
CREATE TABLE schedule_runs (
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    run_through bigint NOT NULL,
    PRIMARY KEY (integration_id, run_through, due_at),
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id) ON DELETE CASCADE
);
ALTER TABLE schedule_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON schedule_runs
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
INSERT INTO schedule_runs (organization_id, integration_id, due_at, run_through)
SELECT organization_id, integration_id, coalesce(last_sync_at, now()), run_through
FROM integration_runtime WHERE run_through > 0;

-- Secrets that belong to an organization and to none of its integrations; sealed as credentials are.
CREATE TABLE organization_secrets (
    organization_id uuid NOT NULL REFERENCES organizations,
    field text NOT NULL,
    data_key_id uuid NOT NULL,
    sealed bytea NOT NULL,
    last_four text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, field),
    FOREIGN KEY (organization_id, data_key_id) REFERENCES data_keys (organization_id, id)
);
CREATE INDEX organization_secrets_of_a_key ON organization_secrets (organization_id, data_key_id);
ALTER TABLE organization_secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organization_secrets
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
