"""What other page groups show of the wizard."""
