-- O1: what went wrong lately, and how much was done each day, without a walk through history.

-- Attempts that went wrong; a system that only asks us to wait (429) did nothing wrong.
CREATE INDEX sync_logs_errors ON sync_logs (integration_id, at)
    WHERE outcome IN ('rejected', 'gave_up', 'unknown', 'retry_later', 'misconfigured',
        'booking_refused') AND http_status IS DISTINCT FROM 429;

ALTER TABLE export_total_deltas ADD COLUMN at timestamptz NOT NULL DEFAULT now();

-- How many claims were approved and exported on a day in Oslo; a decision that takes a claim out of
-- `exported` again counts against the day on which it was made.
CREATE TABLE export_days (
    organization_id uuid NOT NULL,
    integration_id uuid NOT NULL,
    day date NOT NULL,
    state text NOT NULL CHECK (state IN ('approved', 'exported')),
    count bigint NOT NULL,
    PRIMARY KEY (organization_id, integration_id, day, state)
);
ALTER TABLE export_days ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON export_days
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
INSERT INTO export_days
SELECT organization_id, integration_id, (at AT TIME ZONE 'Europe/Oslo')::date, state, count(*)
FROM (SELECT organization_id, integration_id, exported_at AS at, 'exported' AS state FROM exports
      WHERE state = 'exported'
      UNION ALL
      SELECT organization_id, integration_id, created_at, 'approved' FROM exports
      WHERE listing_of(kind) = 'current') e
WHERE at > now() - interval '60 days' GROUP BY 1, 2, 3, 4;

CREATE OR REPLACE FUNCTION fold_totals() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE folded bigint;
BEGIN
    -- one folder at a time; the others go on with their work
    IF NOT pg_try_advisory_xact_lock(hashtext('bilag.fold_totals')) THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        DELETE FROM export_total_deltas WHERE id IN (
            SELECT id FROM export_total_deltas ORDER BY id LIMIT 20000 FOR UPDATE SKIP LOCKED)
        RETURNING organization_id, integration_id, currency, listing, state, count, amount, at
    ), added AS (
        INSERT INTO export_totals AS t
        SELECT organization_id, integration_id, currency, listing, state, sum(count), sum(amount)
        FROM gone GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (organization_id, integration_id, currency, listing, state)
        DO UPDATE SET count = t.count + excluded.count, amount = t.amount + excluded.amount
        RETURNING 1
    ), days AS (
        INSERT INTO export_days AS d
        SELECT organization_id, integration_id, (at AT TIME ZONE 'Europe/Oslo')::date, state, sum(count)
        FROM gone WHERE state IN ('approved', 'exported') GROUP BY 1, 2, 3, 4
        ON CONFLICT (organization_id, integration_id, day, state)
        DO UPDATE SET count = d.count + excluded.count
        RETURNING 1
    ) SELECT count(*) INTO folded FROM gone;
    RETURN folded;
END $$;

-- O8: the control reports that were made, which stand in the audit chain.
CREATE INDEX control_reports_made ON change_logs (organization_id, id)
    WHERE event = 'control_report.made';
