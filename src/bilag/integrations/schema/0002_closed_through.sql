-- E15: every day up to and including this one is closed; NULL means that none is. The bounds keep
-- the day after it a date.
ALTER TABLE books ADD COLUMN closed_through date
    CHECK (closed_through BETWEEN '1900-01-01' AND '2999-12-31');
