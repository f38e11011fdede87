-- E15: the first open day to which a posting date in a closed period moves, written down before the
-- voucher is made. It counts only while it is the first open day.
ALTER TABLE exports ADD COLUMN open_day date;
-- What the engine still has to do of these; no column in it changes with the step to `sending`.
CREATE INDEX exports_moved ON exports (integration_id) WHERE for_engine AND open_day IS NOT NULL;
