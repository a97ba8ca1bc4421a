-- name: board_of_transfers
-- A page of a team's transfers by name (all, or those whose name holds a part, or that may need somebody), each with what a list
-- shows: source and destination with what they wait for, the next slot, the version of its days, whether it is paused or its
-- login revoked.
SELECT t.transfer_id, t.display_name, t.data_source_id, t.state, t.zone, t.days_version, t.connection_id, t.destination_id,
  d.display_name, d.destination_type, g.tables, c.revoked_time, c.parked_until, c.parked_cause, c.parked_reason,
  d.parked_until, d.parked_cause, d.parked_reason,
  (SELECT min(s.next_time) FROM schedules s WHERE s.transfer_id = t.transfer_id)
FROM transfers t
JOIN destinations d ON d.destination_id = t.destination_id
JOIN connections c ON c.connection_id = t.connection_id
JOIN table_groups g ON g.schema_id = t.schema_id
WHERE t.team_id = :team_id AND t.deleted_time IS NULL AND t.display_name > :after
  AND (:part = '' OR replace(lower(t.display_name), lower(:part), '') <> lower(t.display_name))
  AND (:needy = 0 OR c.revoked_time IS NOT NULL OR c.parked_cause = 'AUTH' OR (t.state <> 'paused' AND EXISTS (
    SELECT 1 FROM transfer_days f WHERE f.transfer_id = t.transfer_id AND f.settled = 'f')))
ORDER BY t.display_name
LIMIT :limit;

-- name: count_transfers
-- How many transfers a team has.
SELECT count(*) FROM transfers WHERE team_id = :team_id AND deleted_time IS NULL;

-- name: tally_of_days
-- How many days of a transfer are in each state, its first and last known day, the newest loaded one, and all rows. Tables
-- without days (0001-01-01) have rows, may be all that is loaded, and have failed or not.
SELECT count(*) FILTER (WHERE has_date AND running > 0), count(*) FILTER (WHERE has_date AND running = 0 AND queued > 0),
  count(*) FILTER (WHERE has_date AND running = 0 AND queued = 0 AND settled = 'l'),
  count(*) FILTER (WHERE has_date AND running = 0 AND queued = 0 AND settled = 'f'),
  count(*) FILTER (WHERE has_date AND running = 0 AND queued = 0 AND settled = 's'),
  min(data_date) FILTER (WHERE has_date), max(data_date) FILTER (WHERE has_date),
  max(data_date) FILTER (WHERE settled = 'l'), CAST(coalesce(sum(row_count), 0) AS BIGINT),
  count(*) FILTER (WHERE NOT has_date AND running = 0 AND queued = 0 AND settled = 'f')
FROM (SELECT *, data_date > '0001-01-01' AS has_date FROM transfer_days WHERE transfer_id = :transfer_id) AS known;

-- name: newest_failures
-- The run of the newest failed day of each of these transfers (a JSON list).
SELECT t.value, r.run_id, r.data_date, r.cause, r.message
FROM json_each(:transfer_ids) t
JOIN transfer_days d ON d.transfer_id = t.value AND d.settled = 'f' AND d.data_date =
  (SELECT max(f.data_date) FROM transfer_days f WHERE f.transfer_id = t.value AND f.settled = 'f')
LEFT JOIN runs r ON r.run_id = d.run_id;

-- name: rows_by_day
-- Rows that the destinations of these transfers (a JSON list) hold of each day of a span.
SELECT d.data_date, sum(d.row_count)
FROM json_each(:transfer_ids) t
JOIN transfer_days d ON d.transfer_id = t.value AND d.data_date BETWEEN :first AND :last
GROUP BY d.data_date;

-- name: active_backfills_of_team
-- The backfills of a team that have not ended, newest first; they are few, as a team may have no more at one moment.
SELECT backfill_id, team_id, transfer_id, range_start, range_end, status, priority, created_time, created_user_id,
  start_time, end_time, removed_time, removed_user_id, paused_time, paused_user_id, total, created, completed, failed,
  cancelled, running, rows_total, only_states, stopped_cause, paced_since
FROM backfills
WHERE team_id = :team_id AND end_time IS NULL
ORDER BY backfill_id DESC
LIMIT :limit;

-- name: count_active_backfills
-- How many backfills of a team have not ended.
SELECT count(*) FROM backfills WHERE team_id = :team_id AND end_time IS NULL;

-- name: ended_backfills
-- A page of a team's backfills that have ended, newest first.
SELECT backfill_id, team_id, transfer_id, range_start, range_end, status, priority, created_time, created_user_id,
  start_time, end_time, removed_time, removed_user_id, paused_time, paused_user_id, total, created, completed, failed,
  cancelled, running, rows_total, only_states, stopped_cause, paced_since
FROM backfills
WHERE team_id = :team_id AND (created_time, backfill_id) < (:before_time, :before_id) AND end_time IS NOT NULL
ORDER BY created_time DESC, backfill_id DESC
LIMIT :limit;

-- name: ended_backfills_of_transfer
-- The same for one transfer.
SELECT backfill_id, team_id, transfer_id, range_start, range_end, status, priority, created_time, created_user_id,
  start_time, end_time, removed_time, removed_user_id, paused_time, paused_user_id, total, created, completed, failed,
  cancelled, running, rows_total, only_states, stopped_cause, paced_since
