-- The ledger of exports: one row for each claim, book, accounting year and generation.
-- Everything that must never happen twice is a constraint here, not an `if` elsewhere.

-- A token is drawn for each set that is about to be sent. It fences late writers, and because it
-- only ever grows, a database that knows fewer tokens than were used was restored (E20).
CREATE SEQUENCE sending_tokens;

CREATE TABLE exports (
    id bigint GENERATED ALWAYS AS IDENTITY,
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid NOT NULL,
    book_id uuid NOT NULL,
    record_id uuid NOT NULL,
    source_system text NOT NULL,
    source_id text NOT NULL,
    revision int NOT NULL,
    generation int NOT NULL DEFAULT 1,
    -- 0, or the accounting year of this voucher where a claim's costs lie in two (E19)
    part smallint NOT NULL DEFAULT 0,
    kind text NOT NULL DEFAULT 'original'
        CHECK (kind IN ('original', 'revision', 'correction', 'forced', 'reversal')),
    live boolean NOT NULL,
    category text NOT NULL,
    currency text NOT NULL,
    amount numeric(19, 4) NOT NULL,
    reference text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'sending', 'accepted', 'exported', 'failed',
        'in_doubt', 'needs_review', 'held', 'excluded', 'cancelled', 'superseded', 'reversed')),
    state_since timestamptz NOT NULL DEFAULT now(),
    -- pending: not before; in_doubt: look up from then on; accepted: follow up from then on
    due_at timestamptz NOT NULL DEFAULT now(),
    attempt int NOT NULL DEFAULT 0,
    failures int NOT NULL DEFAULT 0,
    refusals smallint NOT NULL DEFAULT 0,
    token bigint NOT NULL DEFAULT 0,
    send_by timestamptz,
    submission_id bigint,
    mapping_version int,
    accounting_year smallint,
    voucher_number int,
    external_reference text,
    external_voucher_number text,
    reason jsonb,
    exported_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- who has to act next. Indexes go by these two and not by the state, so that the step from
    -- pending to sending changes no indexed column and stays within its page (measured).
    for_engine boolean GENERATED ALWAYS AS (state IN ('pending', 'sending', 'in_doubt', 'accepted')) STORED,
    for_person boolean GENERATED ALWAYS AS (state IN ('failed', 'held', 'needs_review')) STORED,
    -- the tenant first: every query carries it, and pages of one organization need no other index
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id),
    FOREIGN KEY (organization_id, book_id) REFERENCES books (organization_id, id)
) WITH (fillfactor = 55, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- The double-export guard (E3): the source id, never the revision; the book, never the integration.
CREATE UNIQUE INDEX one_row_per_generation
    ON exports (organization_id, source_id, book_id, source_system, generation, part);
CREATE UNIQUE INDEX one_live_generation
    ON exports (organization_id, source_id, book_id, source_system, part) WHERE live;
-- The engine's work list, and what waits for a person; finished rows are in neither.
CREATE INDEX exports_for_engine ON exports (integration_id, due_at, id) WHERE for_engine;
CREATE INDEX exports_for_person ON exports (integration_id, id) WHERE for_person;

ALTER TABLE exports ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON exports
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

CREATE FUNCTION refuse_transition() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'export % may not go from % to %', OLD.id, OLD.state, NEW.state
        USING ERRCODE = 'check_violation';
END $$;

-- The list equals bilag.exports.states.allowed(); a test compares them.
CREATE TRIGGER states_only_as_designed BEFORE UPDATE OF state ON exports FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) <> ALL (
        '{accepted>exported,accepted>failed,accepted>in_doubt,accepted>needs_review,cancelled>needs_review,excluded>cancelled,excluded>in_doubt,excluded>needs_review,excluded>pending,excluded>superseded,exported>needs_review,exported>reversed,failed>cancelled,failed>in_doubt,failed>needs_review,failed>pending,failed>superseded,held>cancelled,held>excluded,held>in_doubt,held>needs_review,held>pending,held>superseded,in_doubt>accepted,in_doubt>exported,in_doubt>needs_review,in_doubt>pending,in_doubt>sending,needs_review>cancelled,needs_review>exported,needs_review>failed,needs_review>pending,pending>cancelled,pending>excluded,pending>held,pending>in_doubt,pending>needs_review,pending>sending,pending>superseded,reversed>needs_review,sending>accepted,sending>exported,sending>failed,sending>in_doubt,sending>needs_review,sending>pending,superseded>needs_review}'::text[]))
    EXECUTE FUNCTION refuse_transition();
