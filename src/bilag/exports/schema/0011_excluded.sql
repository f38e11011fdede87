-- C13: what filters have left out, to be looked at again when a filter changes. Told by columns that
-- do not change with the step from pending to sending, which stays within its page.
CREATE INDEX exports_excluded ON exports (integration_id, id)
    WHERE NOT for_engine AND NOT for_person AND exported_at IS NULL AND live IS NOT FALSE;