FROM backfills
WHERE transfer_id = :transfer_id AND team_id = :team_id
  AND (created_time, backfill_id) < (:before_time, :before_id) AND end_time IS NOT NULL
ORDER BY created_time DESC, backfill_id DESC
LIMIT :limit;

-- name: board_of_runs
-- A page of the runs of all transfers of a team that are there, newest first: as many of each as a page has, then the newest
-- of them.
SELECT r.run_id, r.team_id, r.transfer_id, r.backfill_id, r.data_date, r.run_type, r.cause_of_start, r.priority, r.status,
  r.attempts, r.message, r.cause, r.created_time, r.queued_time, r.started_time, r.ended_time, r.row_count, r.content_hash,
  r.queries
FROM transfers t JOIN runs r ON r.run_id IN (
  SELECT one.run_id FROM runs one
  WHERE one.transfer_id = t.transfer_id AND (one.created_time, one.run_id) < (:before_time, :before_id)
  ORDER BY one.created_time DESC, one.run_id DESC LIMIT :limit)
WHERE t.team_id = :team_id AND t.deleted_time IS NULL
ORDER BY r.created_time DESC, r.run_id DESC
LIMIT :limit;

-- name: board_of_failed_runs
-- The same for the runs that have failed.
SELECT r.run_id, r.team_id, r.transfer_id, r.backfill_id, r.data_date, r.run_type, r.cause_of_start, r.priority, r.status,
  r.attempts, r.message, r.cause, r.created_time, r.queued_time, r.started_time, r.ended_time, r.row_count, r.content_hash,
  r.queries
FROM transfers t JOIN runs r ON r.run_id IN (
  SELECT one.run_id FROM runs one INDEXED BY runs_failed_by_creation
  WHERE one.transfer_id = t.transfer_id AND one.status = 'FAILED'
    AND (one.created_time, one.run_id) < (:before_time, :before_id)
  ORDER BY one.created_time DESC, one.run_id DESC LIMIT :limit)
WHERE t.team_id = :team_id AND t.deleted_time IS NULL
ORDER BY r.created_time DESC, r.run_id DESC
LIMIT :limit;

-- name: runs_of_transfer
-- A page of the runs of one transfer, newest first.
SELECT run_id, team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts, message,
  cause, created_time, queued_time, started_time, ended_time, row_count, content_hash, queries
FROM runs
WHERE transfer_id = :transfer_id AND team_id = :team_id AND (created_time, run_id) < (:before_time, :before_id)
ORDER BY created_time DESC, run_id DESC
LIMIT :limit;

-- name: failed_runs_of_transfer
-- The same for the runs that have failed.
SELECT run_id, team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts, message,
  cause, created_time, queued_time, started_time, ended_time, row_count, content_hash, queries
FROM runs INDEXED BY runs_failed_by_creation
WHERE transfer_id = :transfer_id AND team_id = :team_id AND status = 'FAILED'
  AND (created_time, run_id) < (:before_time, :before_id)
ORDER BY created_time DESC, run_id DESC
LIMIT :limit;

-- name: runs_of_days
-- The same for the runs of some of its days that have ended, or for those of them that have failed.
SELECT run_id, team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts, message,
  cause, created_time, queued_time, started_time, ended_time, row_count, content_hash, queries
FROM runs INDEXED BY runs_of_day
WHERE transfer_id = :transfer_id AND team_id = :team_id AND data_date BETWEEN :first AND :last AND ended_time IS NOT NULL
  AND (:failed = 0 OR status = 'FAILED') AND (created_time, run_id) < (:before_time, :before_id)
ORDER BY created_time DESC, run_id DESC
LIMIT :limit;

-- name: transfers_per_destination
-- How many transfers load into each destination of a team.
SELECT destination_id, count(*) FROM transfers
WHERE team_id = :team_id AND deleted_time IS NULL
GROUP BY destination_id;

-- name: transfers_per_connection
-- How many transfers read with each connection of a team.
SELECT connection_id, count(*) FROM transfers
WHERE team_id = :team_id AND deleted_time IS NULL
GROUP BY connection_id;

-- name: rests_of_destinations
-- The destinations of a team that took nothing when they were last tried.
SELECT destination_id, parked_until, parked_cause, parked_reason FROM destinations
WHERE team_id = :team_id AND parked_until > 0 AND deleted_time IS NULL;

-- name: rests_of_connections
-- The connections of a team whose source refused them when they were last tried.
SELECT connection_id, parked_until, parked_cause, parked_reason FROM connections
WHERE team_id = :team_id AND parked_until > 0;

-- name: names_of_transfers
-- Names of those of these transfers (a JSON list) that are a team's, deleted ones too.
SELECT t.transfer_id, t.display_name
FROM json_each(:transfer_ids) one JOIN transfers t ON t.transfer_id = one.value
WHERE t.team_id = :team_id;

-- name: choices_of_transfers
-- Names of a team's transfers, for a list to choose from.
SELECT transfer_id, display_name FROM transfers
WHERE team_id = :team_id AND deleted_time IS NULL
ORDER BY display_name
LIMIT :limit;
