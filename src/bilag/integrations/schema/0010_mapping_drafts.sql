-- C8: what somebody has changed of a mapping and not saved yet, so that leaving and coming back loses
-- nothing. Changes are sparse: a part of the document, or null where it is taken out. Those of the
-- claimants stand apart, since they alone may be 100,000 and most pages do not need them.
CREATE TABLE mapping_drafts (
    organization_id uuid NOT NULL REFERENCES organizations,
    integration_id uuid NOT NULL,
    editor text NOT NULL,
    base_version int NOT NULL,
    changes jsonb NOT NULL DEFAULT '{}',
    claimants jsonb NOT NULL DEFAULT '{}',
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (integration_id, editor),
    FOREIGN KEY (organization_id, integration_id)
        REFERENCES organization_integrations (organization_id, id) ON DELETE CASCADE
);
ALTER TABLE mapping_drafts ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON mapping_drafts
    USING (organization_id = (SELECT current_organization()))
    WITH CHECK (organization_id = (SELECT current_organization()));
