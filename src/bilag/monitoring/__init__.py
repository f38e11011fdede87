"""What watches over deliveries: so far the reconciliation with the accounting system (E13)."""
