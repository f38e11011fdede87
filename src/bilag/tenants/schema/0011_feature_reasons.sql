-- C7: why a feature is excluded, for the people who read the list: feature -> sentence.
ALTER TABLE organizations ADD COLUMN feature_reasons jsonb NOT NULL DEFAULT '{}';
