GRANT SELECT, INSERT, UPDATE ON books, organization_integrations, integration_runtime, instance_keys TO :application;
GRANT SELECT, INSERT ON mapping_versions, schedule_runs TO :application;
GRANT SELECT, INSERT, UPDATE, DELETE ON credentials, data_keys, kept_credentials,
    organization_secrets TO :application;
REVOKE EXECUTE ON FUNCTION due_schedules() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION due_schedules() TO :application;