CREATE TRIGGER never_deleted BEFORE DELETE ON exports
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON exports
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Counts and sums of finished states, kept as deltas in the transaction that finishes a row, so
-- that no status query grows with history. Rows that are not finished are counted where they stand.
-- 'approved' is written by the arrival of records, not by exports.
CREATE TABLE export_totals (
    organization_id uuid NOT NULL,
    integration_id uuid NOT NULL,
    currency text NOT NULL,
    listing text NOT NULL,
    state text NOT NULL,
    count bigint NOT NULL,
    amount numeric(25, 4) NOT NULL,
    PRIMARY KEY (organization_id, integration_id, currency, listing, state)
);
ALTER TABLE export_totals ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON export_totals
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

CREATE TABLE export_total_deltas (
    id bigint GENERATED ALWAYS AS IDENTITY,
    organization_id uuid NOT NULL,
    integration_id uuid NOT NULL,
    currency text NOT NULL,
    listing text NOT NULL,
    state text NOT NULL,
    count bigint NOT NULL,
    amount numeric(25, 4) NOT NULL
);
CREATE INDEX export_total_deltas_organization ON export_total_deltas (organization_id);
ALTER TABLE export_total_deltas ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON export_total_deltas
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

CREATE FUNCTION listing_of(kind text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE kind WHEN 'forced' THEN 'forced' WHEN 'reversal' THEN 'reversal' ELSE 'current' END $$;

-- Every step into or out of a finished state is counted here, but for the one that each claim
-- takes: to `exported`. T2 and the look-ups count that one for a whole set (exports/settle.py).
CREATE FUNCTION count_finished() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO export_total_deltas (organization_id, integration_id, currency, listing, state, count, amount)
    SELECT NEW.organization_id, NEW.integration_id, NEW.currency, listing_of(NEW.kind), state, n, n * NEW.amount
    FROM (VALUES (OLD.state, -1), (NEW.state, 1)) AS moved (state, n)
    WHERE state IN ('exported', 'excluded', 'cancelled', 'superseded', 'reversed');
    RETURN NULL;
END $$;
CREATE TRIGGER finished_rows_are_counted AFTER UPDATE OF state ON exports FOR EACH ROW
    WHEN (OLD.state <> NEW.state
          AND NOT (NEW.state = 'exported' AND OLD.state IN ('sending', 'in_doubt', 'accepted'))
          AND (OLD.state IN ('exported', 'excluded', 'cancelled', 'superseded', 'reversed')
               OR NEW.state IN ('exported', 'excluded', 'cancelled', 'superseded', 'reversed')))
    EXECUTE FUNCTION count_finished();

CREATE FUNCTION fold_totals() RETURNS bigint
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
        RETURNING organization_id, integration_id, currency, listing, state, count, amount
    ), added AS (
        INSERT INTO export_totals AS t
        SELECT organization_id, integration_id, currency, listing, state, sum(count), sum(amount)
        FROM gone GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (organization_id, integration_id, currency, listing, state)
        DO UPDATE SET count = t.count + excluded.count, amount = t.amount + excluded.amount
        RETURNING 1
    ) SELECT count(*) INTO folded FROM gone;
    RETURN folded;
END $$;

-- Voucher numbers: without a gap as long as what was numbered was also sent; else the gap is a row.
CREATE TABLE voucher_series (
    organization_id uuid NOT NULL REFERENCES organizations,
    book_id uuid NOT NULL,
    accounting_year smallint NOT NULL,
    next_number int NOT NULL CHECK (next_number BETWEEN 1 AND 100000000),
    PRIMARY KEY (book_id, accounting_year),
    FOREIGN KEY (organization_id, book_id) REFERENCES books (organization_id, id)
) WITH (fillfactor = 50);
ALTER TABLE voucher_series ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON voucher_series
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

