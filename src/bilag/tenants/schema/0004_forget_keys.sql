-- Keys of requests are kept for some days and then forgotten; the worker asks for it now and then.
-- At most so many at once, so that one call never holds many rows for long.

CREATE FUNCTION forget_idempotency_keys(days int, at_most int) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH gone AS (
        DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
            SELECT k.ctid FROM idempotency_keys k
            WHERE k.created_at < now() - greatest(days, 1) * interval '1 day'
            LIMIT at_most FOR UPDATE SKIP LOCKED))
        RETURNING 1)
    SELECT count(*) FROM gone
$$;
