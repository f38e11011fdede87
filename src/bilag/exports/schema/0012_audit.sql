-- O6, X7: the audit log is read by people, verified, and erased when its time is over.

-- No part of a link's hash; a row of the log says itself when it was.
ALTER TABLE audit_links DROP COLUMN at;

-- Who did it without the way they came by, and what it was about: filters go by equality, since
-- LIKE is not leakproof and would read all rows under row-level security.
ALTER TABLE change_logs
    ADD COLUMN who text GENERATED ALWAYS AS
        (regexp_replace(actor, '^(user|support|token|command line:) ', '')) STORED,
    ADD COLUMN topic text GENERATED ALWAYS AS (split_part(event, '.', 1)) STORED;
CREATE INDEX change_logs_who ON change_logs (organization_id, who, at, id);
CREATE INDEX change_logs_topic ON change_logs (organization_id, topic, at, id);

-- Most attempts are sent and accepted; what is neither is found without reading those.
CREATE INDEX sync_logs_not_accepted ON sync_logs (organization_id, outcome, at, id)
    WHERE outcome <> 'accepted';
CREATE INDEX sync_logs_not_sent ON sync_logs (organization_id, event, at, id) WHERE event <> 'sent';

-- What a change was about: its subject, its claim, and each export of a decision about many.
CREATE FUNCTION change_things(subject text, detail jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT ARRAY[subject]
        || CASE WHEN detail ? 'sourceId' THEN ARRAY['claim ' || (detail ->> 'sourceId')] ELSE '{}' END
        || CASE jsonb_typeof(detail -> 'exports') WHEN 'array' THEN ARRAY(
               SELECT 'export ' || x FROM jsonb_array_elements_text(detail -> 'exports') x) ELSE '{}' END
$$;
CREATE INDEX change_logs_things ON change_logs USING gin (change_things(subject, detail));

-- `&&` is not leakproof either: as the owner, in the organization of the transaction.
CREATE FUNCTION changes_about(things text[]) RETURNS TABLE (id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT c.id FROM change_logs c
    WHERE change_things(c.subject, c.detail) && things AND c.organization_id = required_organization()
$$;

-- Lists of claims by state. A column of its own: an index on `state` would cost the step from
-- pending to sending its place in the page (see for_engine), so these two share a name here; what is
-- exported is most of the history and found by the primary key.
ALTER TABLE exports ADD COLUMN listed_as text GENERATED ALWAYS AS
    (CASE state WHEN 'sending' THEN 'pending' WHEN 'exported' THEN NULL ELSE state END) STORED;
CREATE INDEX exports_listed ON exports (organization_id, listed_as, id) WHERE listed_as IS NOT NULL;
CREATE INDEX exports_of_integration ON exports (integration_id, id);
CREATE INDEX exports_received ON exports (organization_id, created_at, id);

-- How long an organization's evidence is kept. Without a row: five years, and no hold.
CREATE TABLE retention_rules (
    organization_id uuid PRIMARY KEY REFERENCES organizations,
    -- after the end of the accounting year; bokføringsloven asks for five, terms of a grant for more
    years smallint NOT NULL DEFAULT 5 CHECK (years BETWEEN 5 AND 100),
    -- nothing is erased through this day; `infinity` until it is lifted
    hold_until date,
    hold_reason text NOT NULL DEFAULT '' CHECK (hold_until IS NULL OR hold_reason <> ''),
    -- claims that are erased are known again by their hash with this; NULL before the first
    salt bytea
);
ALTER TABLE retention_rules ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON retention_rules
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
