-- name: lock_transfer
-- The lock of the row, beside the one that a write transaction holds.
SELECT t.transfer_id, t.zone, t.data_source_id
FROM transfers t
WHERE t.transfer_id = :transfer_id AND t.team_id = :team_id AND t.deleted_time IS NULL
FOR UPDATE;
