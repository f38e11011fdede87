"""Pages of syncs: sync now, one sync while it runs and when it has ended, and the newest ones."""
