GRANT SELECT, INSERT, UPDATE ON reconciliations TO :application;
GRANT SELECT, INSERT ON reconciliation_findings TO :application;
REVOKE EXECUTE ON FUNCTION due_reconciliations(timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION due_reconciliations(timestamptz, int) TO :application;
