-- E12: a forced generation takes the place of the posted one as the live one. Where it ends unsent,
-- the posted one counts again, whoever ended it: a later revision is then seen as a correction of
-- what stands in the ledger, and is never sent beside it.
CREATE FUNCTION give_live_back() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE exports e SET live = true
    WHERE e.organization_id = NEW.organization_id AND e.id = (
        SELECT o.id FROM exports o
        WHERE o.organization_id = NEW.organization_id AND o.source_id = NEW.source_id
          AND o.book_id = NEW.book_id AND o.source_system = NEW.source_system
          AND o.part = NEW.part AND o.generation < NEW.generation AND o.kind <> 'reversal'
          AND o.state IN ('exported', 'accepted', 'reversed', 'failed', 'in_doubt', 'needs_review')
        ORDER BY o.generation DESC LIMIT 1)
      AND NOT EXISTS (SELECT FROM exports l
        WHERE l.organization_id = NEW.organization_id AND l.source_id = NEW.source_id
          AND l.book_id = NEW.book_id AND l.source_system = NEW.source_system
          AND l.part = NEW.part AND l.live);
    RETURN NULL;
END $$;
CREATE TRIGGER forced_rows_give_live_back AFTER UPDATE OF state ON exports FOR EACH ROW
    WHEN (NEW.kind = 'forced' AND NEW.state IN ('cancelled', 'superseded')
          AND OLD.live AND NOT NEW.live)
    EXECUTE FUNCTION give_live_back();