CREATE TABLE voucher_number_gaps (
    organization_id uuid NOT NULL REFERENCES organizations,
    book_id uuid NOT NULL,
    accounting_year smallint NOT NULL,
    first_number int NOT NULL,
    last_number int NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (organization_id, book_id) REFERENCES books (organization_id, id)
);
CREATE INDEX voucher_number_gaps_book ON voucher_number_gaps (book_id, accounting_year);
ALTER TABLE voucher_number_gaps ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON voucher_number_gaps
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON voucher_number_gaps
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The exact bytes of each submission, kept apart from the narrow row that changes state, and apart
-- from the logs that only know their keyed hash, so that personal data can be erased (X7).
CREATE TABLE submissions (
    id bigint PRIMARY KEY,
    organization_id uuid NOT NULL,
    headers jsonb,
    body text NOT NULL,
    mapping_version int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE submissions ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON submissions
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON submissions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- One run of one integration: what started it, who, how many were asked for, how it went.
CREATE TABLE syncs (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid NOT NULL,
    trigger text NOT NULL,
    actor text NOT NULL DEFAULT '',
    asked bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    outcome text,
    message text,
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id)
);
CREATE INDEX syncs_newest ON syncs (integration_id, started_at DESC);
ALTER TABLE syncs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON syncs
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- E9: one row for each submission of a run, inserted once its outcome is known or given up.
CREATE TABLE export_runs (
    organization_id uuid NOT NULL,
    integration_id uuid NOT NULL,
    run_id uuid NOT NULL,
    submission_id bigint NOT NULL,
    claim_ids jsonb NOT NULL,
    success_count int NOT NULL,
    http_status int,
    outcome text NOT NULL,
    error text,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL
) PARTITION BY RANGE (finished_at);
CREATE TABLE export_runs_default PARTITION OF export_runs DEFAULT;
CREATE INDEX export_runs_claims ON export_runs USING gin (claim_ids);
CREATE INDEX export_runs_run ON export_runs (run_id);
ALTER TABLE export_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON export_runs
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON export_runs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON export_runs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON export_runs_default
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- E10, O6: one row for each record and attempt. `row_hash` is over the row's own fields; the
-- payload and the answer are in it only as keyed hashes. `link` is the set's link in the chain.
CREATE TABLE sync_logs (
    organization_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    integration_id uuid NOT NULL,
    run_id uuid NOT NULL,
    export_id bigint NOT NULL,
    source_id text NOT NULL,
    reference text NOT NULL,
    attempt int NOT NULL,
    submission_id bigint,
    event text NOT NULL,
    outcome text NOT NULL,
    http_status int,
    duration_ms int,
    message text NOT NULL DEFAULT '',
    field text NOT NULL DEFAULT '',
    line int,
    answer text NOT NULL DEFAULT '',
    payload_hash bytea,
    answer_hash bytea,
    row_hash bytea NOT NULL,
    link bigint NOT NULL,
    position int NOT NULL
) PARTITION BY RANGE (at);
CREATE TABLE sync_logs_default PARTITION OF sync_logs DEFAULT;
CREATE INDEX sync_logs_newest ON sync_logs (organization_id, at, id);
CREATE INDEX sync_logs_export ON sync_logs (export_id);
ALTER TABLE sync_logs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sync_logs
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sync_logs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON sync_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON sync_logs_default
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Every decision of a person and every change of configuration, in the same chain as the attempts.
CREATE TABLE change_logs (
    organization_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    event text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL,
    row_hash bytea NOT NULL,
    link bigint NOT NULL
);
CREATE INDEX change_logs_newest ON change_logs (organization_id, at, id);
ALTER TABLE change_logs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON change_logs
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON change_logs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON change_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The chain: one link for each settled set, hash = SHA-256(previous hash || link number || root).
CREATE TABLE audit_links (
    organization_id uuid NOT NULL,
    link bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    source text NOT NULL CHECK (source IN ('sync_logs', 'change_logs')),
    rows int NOT NULL,
    root bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (organization_id, link)
);
ALTER TABLE audit_links ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_links
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_links
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON audit_links
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE audit_heads (
    organization_id uuid PRIMARY KEY REFERENCES organizations,
    link bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL DEFAULT ''
) WITH (fillfactor = 50);
ALTER TABLE audit_heads ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_heads
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- Partitions by month, three months ahead, made with the owner's rights; the default catches the rest.
CREATE FUNCTION ensure_partitions() RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    parent text; month date; name text; made int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('bilag.ensure_partitions'));
    FOREACH parent IN ARRAY ARRAY['export_runs', 'sync_logs'] LOOP
        FOR ahead IN 0..3 LOOP
            month := date_trunc('month', now() AT TIME ZONE 'UTC')::date + make_interval(months => ahead);
            name := parent || '_' || to_char(month, 'YYYYMM');
            IF to_regclass(name) IS NULL THEN
                BEGIN
                    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name, parent,
                        month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
                    EXECUTE format('CREATE TRIGGER append_only_all BEFORE TRUNCATE ON %I'
                        ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
                    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
                    made := made + 1;
                EXCEPTION WHEN check_violation THEN
                    -- the default partition already holds rows of that month; it keeps them
                    NULL;
                END;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
SELECT ensure_partitions();
ALTER TABLE export_runs_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_logs_default ENABLE ROW LEVEL SECURITY;

-- `?|` is not leakproof, so under row-level security it could not use the index: this function
-- runs as the owner, takes the organization from the transaction and raises when it is unset.
CREATE FUNCTION runs_with_claims(claims text[])
    RETURNS TABLE (run_id uuid, submission_id bigint, claim_ids jsonb, http_status int,
                   outcome text, error text, started_at timestamptz, finished_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT r.run_id, r.submission_id, r.claim_ids, r.http_status, r.outcome, r.error,
           r.started_at, r.finished_at
    FROM export_runs r
    WHERE r.claim_ids ?| claims AND r.organization_id = required_organization()
    ORDER BY r.finished_at DESC
$$;

-- Which integrations have something to do now; the only look across tenants that the worker takes.
CREATE FUNCTION due_integrations()
    RETURNS TABLE (organization_id uuid, integration_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT i.organization_id, i.id
    FROM organization_integrations i JOIN integration_runtime r ON r.integration_id = i.id
    WHERE r.error_since IS NULL AND EXISTS (
        SELECT FROM exports e WHERE e.integration_id = i.id AND e.for_engine AND e.due_at <= now()
          AND CASE e.state
              WHEN 'pending' THEN i.enabled
                  AND (e.attempt > 0 OR coalesce(i.delivery ->> 'trigger', 'on_approval') <> 'manual')
                  AND coalesce(r.paused_until, '-infinity') <= now()
                  AND coalesce(r.breaker_retry_at, '-infinity') <= now()
              WHEN 'sending' THEN e.send_by <= now() - interval '60 seconds'
              ELSE coalesce(r.breaker_retry_at, '-infinity') <= now() END)
$$;

-- E20: after a restore nothing is trusted that is not terminal; numbers and tokens jump ahead. What
-- was under way when the database was lost may still be posted, so look-ups wait as after a crash.
CREATE FUNCTION begin_epoch(tokens_seen bigint, epoch_seen bigint, numbers_ahead int)
    RETURNS TABLE (epoch bigint, in_doubt bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE doubted bigint; new_epoch bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('bilag.begin_epoch'));
    UPDATE instance i SET epoch = greatest(i.epoch, epoch_seen) + 1, restored_at = now(),
        numbers_ahead = i.numbers_ahead + begin_epoch.numbers_ahead
        RETURNING i.epoch INTO new_epoch;
    PERFORM setval('sending_tokens', greatest((SELECT last_value FROM sending_tokens), tokens_seen) + 1);
    WITH skipped AS (
        UPDATE voucher_series s SET next_number = least(s.next_number + begin_epoch.numbers_ahead, 100000000)
        WHERE begin_epoch.numbers_ahead > 0
        RETURNING s.organization_id, s.book_id, s.accounting_year, s.next_number)
    INSERT INTO voucher_number_gaps (organization_id, book_id, accounting_year, first_number, last_number, reason)
    SELECT s.organization_id, s.book_id, s.accounting_year, s.next_number - begin_epoch.numbers_ahead, s.next_number - 1,
           'restored from backup: these numbers may have been used before'
    FROM skipped s;
    WITH moved AS (
        UPDATE exports e SET state = 'in_doubt', state_since = now(),
            due_at = now() + r.doubt_seconds * interval '1 second',
            reason = jsonb_build_object('code', 'restored', 'epoch', new_epoch)
        FROM integration_runtime r
        WHERE r.integration_id = e.integration_id AND e.live
          AND e.state IN ('pending', 'sending', 'held', 'failed', 'excluded', 'accepted')
        RETURNING 1)
    SELECT count(*) INTO doubted FROM moved;
    UPDATE exports e SET due_at = now() + r.doubt_seconds * interval '1 second'
    FROM integration_runtime r
    WHERE r.integration_id = e.integration_id AND e.state = 'in_doubt' AND e.due_at < now();
    RETURN QUERY SELECT new_epoch, doubted;
END $$;
