-- C14: an export that was never attempted is fresh. It goes when something is approved, or with a run
-- of the schedule, and never in a pause; what was attempted before follows its own times.
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
                  AND (e.attempt > 0 OR e.id <= fresh.through)
                  AND coalesce(r.paused_until, '-infinity') <= now()
                  AND coalesce(r.breaker_retry_at, '-infinity') <= now()
              WHEN 'sending' THEN e.send_by <= now() - interval '60 seconds'
              ELSE coalesce(r.breaker_retry_at, '-infinity') <= now() END)
$$;
