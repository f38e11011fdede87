GRANT SELECT, INSERT, UPDATE ON integration_runtime, instance_keys TO :application;
GRANT SELECT, INSERT, UPDATE, DELETE ON books, organization_integrations, integration_drafts,
    connection_tests, reference_lists TO :application;
GRANT SELECT, INSERT ON mapping_versions, reference_items, schedule_runs TO :application;
GRANT SELECT, INSERT, UPDATE, DELETE ON credentials, data_keys, kept_credentials, mapping_drafts,
    organization_secrets TO :application;
REVOKE EXECUTE ON FUNCTION due_schedules() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION due_schedules() TO :application;
