-- O1, O2: how it stands; O7: what people are told; I9: the rates and limits of wages.

-- The bounds of an organization: a row for each, made with it, so that defaults stand here alone.
CREATE TABLE watch_settings (
    organization_id uuid PRIMARY KEY REFERENCES organizations,
    pending_hours int NOT NULL DEFAULT 24 CHECK (pending_hours BETWEEN 1 AND 8760),
    no_sync_hours int NOT NULL DEFAULT 48 CHECK (no_sync_hours BETWEEN 1 AND 8760),
    stale_hours int NOT NULL DEFAULT 24 CHECK (stale_hours BETWEEN 1 AND 8760),
    pending_alert_hours int NOT NULL DEFAULT 48 CHECK (pending_alert_hours BETWEEN 1 AND 8760),
    errors_max int NOT NULL DEFAULT 10 CHECK (errors_max BETWEEN 0 AND 9999),
    failures_in_a_row int NOT NULL DEFAULT 3 CHECK (failures_in_a_row BETWEEN 2 AND 100),
    credential_days int NOT NULL DEFAULT 14 CHECK (credential_days BETWEEN 0 AND 365),
    -- days without a new record; 0 never asks
    silence_days int NOT NULL DEFAULT 30 CHECK (silence_days BETWEEN 0 AND 3650),
    mail_roles text[] NOT NULL DEFAULT '{admin}',
    webhook_url text NOT NULL DEFAULT '',
    wage_warning_percent int NOT NULL DEFAULT 90 CHECK (wage_warning_percent BETWEEN 1 AND 100),
    wage_income_code text NOT NULL
        DEFAULT 'loennUtbetaltAvVeldedigEllerAllmennyttigInstitusjonEllerOrganisasjon',
    -- when a worker looked at it last
    watched_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 70);
ALTER TABLE watch_settings ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON watch_settings
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
INSERT INTO watch_settings (organization_id) SELECT id FROM organizations;

CREATE FUNCTION watch_from_the_start() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO watch_settings (organization_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER watched_from_the_start AFTER INSERT ON organizations FOR EACH ROW
    EXECUTE FUNCTION watch_from_the_start();

-- How each integration stood when a worker last looked; only the global overview reads it.
CREATE TABLE health_snapshots (
    organization_id uuid NOT NULL,
    integration_id uuid PRIMARY KEY,
    pending int NOT NULL,
    for_person int NOT NULL,
    errors int NOT NULL,
    -- those of claims that have not gone through since
    errors_open int NOT NULL,
    could_go_since timestamptz,
    waiting_since timestamptz,
    taken_at timestamptz NOT NULL,
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70);
ALTER TABLE health_snapshots ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON health_snapshots
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- O1, the rules: what is wrong with an integration, the worst first. The first three make it red.
-- `waiting_since`: a sync should have come; `could_go_since`: the oldest that waits could have gone.
CREATE FUNCTION health_reasons(enabled boolean, stopped boolean, outcome text,
        last_sync_at timestamptz, waiting_since timestamptz, could_go_since timestamptz,
        errors_open bigint, for_person bigint, warned boolean, bounds watch_settings, at timestamptz)
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN enabled AND stopped THEN 'stopped' END,
        CASE WHEN enabled AND outcome IN ('misconfigured', 'breaker', 'interrupted')
            THEN 'sync_failed' END,
        CASE WHEN enabled AND waiting_since IS NOT NULL AND at - greatest(waiting_since, last_sync_at)
            >= bounds.no_sync_hours * interval '1 hour' THEN 'no_sync' END,
        CASE WHEN for_person > 0 THEN 'waits_for_person' END,
        CASE WHEN enabled AND outcome = 'partly' THEN 'sync_partly' END,
        CASE WHEN enabled AND errors_open > 0 THEN 'errors' END,
        CASE WHEN enabled AND at - could_go_since > bounds.pending_hours * interval '1 hour'
            THEN 'pending_old' END,
        CASE WHEN enabled AND warned THEN 'warning' END], NULL)
$$;

