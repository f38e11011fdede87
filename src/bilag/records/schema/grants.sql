GRANT SELECT, INSERT ON records, record_withdrawals TO :application;
GRANT SELECT, INSERT, UPDATE ON imports TO :application;
GRANT SELECT, INSERT, DELETE ON import_rows TO :application;
GRANT SELECT ON record_types TO :application;
GRANT SELECT, INSERT ON record_type_deltas TO :application;
REVOKE EXECUTE ON FUNCTION fold_record_types() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fold_record_types() TO :application;
