-- E12: a claim that is sent again on purpose needs a second person above this amount, in the
-- book's currency; NULL asks for none.
ALTER TABLE organizations ADD COLUMN force_approval_above numeric(19, 4)
    CHECK (force_approval_above >= 0);
