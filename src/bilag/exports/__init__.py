"""The ledger of exports: states, guard, runs, logs and the audit chain; the only SQL for them."""
