-- name: one_day
-- One day of a transfer of this team: its state, what the destination holds of it, and since when.
SELECT CASE WHEN d.running > 0 THEN 'r' WHEN d.queued > 0 THEN 'q' ELSE coalesce(d.settled, '.') END,
  d.row_count, d.run_id, d.settled_time
FROM transfers t JOIN transfer_days d ON d.transfer_id = t.transfer_id
WHERE t.transfer_id = :transfer_id AND t.team_id = :team_id AND t.deleted_time IS NULL AND d.data_date = :data_date;

-- name: run_at_work
-- The run of one day that is at work.
SELECT run_id, team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts, message,
  cause, created_time, queued_time, started_time, ended_time, row_count, content_hash, queries
FROM runs
WHERE transfer_id = :transfer_id AND team_id = :team_id AND data_date = :data_date AND status = 'RUNNING';

-- name: ended_runs_of_day
-- The runs of one day that have ended, newest first.
SELECT run_id, team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts, message,
  cause, created_time, queued_time, started_time, ended_time, row_count, content_hash, queries
FROM runs
WHERE transfer_id = :transfer_id AND team_id = :team_id AND data_date = :data_date AND ended_time IS NOT NULL
ORDER BY ended_time DESC
LIMIT :limit;

-- name: rows_of_transfer
-- Rows of all days that the destination holds, and the newest of these days: one read of the transfer's days.
SELECT CAST(coalesce(sum(d.row_count), 0) AS BIGINT), max(CASE WHEN d.settled IN ('l', 's') THEN d.data_date END)
FROM transfers t JOIN transfer_days d ON d.transfer_id = t.transfer_id
WHERE t.transfer_id = :transfer_id AND t.team_id = :team_id AND t.deleted_time IS NULL;

-- name: newest_durations
-- How long the runs took that loaded the newest loaded days, in microseconds.
SELECT r.ended_time - r.started_time
FROM transfer_days d JOIN runs r ON r.run_id = d.run_id
WHERE d.transfer_id = :transfer_id AND d.settled = 'l' AND r.team_id = :team_id AND r.status = 'COMPLETED'
ORDER BY d.data_date DESC
LIMIT :limit;

-- name: settled_lately
-- How many days of a span were settled in each step since then, and the rows of those that were loaded: one read of these
-- days, whatever their history.
SELECT (d.settled_time - :since) / :step, count(*),
  CAST(coalesce(sum(CASE WHEN d.settled = 'l' THEN d.row_count END), 0) AS BIGINT)
FROM transfers t JOIN transfer_days d ON d.transfer_id = t.transfer_id
WHERE t.transfer_id = :transfer_id AND t.team_id = :team_id AND t.deleted_time IS NULL
  AND d.data_date BETWEEN :first AND :last AND d.settled_time >= :since
GROUP BY 1;
