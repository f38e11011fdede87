"""HTTP in: the REST API. No SQL and no connector here; it calls the verbs of the rooms below."""