CREATE FUNCTION health_colour(enabled boolean, last_sync_at timestamptz, reasons text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE
        WHEN reasons && '{stopped,sync_failed,no_sync}' THEN 'red'
        WHEN reasons <> '{}' THEN 'yellow'
        WHEN NOT enabled THEN 'off'
        WHEN last_sync_at IS NULL THEN 'new'
        ELSE 'green' END
$$;

-- O2: a row for each organization, of what anybody who looks after the installation may know of it.
-- Its figures are as old as `taken_at`; what hangs on the time of day is worked out now.
CREATE FUNCTION global_health()
    RETURNS TABLE (slug text, name text, connectors text[], enabled boolean, last_sync_at timestamptz,
                   pending bigint, errors bigint, for_person bigint, colour text, attention int,
                   stale boolean, reasons text[], taken_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT o.slug, o.name, coalesce(array_agg(i.name ORDER BY i.name) FILTER (WHERE i.name IS NOT NULL), '{}'),
        coalesce(bool_or(i.enabled), false), max(i.last_sync_at), coalesce(sum(i.pending), 0)::bigint,
        coalesce(sum(i.errors), 0)::bigint, coalesce(sum(i.for_person), 0)::bigint,
        coalesce((ARRAY['red', 'yellow', 'green', 'new', 'off'])[min(array_position(
            ARRAY['red', 'yellow', 'green', 'new', 'off'], i.colour))], 'off'),
        coalesce(5 - min(array_position(ARRAY['red', 'yellow', 'green', 'new', 'off'], i.colour)), 0),
        coalesce(bool_or(i.stale), false),
        coalesce((SELECT array_agg(DISTINCT r ORDER BY r) FROM unnest(string_to_array(
            string_agg(nullif(array_to_string(i.reasons, ','), ''), ','), ',')) r), '{}'),
        min(i.taken_at)
    FROM organizations o
    LEFT JOIN (
        SELECT d.*, health_colour(d.enabled, d.last_sync_at, d.reasons) AS colour
        FROM (
            SELECT g.organization_id, g.name, g.enabled, r.last_sync_at, h.pending, h.errors,
                h.for_person, h.taken_at,
                g.enabled AND w.due IS NOT NULL AND now() - greatest(w.due, r.last_sync_at)
                    >= s.stale_hours * interval '1 hour' AS stale,
                health_reasons(g.enabled, r.error_since IS NOT NULL, r.last_sync_outcome,
                    r.last_sync_at, w.due, h.could_go_since, h.errors_open, h.for_person,
                    r.warning IS NOT NULL, s, now())
                || CASE WHEN g.enabled AND now() - coalesce(h.taken_at, g.enabled_since) > interval '15 minutes'
                    THEN ARRAY['not_measured'] ELSE '{}' END AS reasons
            FROM organization_integrations g
            JOIN integration_runtime r ON r.integration_id = g.id
            JOIN watch_settings s ON s.organization_id = g.organization_id
            LEFT JOIN health_snapshots h ON h.integration_id = g.id
            CROSS JOIN LATERAL (SELECT least(h.waiting_since,
                CASE WHEN r.next_run_at < now() THEN r.next_run_at END) AS due) w
            WHERE NOT g.is_draft) d
    ) i ON i.organization_id = o.id
    GROUP BY o.id
$$;

-- Which organizations a worker should look at: those of a sync that has ended since, and every so
-- often each of them. They are the caller's for now; what it does not do comes again.
CREATE FUNCTION organizations_to_watch(seconds double precision, at_most int)
    RETURNS TABLE (organization_id uuid)
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    UPDATE watch_settings w SET watched_at = clock_timestamp()
    WHERE w.organization_id = ANY (ARRAY(
        SELECT s.organization_id FROM watch_settings s
        WHERE s.watched_at < now() - make_interval(secs => seconds)
           OR EXISTS (SELECT FROM integration_runtime r
                WHERE r.organization_id = s.organization_id AND r.last_sync_at > s.watched_at)
        ORDER BY s.watched_at LIMIT at_most FOR UPDATE OF s SKIP LOCKED))
    RETURNING w.organization_id
$$;
CREATE INDEX integration_runtime_of_organization ON integration_runtime (organization_id);

-- O7: one alert for each cause, open until the cause is gone.
CREATE TABLE alerts (
    organization_id uuid NOT NULL REFERENCES organizations,
    id bigint GENERATED ALWAYS AS IDENTITY,
    rule text NOT NULL CHECK (rule IN ('refusal', 'failures_in_a_row', 'errors', 'pending', 'breaker',
        'credential', 'other_company', 'stopped', 'warning', 'silence')),
    cause text NOT NULL,
    integration_id uuid,
    params jsonb NOT NULL,
    opened_at timestamptz NOT NULL,
    -- when people were told of it last
    told_at timestamptz NOT NULL,
    cleared_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text NOT NULL DEFAULT '',
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id) ON DELETE SET NULL (integration_id)
);
CREATE UNIQUE INDEX one_open_alert_per_cause ON alerts (organization_id, rule, cause)
    WHERE cleared_at IS NULL;
CREATE INDEX alerts_told ON alerts (organization_id, told_at);
ALTER TABLE alerts ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON alerts
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- What is still to be said, and what was: by e-mail, or to the organization's webhook.
CREATE TABLE alert_notices (
    organization_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    alert_id bigint NOT NULL,
    channel text NOT NULL CHECK (channel IN ('mail', 'webhook')),
    made_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts int NOT NULL DEFAULT 0,
    sent_at timestamptz,
    given_up_at timestamptz,
    error text NOT NULL DEFAULT '',
    -- while others are still to be mailed: the addresses that are not mailed again
    told text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, alert_id) REFERENCES alerts (organization_id, id)
);
CREATE INDEX alert_notices_due ON alert_notices (due_at)
    WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX alert_notices_alert ON alert_notices (organization_id, alert_id);
