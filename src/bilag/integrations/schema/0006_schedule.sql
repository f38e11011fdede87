-- C14: what the schedule says next, worked out when it is saved and whenever its time has come.
ALTER TABLE integration_runtime
    ADD COLUMN next_run_at timestamptz,
    -- exports up to this id came in before the newest run of the schedule: they may go. An id and not
    -- a time, so that a clock that is set back lets nothing out between two runs.
    ADD COLUMN run_through bigint NOT NULL DEFAULT 0,
    -- the pause under way, or the next one: nothing fresh goes out from `hold_from` until `hold_until`
    ADD COLUMN hold_from timestamptz,
    ADD COLUMN hold_until timestamptz;

-- Whose run or pause is over now; the workers' tick works the next ones out.
CREATE FUNCTION due_schedules()
    RETURNS TABLE (organization_id uuid, integration_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT r.organization_id, r.integration_id FROM integration_runtime r
    WHERE r.next_run_at <= now() OR r.hold_until <= now()
$$;
