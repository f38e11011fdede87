GRANT SELECT, INSERT, UPDATE ON reconciliations TO :application;
GRANT SELECT, INSERT ON reconciliation_findings TO :application;
REVOKE EXECUTE ON FUNCTION due_reconciliations(timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION due_reconciliations(timestamptz, int) TO :application;
GRANT SELECT, INSERT, UPDATE ON watch_settings, health_snapshots, alerts, alert_notices TO :application;
GRANT SELECT, INSERT, UPDATE, DELETE ON organization_wage_rates TO :application;
GRANT SELECT ON wage_rates TO :application;
REVOKE EXECUTE ON FUNCTION global_health(), organizations_to_watch(double precision, int),
    organizations_with_notices(int), installation_figures() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION global_health(), organizations_to_watch(double precision, int),
    organizations_with_notices(int), installation_figures() TO :application;
