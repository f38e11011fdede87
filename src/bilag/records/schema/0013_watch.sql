-- O8, I9: the records of a period are those that were approved in it.
CREATE INDEX records_approved ON records (organization_id, approved_at);
