GRANT SELECT, INSERT, UPDATE ON exports, voucher_series, syncs, sync_requests, sync_tallies, audit_heads, retention_rules TO :application;
GRANT SELECT, INSERT ON submissions, export_runs, sync_logs, change_logs, audit_links,
    voucher_number_gaps, export_total_deltas TO :application;
GRANT SELECT ON export_totals, export_days TO :application;
GRANT USAGE, SELECT ON SEQUENCE sending_tokens TO :application;
REVOKE EXECUTE ON FUNCTION fold_totals(), ensure_partitions(), runs_with_claims(text[]),
    due_integrations(), begin_epoch(bigint, bigint, int), changes_about(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fold_totals(), ensure_partitions(), runs_with_claims(text[]),
    due_integrations(), begin_epoch(bigint, bigint, int), changes_about(text[]) TO :application;
