GRANT SELECT, INSERT ON records, record_withdrawals TO :application;
GRANT SELECT, INSERT, UPDATE ON imports TO :application;
GRANT SELECT, INSERT, DELETE ON import_rows TO :application;
