"""What is sent, and when: filters, schedule, pauses, features, periods, configuration."""
