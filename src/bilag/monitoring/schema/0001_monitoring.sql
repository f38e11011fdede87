-- E13: what we believe is posted, compared with what the accounting system holds.

-- One reconciliation of one integration. The row is its own work list: one that is not finished is
-- gone on with behind `reached`, whichever process began it.
CREATE TABLE reconciliations (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid NOT NULL,
    trigger text NOT NULL CHECK (trigger IN ('asked', 'nightly')),
    actor text NOT NULL DEFAULT '',
    -- which night a nightly one belongs to, so that many workers ask for one
    night date CHECK ((night IS NULL) = (trigger = 'asked')),
    -- Oslo days on which claims were exported, or given up; both included, NULL is open
    from_day date,
    to_day date,
    asked_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    reached bigint NOT NULL DEFAULT 0,
    looked_up int NOT NULL DEFAULT 0,
    compared_by_lines int NOT NULL DEFAULT 0,
    compared_by_amount int NOT NULL DEFAULT 0,
    outcome text CHECK (outcome IN ('agrees', 'found', 'cannot_tell', 'stopped')),
    reason jsonb,
    CHECK ((finished_at IS NULL) = (outcome IS NULL)),
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id)
);
CREATE UNIQUE INDEX one_reconciliation_a_night ON reconciliations (integration_id, night);
CREATE INDEX reconciliations_newest ON reconciliations (organization_id, asked_at, id);
CREATE INDEX reconciliations_open ON reconciliations (integration_id) WHERE finished_at IS NULL;
ALTER TABLE reconciliations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reconciliations
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
CREATE TRIGGER finished_ones_stand BEFORE UPDATE ON reconciliations FOR EACH ROW
    WHEN (OLD.finished_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON reconciliations
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON reconciliations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What differed: a kind and what was seen there. A finding changes no export.
CREATE TABLE reconciliation_findings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    reconciliation_id uuid NOT NULL,
    export_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN
        ('missing', 'doubled', 'altered', 'reversed', 'unexpected', 'cannot_tell')),
    state text NOT NULL,
    evidence jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (reconciliation_id, export_id, kind),
    FOREIGN KEY (organization_id, reconciliation_id) REFERENCES reconciliations (organization_id, id),
    FOREIGN KEY (organization_id, export_id) REFERENCES exports (organization_id, id)
);
CREATE INDEX reconciliation_findings_export ON reconciliation_findings (organization_id, export_id);
ALTER TABLE reconciliation_findings ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reconciliation_findings
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reconciliation_findings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON reconciliation_findings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Which integrations have a reconciliation to go on with, and which are due for tonight's. A night
-- is due where something went out before it, at most as many days ago as the integration looks back.
CREATE FUNCTION due_reconciliations(night timestamptz, days int)
    RETURNS TABLE (organization_id uuid, integration_id uuid, unfinished boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT c.organization_id, c.integration_id, true
    FROM reconciliations c WHERE c.finished_at IS NULL GROUP BY 1, 2
    UNION ALL
    SELECT i.organization_id, i.id, false
    FROM organization_integrations i JOIN integration_runtime r ON r.integration_id = i.id
    CROSS JOIN LATERAL (
        SELECT coalesce((i.delivery ->> 'reconcileDays')::int, due_reconciliations.days) AS back) d
    WHERE i.enabled AND r.error_since IS NULL AND d.back > 0
      AND coalesce(r.breaker_retry_at, '-infinity') <= now()
      AND NOT EXISTS (SELECT FROM reconciliations c WHERE c.integration_id = i.id
          AND c.trigger = 'nightly' AND c.night >= (due_reconciliations.night AT TIME ZONE 'UTC')::date)
      AND EXISTS (SELECT FROM syncs s WHERE s.integration_id = i.id
          AND s.started_at < due_reconciliations.night
          AND s.started_at >= due_reconciliations.night - make_interval(days => d.back))
$$;
