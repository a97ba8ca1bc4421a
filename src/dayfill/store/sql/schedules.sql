-- name: insert_schedule
-- One schedule of a transfer.
INSERT INTO schedules (transfer_id, position, schedule, next_time)
VALUES (:transfer_id, :position, :schedule, :next_time);

-- name: delete_schedules
-- A transfer has no schedules any more.
DELETE FROM schedules WHERE transfer_id = :transfer_id;

-- name: hold_schedules
-- A paused transfer: nothing is due.
UPDATE schedules SET next_time = NULL WHERE transfer_id = :transfer_id;

-- name: set_next_slot
-- When a schedule fires next.
UPDATE schedules SET next_time = :next_time WHERE transfer_id = :transfer_id AND position = :position;

-- name: schedules_of_transfer
-- The schedules of a transfer, in the order given.
SELECT position, schedule, next_time FROM schedules WHERE transfer_id = :transfer_id ORDER BY position;

-- name: planned_schedules
-- Every schedule that waits for its slot.
SELECT s.transfer_id, t.team_id, t.zone, s.position, s.schedule, s.next_time
FROM schedules s JOIN transfers t ON t.transfer_id = s.transfer_id
WHERE s.next_time IS NOT NULL;

-- name: due_schedules
-- Schedules whose slot has come, oldest slot first.
SELECT s.transfer_id, t.team_id, t.zone, s.position, s.schedule, s.next_time
FROM schedules s JOIN transfers t ON t.transfer_id = s.transfer_id
WHERE s.next_time IS NOT NULL AND s.next_time <= :now
ORDER BY s.next_time
LIMIT :limit;

-- name: next_due
-- When the next schedule fires.
SELECT next_time FROM schedules WHERE next_time IS NOT NULL ORDER BY next_time LIMIT 1;

-- name: next_slot_of_transfer
-- When a transfer fires next.
SELECT min(next_time) FROM schedules WHERE transfer_id = :transfer_id;

-- name: fire_slot
-- A slot fires; no row comes back if it has fired before.
INSERT INTO schedule_slots (transfer_id, slot_time, fired_time) VALUES (:transfer_id, :slot_time, :now)
ON CONFLICT DO NOTHING
RETURNING slot_time;
