-- O4: claims that wait for a person are grouped by what keeps them, so that one fix releases all.

-- A key for each problem of a claim, in their order: its code, its field without the line, and what
-- is wrong there. What differs from claim to claim is no part of it: our reference, the place in a
-- journal or in a batch, the day of a closed period.
CREATE FUNCTION causes_of(reason jsonb, reference text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT array_agg(left(md5(concat_ws(E'\x1f', p ->> 'code',
        regexp_replace(coalesce(p ->> 'field', ''), '^lines\[\d+\]\.', ''),
        q ->> 'type', q ->> 'claimant', q ->> 'category', q ->> 'name', q ->> 'value',
        CASE WHEN p ->> 'code' LIKE 'cost%' OR p ->> 'code' LIKE 'project%' OR p ->> 'code' LIKE 'vat%'
            THEN q ->> 'code' END,
        q ->> 'currency', q ->> 'closed', q ->> 'found',
        regexp_replace(
            regexp_replace(replace(q ->> 'message', reference, ''), '\[\d{1,6}\]', '', 'g'),
            '((Line|Document) No\.|Journal Batch Name)\s?=\s?''?[\w/-]+''?'
            '|Gen\. Journal Line [^,]{1,30}, ?[^,]{1,30}, ?\d{1,9}', '', 'g')
        )), 16) ORDER BY n)
    FROM jsonb_array_elements(CASE WHEN reason ->> 'code' = 'several'
            AND jsonb_typeof(reason -> 'problems') = 'array'
        THEN reason -> 'problems' ELSE jsonb_build_array(reason) END) WITH ORDINALITY AS t (p, n)
    CROSS JOIN LATERAL (SELECT coalesce(p -> 'params', '{}') AS q) AS given
$$;

-- In no index, so that no step of a claim on its way leaves its place in the page.
ALTER TABLE exports ADD COLUMN causes text[] GENERATED ALWAYS AS
    (CASE WHEN reason IS NULL THEN NULL ELSE causes_of(reason, reference) END) STORED;

-- E15: the day that a voucher was sent with, and the one it would have had, were its period open.
ALTER TABLE exports ADD COLUMN posting_date date, ADD COLUMN moved_from date;

-- E12: few of what is held, found without reading what else is.
CREATE INDEX exports_forced_waiting ON exports (organization_id, id)
    WHERE kind = 'forced' AND for_person;

-- E6: a person said that it is not there, which no look-up has proven. Until it is looked for again,
-- no retry and no newer revision of the claim goes out beside what may be booked.
ALTER TABLE exports ADD COLUMN left_in_doubt boolean NOT NULL DEFAULT false;
UPDATE exports SET left_in_doubt = true
    WHERE state = 'failed' AND reason ->> 'code' = 'decided';
UPDATE exports e SET left_in_doubt = true FROM change_logs c
    WHERE e.state = 'cancelled' AND c.organization_id = e.organization_id
      AND c.event = 'export.decided' AND c.subject = 'export ' || e.id
      AND c.detail ->> 'decision' IN ('failed', 'cancelled');
