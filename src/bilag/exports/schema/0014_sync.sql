-- O3: a sync that a person asked for, from the asking to the end. It may take several runs, and
-- survives the job that carries it: as long as it is open, a worker goes on with it.
CREATE TABLE sync_requests (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid NOT NULL,
    actor text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    -- what was to go when it was asked for: [{"currency", "count", "amount"}]
    asked jsonb NOT NULL,
    stopped_at timestamptz,
    stopped_by text NOT NULL DEFAULT '',
    ended_at timestamptz,
    outcome text,
    message text NOT NULL DEFAULT '',
    -- how many stood in each open state when it ended: {"pending": 3}
    open_then jsonb NOT NULL DEFAULT '{}',
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id)
);
-- One at a time, whoever asks and from which window.
CREATE UNIQUE INDEX one_open_request ON sync_requests (integration_id) WHERE ended_at IS NULL;
CREATE INDEX sync_requests_newest ON sync_requests (integration_id, asked_at DESC);
ALTER TABLE sync_requests ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sync_requests
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

ALTER TABLE syncs ADD COLUMN request_id uuid;
CREATE INDEX syncs_of_request ON syncs (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX syncs_unasked ON syncs (integration_id, started_at DESC) WHERE request_id IS NULL;
-- What a lost worker left without an end, closed by the next sync of the integration.
CREATE INDEX syncs_open ON syncs (integration_id) WHERE finished_at IS NULL;

-- What a run brought into which state, added up with each set of answers.
CREATE TABLE sync_tallies (
    organization_id uuid NOT NULL,
    run_id uuid NOT NULL,
    state text NOT NULL,
    currency text NOT NULL,
    count bigint NOT NULL,
    amount numeric(25, 4) NOT NULL,
    PRIMARY KEY (run_id, state, currency)
) WITH (fillfactor = 50);
ALTER TABLE sync_tallies ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sync_tallies
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- What is open is due until it has ended, also when nothing is left to send or an error stopped the
-- integration. What was left by a sync that somebody stopped is not fresh any more.
CREATE OR REPLACE FUNCTION due_integrations()
    RETURNS TABLE (organization_id uuid, integration_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT i.organization_id, i.id
    FROM organization_integrations i JOIN integration_runtime r ON r.integration_id = i.id
    CROSS JOIN LATERAL (SELECT CASE
        WHEN r.hold_from <= now() AND now() < r.hold_until THEN 0
        WHEN coalesce(i.delivery ->> 'trigger', 'on_approval') = 'on_approval' THEN 9223372036854775807
        WHEN i.delivery ->> 'trigger' = 'manual' THEN 0
        ELSE r.run_through END AS through) fresh
    WHERE r.error_since IS NULL AND EXISTS (
        SELECT FROM exports e WHERE e.integration_id = i.id AND e.for_engine AND e.due_at <= now()
          AND CASE e.state
              WHEN 'pending' THEN i.enabled
                  AND (e.attempt > 0 OR e.id <= fresh.through AND e.id > r.stopped_through)
                  AND coalesce(r.paused_until, '-infinity') <= now()
                  AND coalesce(r.breaker_retry_at, '-infinity') <= now()
              WHEN 'sending' THEN e.send_by <= now() - interval '60 seconds'
              ELSE coalesce(r.breaker_retry_at, '-infinity') <= now() END)
    UNION
    SELECT q.organization_id, q.integration_id FROM sync_requests q
    JOIN organization_integrations i ON i.id = q.integration_id
    WHERE q.ended_at IS NULL AND NOT i.is_draft
      -- while its job runs (bilag.delivery.queue.lock_of), another one would come for nothing
      AND NOT EXISTS (SELECT FROM procrastinate_jobs j
          WHERE j.status = 'doing' AND j.lock = 'sync:' || q.integration_id)
$$;
