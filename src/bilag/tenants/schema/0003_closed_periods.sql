-- E15: what happens to a claim whose posting date lies in a period that the accountant has closed.
ALTER TABLE organizations ADD COLUMN closed_periods text NOT NULL DEFAULT 'stop'
    CHECK (closed_periods IN ('stop', 'first_open_day', 'ask'));
