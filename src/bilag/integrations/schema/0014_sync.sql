-- O3: up to which id of an export a person stopped what was going out. Those that were never
-- attempted wait for the next sync that somebody asks for, or the next run of the schedule.
ALTER TABLE integration_runtime ADD COLUMN stopped_through bigint NOT NULL DEFAULT 0;
