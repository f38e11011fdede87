-- C9: which expense types have come in, and on how many records, so that nobody has to read history.
-- Counted as deltas, like the totals of exports: two batches at once never wait for each other's row.
CREATE TABLE record_types (
    organization_id uuid NOT NULL REFERENCES organizations,
    category text NOT NULL,
    type text NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (organization_id, category, type)
);
ALTER TABLE record_types ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON record_types
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

CREATE TABLE record_type_deltas (
    id bigint GENERATED ALWAYS AS IDENTITY,
    organization_id uuid NOT NULL REFERENCES organizations,
    category text NOT NULL,
    type text NOT NULL,
    records bigint NOT NULL
);
CREATE INDEX record_type_deltas_organization ON record_type_deltas (organization_id);
ALTER TABLE record_type_deltas ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON record_type_deltas
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

INSERT INTO record_types (organization_id, category, type, records)
SELECT r.organization_id, r.category, l.type, count(*)
FROM records r CROSS JOIN LATERAL (
    SELECT DISTINCT coalesce(line ->> 'type', '') AS type
    FROM jsonb_array_elements(coalesce(r.content -> 'lines', '[]')) line) l
GROUP BY 1, 2, 3;

CREATE FUNCTION fold_record_types() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE folded bigint;
BEGIN
    -- one folder at a time; the others go on with their work
    IF NOT pg_try_advisory_xact_lock(hashtext('bilag.fold_record_types')) THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        DELETE FROM record_type_deltas WHERE id IN (
            SELECT id FROM record_type_deltas ORDER BY id LIMIT 20000 FOR UPDATE SKIP LOCKED)
        RETURNING organization_id, category, type, records
    ), added AS (
        INSERT INTO record_types AS t (organization_id, category, type, records)
        SELECT organization_id, category, type, sum(records) FROM gone GROUP BY 1, 2, 3
        ON CONFLICT (organization_id, category, type)
        DO UPDATE SET records = t.records + excluded.records
        RETURNING 1
    ) SELECT count(*) INTO folded FROM gone;
    RETURN folded;
END $$;