ALTER TABLE alert_notices ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON alert_notices
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

CREATE FUNCTION organizations_with_notices(at_most int) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT DISTINCT n.organization_id FROM (
        SELECT a.organization_id FROM alert_notices a
        WHERE a.sent_at IS NULL AND a.given_up_at IS NULL AND a.due_at <= now()
        ORDER BY a.due_at LIMIT at_most) n
$$;

-- I9: rates and limits by the day from which they hold. Those of the law are the installation's;
-- an organization may have its own, which then hold for it.
CREATE TABLE wage_rates (
    kind text NOT NULL CHECK (kind IN ('mileage_tax_free', 'pay_tax_free', 'reimbursements_reported',
        'person_contributions', 'organization_contributions')),
    valid_from date NOT NULL,
    amount numeric(19, 4) NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (kind, valid_from)
);
-- skatteetaten.no (charities), folketrygdloven § 23-2 (8), Skattedirektoratets forskuddssatser
INSERT INTO wage_rates VALUES
    ('mileage_tax_free', '2018-01-01', 3.50),
    ('pay_tax_free', '2018-01-01', 10000),
    ('reimbursements_reported', '2018-01-01', 10000),
    ('person_contributions', '2018-01-01', 80000),
    ('organization_contributions', '2018-01-01', 800000);

CREATE TABLE organization_wage_rates (
    organization_id uuid NOT NULL REFERENCES organizations,
    kind text NOT NULL CHECK (kind IN ('mileage_tax_free', 'pay_tax_free', 'reimbursements_reported',
        'person_contributions', 'organization_contributions')),
    valid_from date NOT NULL,
    amount numeric(19, 4) NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (organization_id, kind, valid_from)
);
ALTER TABLE organization_wage_rates ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organization_wage_rates
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));

-- What Prometheus is told of the whole installation: sums, and no organization's data.
CREATE FUNCTION installation_figures()
    RETURNS TABLE (organizations bigint, integrations_enabled bigint, integrations_stopped bigint,
                   breakers_open bigint, pending bigint, for_person bigint, errors bigint,
                   oldest_pending_seconds double precision, notices_waiting bigint, alerts_open bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT (SELECT count(*) FROM organizations),
        count(*) FILTER (WHERE i.enabled), count(*) FILTER (WHERE r.error_since IS NOT NULL),
        count(*) FILTER (WHERE r.breaker_opened_at IS NOT NULL), coalesce(sum(h.pending), 0)::bigint,
        coalesce(sum(h.for_person), 0)::bigint, coalesce(sum(h.errors), 0)::bigint,
        coalesce(extract(epoch FROM now() - min(h.could_go_since)), 0)::double precision,
        (SELECT count(*) FROM alert_notices WHERE sent_at IS NULL AND given_up_at IS NULL),
        (SELECT count(*) FROM alerts WHERE cleared_at IS NULL)
    FROM organization_integrations i
    JOIN integration_runtime r ON r.integration_id = i.id
    LEFT JOIN health_snapshots h ON h.integration_id = i.id
    WHERE NOT i.is_draft
$$;
