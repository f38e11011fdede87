-- Approved records as they came in, and the imports of files.
-- A record is never changed: a correction is a new revision, a withdrawal is a row of its own (I6).

CREATE TABLE records (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations,
    source_system text NOT NULL,
    source_id text NOT NULL,
    revision int NOT NULL CHECK (revision >= 1),
    category text NOT NULL CHECK (category IN ('expense', 'mileage', 'honorarium', 'activity')),
    currency text NOT NULL,
    total numeric(19, 4) NOT NULL,
    claimant_id text NOT NULL,
    content jsonb NOT NULL,
    content_hash bytea NOT NULL CHECK (length(content_hash) = 32),
    approved_at timestamptz NOT NULL,
    created_at timestamptz,
    received_at timestamptz NOT NULL DEFAULT now(),
    first_cost_date date NOT NULL,
    last_cost_date date NOT NULL,
    UNIQUE (organization_id, source_system, source_id, revision)
);
ALTER TABLE records ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON records
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON records
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON records
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- I7: the approval of everything up to this revision was taken back; a higher revision is new.
CREATE TABLE record_withdrawals (
    organization_id uuid NOT NULL REFERENCES organizations,
    source_system text NOT NULL,
    source_id text NOT NULL,
    revision int NOT NULL,
    record_id uuid NOT NULL REFERENCES records,
    withdrawn_at timestamptz NOT NULL,
    withdrawn_by text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, source_system, source_id, revision)
);
ALTER TABLE record_withdrawals ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON record_withdrawals
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON record_withdrawals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON record_withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE imports (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    file_name text NOT NULL,
    profile text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'finished', 'broken')),
    counts jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX imports_running ON imports (organization_id) WHERE state = 'running';
ALTER TABLE imports ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON imports
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- The rows of a file while it is imported, read back claim by claim; emptied when the import ends.
-- `data` is JSON in a text: a cell may hold what jsonb cannot (a NUL byte, half a character).
CREATE UNLOGGED TABLE import_rows (
    import_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    claim_key text COLLATE "C" NOT NULL,
    row_no int NOT NULL,
    data text NOT NULL,
    problems jsonb,
    PRIMARY KEY (import_id, claim_key, row_no)
);
ALTER TABLE import_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON import_rows
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
