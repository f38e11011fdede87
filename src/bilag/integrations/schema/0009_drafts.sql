-- C2, C3: integrations that are still being set up, their newest test, and the system's own lists.

-- A draft is set up step by step and can be tested; the check keeps it from ever sending anything.
ALTER TABLE organization_integrations ADD COLUMN is_draft boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT a_draft_sends_nothing CHECK (NOT (is_draft AND (enabled OR is_route)));

-- What an integration consists of goes with it; what was done through it (exports, runs, logs) keeps
-- it from being deleted.
ALTER TABLE mapping_versions
    DROP CONSTRAINT mapping_versions_organization_id_integration_id_fkey,
    ADD FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id) ON DELETE CASCADE;
ALTER TABLE credentials
    DROP CONSTRAINT credentials_organization_id_integration_id_fkey,
    ADD FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id) ON DELETE CASCADE;
ALTER TABLE kept_credentials
    DROP CONSTRAINT kept_credentials_organization_id_integration_id_fkey,
    ADD FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id) ON DELETE CASCADE;
ALTER TABLE integration_runtime
    DROP CONSTRAINT integration_runtime_organization_id_integration_id_fkey,
    ADD FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id) ON DELETE CASCADE;

-- Versions of a mapping go only together with their integration; by themselves they never do.
DROP TRIGGER append_only ON mapping_versions;
CREATE TRIGGER append_only BEFORE UPDATE ON mapping_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE ON mapping_versions
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change();

-- Who sets a draft up, and what was typed that cannot be used yet; secrets are never among it.
CREATE TABLE integration_drafts (
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid PRIMARY KEY,
    -- counts the changes, so that two who edit the same draft do not write over each other
    version int NOT NULL DEFAULT 1,
    made_book boolean NOT NULL DEFAULT false,
    entered jsonb NOT NULL DEFAULT '{}',
    started_by text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id) ON DELETE CASCADE
);
ALTER TABLE integration_drafts ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON integration_drafts
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- The newest test of each integration; `tried` is a hash of what was tested, so that a test of other
-- settings or credentials does not count.
CREATE TABLE connection_tests (
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid PRIMARY KEY,
    passed boolean NOT NULL,
    tried bytea NOT NULL,
    report jsonb NOT NULL,
    tested_by text NOT NULL,
    tested_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id) ON DELETE CASCADE
);
ALTER TABLE connection_tests ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON connection_tests
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- Ledger accounts, cost centres and the like as the system listed them: suggestions, never a limit.
CREATE TABLE reference_lists (
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid NOT NULL,
    kind text NOT NULL,
    -- there are more than are kept
    more boolean NOT NULL,
    read_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, integration_id, kind),
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id) ON DELETE CASCADE
);
ALTER TABLE reference_lists ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reference_lists
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

CREATE TABLE reference_items (
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    usable boolean NOT NULL,
    PRIMARY KEY (integration_id, kind, code),
    FOREIGN KEY (organization_id, integration_id, kind) REFERENCES reference_lists ON DELETE CASCADE
);
ALTER TABLE reference_items ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reference_items
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
