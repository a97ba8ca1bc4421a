-- name: lock_transfer
-- What a new backfill must know of its transfer; no row if it is deleted or not this team's. The write transaction,
-- of which SQLite has one at a time, is the transfer's lock.
SELECT t.transfer_id, t.zone, t.data_source_id
FROM transfers t
WHERE t.transfer_id = :transfer_id AND t.team_id = :team_id AND t.deleted_time IS NULL;

-- name: insert_backfill
-- A new backfill; its runs follow when the dispatcher materialises it.
INSERT INTO backfills (team_id, transfer_id, range_start, range_end, status, priority, created_time, created_user_id,
  total, only_states, chosen)
VALUES (:team_id, :transfer_id, :range_start, :range_end, 'CREATED', :priority, :now, :user_id,
  :total, :only_states, :chosen)
RETURNING backfill_id;

-- name: get_backfill
-- One backfill of a team, counters included: a single keyed read whatever its length.
SELECT backfill_id, team_id, transfer_id, range_start, range_end, status, priority, created_time, created_user_id,
  start_time, end_time, removed_time, removed_user_id, paused_time, paused_user_id, total, created, completed, failed,
  cancelled, running, rows_total, only_states, stopped_cause, paced_since
FROM backfills
WHERE backfill_id = :backfill_id AND team_id = :team_id;

-- name: latest_backfill
-- The newest backfill of a transfer, whatever its status.
SELECT backfill_id, team_id, transfer_id, range_start, range_end, status, priority, created_time, created_user_id,
  start_time, end_time, removed_time, removed_user_id, paused_time, paused_user_id, total, created, completed, failed,
  cancelled, running, rows_total, only_states, stopped_cause, paced_since
FROM backfills
WHERE transfer_id = :transfer_id AND team_id = :team_id
ORDER BY created_time DESC, backfill_id DESC
LIMIT 1;

-- name: incomplete_backfills
-- The newest backfills of a team that are not done: waiting, running or failed. The literal list matches the partial index.
-- Of a deleted transfer nothing can be done any more, so its failed ones are left out.
SELECT backfill_id, team_id, transfer_id, range_start, range_end, status, priority, created_time, created_user_id,
  start_time, end_time, removed_time, removed_user_id, paused_time, paused_user_id, total, created, completed, failed,
  cancelled, running, rows_total, only_states, stopped_cause, paced_since
FROM backfills
WHERE team_id = :team_id AND status IN ('CREATED', 'SCHEDULED', 'RUNNING', 'FAILED')
  AND (SELECT t.deleted_time FROM transfers t WHERE t.transfer_id = backfills.transfer_id) IS NULL
ORDER BY created_time DESC, backfill_id DESC
LIMIT 100;

-- name: page_backfills
-- One page of a team's backfills, finished ones too, newest first, from before a (created_time, id) pair on.
SELECT backfill_id, team_id, transfer_id, range_start, range_end, status, priority, created_time, created_user_id,
  start_time, end_time, removed_time, removed_user_id, paused_time, paused_user_id, total, created, completed, failed,
  cancelled, running, rows_total, only_states, stopped_cause, paced_since
FROM backfills
WHERE team_id = :team_id
  AND (created_time, backfill_id) < (:before_time, :before_id)
  AND created_time >= :created_from AND created_time <= :created_to
  AND (transfer_id = :transfer_id OR :transfer_id = 0)
  AND (:statuses = '' OR :statuses LIKE '%,' || status || ',%')
ORDER BY created_time DESC, backfill_id DESC
LIMIT :limit;

-- name: overlapping_backfills
-- Active backfills of a transfer that share a day with a range, except one. The literal list matches the partial index.
SELECT backfill_id, team_id, transfer_id, range_start, range_end, status, priority, created_time, created_user_id,
  start_time, end_time, removed_time, removed_user_id, paused_time, paused_user_id, total, created, completed, failed,
  cancelled, running, rows_total, only_states, stopped_cause, paced_since
FROM backfills
WHERE transfer_id = :transfer_id AND status IN ('CREATED', 'SCHEDULED', 'RUNNING')
  AND range_start <= :range_end AND range_end >= :range_start AND backfill_id <> :except_id
ORDER BY created_time, backfill_id;

-- name: active_backfills_of_transfer
-- Ids of a transfer's active backfills, for the deletion of the transfer.
SELECT backfill_id FROM backfills
WHERE transfer_id = :transfer_id AND status IN ('CREATED', 'SCHEDULED', 'RUNNING')
ORDER BY backfill_id;

-- name: backfill_failures
-- The error report: the failed days of a backfill, newest first.
SELECT data_date, message, run_id, cause, attempts
FROM runs
WHERE backfill_id = :backfill_id AND status = 'FAILED'
ORDER BY data_date DESC
LIMIT :limit;

-- name: next_new_backfill
-- The most urgent backfill whose runs do not all exist yet, of equal ones the oldest.
SELECT backfill_id, team_id, transfer_id, range_start, range_end, priority, chosen, created, paused_time
FROM backfills
WHERE status = 'CREATED'
ORDER BY priority, backfill_id
LIMIT 1;

-- name: count_created
-- Runs were inserted: count them, and leave CREATED once all exist. The empty text, here and below, keeps PostgreSQL to the
-- key, as in held_run.
UPDATE backfills
SET created = created + :inserted,
  status = CASE WHEN status = 'CREATED' AND created + :inserted = total THEN 'SCHEDULED' ELSE status END
WHERE backfill_id = :backfill_id AND status || '' = 'CREATED'
RETURNING status;

-- name: count_claimed
-- Runs of a backfill start; the first one makes it RUNNING. A cancelled backfill has no run to claim.
UPDATE backfills
SET running = running + :claimed, 
  start_time = coalesce(start_time, CASE WHEN created_time > :now THEN created_time ELSE :now END),
  status = CASE WHEN status = 'SCHEDULED' THEN 'RUNNING' ELSE status END
WHERE backfill_id = :backfill_id;

-- name: count_results
-- Results of runs: all counters of a backfill in one step, and the streak of equal fatal errors.
UPDATE backfills
SET running = running - :ended, completed = completed + :completed, failed = failed + :failed,
  cancelled = cancelled + :cancelled, rows_total = rows_total + :rows,
  fatal_cause = :fatal_cause, fatal_streak = :fatal_streak
WHERE backfill_id = :backfill_id
RETURNING status, total, completed, failed;

-- name: backfill_standing
-- What the recording of a result must know of its backfill.
SELECT backfill_id, team_id, status, paused_time, fatal_cause, fatal_streak FROM backfills WHERE backfill_id = :backfill_id;

-- name: stop_backfill
-- The untried days have failed with a cause: count them. They took no time, so the pace stays what it was.
UPDATE backfills
SET failed = failed + :stopped, stopped_cause = :cause,
  paced_since = :now - (:now - coalesce(paced_since, start_time)) * (completed + failed + :stopped)
    / nullif(completed + failed, 0)
WHERE backfill_id = :backfill_id
RETURNING status, total, completed, failed;

-- name: finish_backfill
-- The last day is done: terminal status, once.
UPDATE backfills SET status = :status, end_time = CASE WHEN start_time > :now THEN start_time ELSE :now END
WHERE backfill_id = :backfill_id AND status || '' = 'RUNNING';

-- name: cancel_backfill
-- Cancelled by a person; end time and removal are one moment.
UPDATE backfills
SET status = 'CANCELLED', removed_time = :now, removed_user_id = :user_id, end_time = :now,
  cancelled = cancelled + :cancelled
WHERE backfill_id = :backfill_id AND status IN ('CREATED', 'SCHEDULED', 'RUNNING', 'FAILED');

-- name: reopen_backfill
-- A retry: failed days wait again, the backfill runs again. Neither its rest nor their share of the work counts any more.
UPDATE backfills
SET status = 'RUNNING', end_time = NULL, failed = failed - :retried,
  paced_since = :now - (end_time - coalesce(paced_since, start_time)) * (completed + failed - :retried)
    / nullif(completed + failed, 0),
  stopped_cause = NULL, fatal_cause = NULL, fatal_streak = 0, paused_time = NULL, paused_user_id = NULL
WHERE backfill_id = :backfill_id AND status = 'FAILED';

-- name: pause_backfill
-- Hold the backfill: what runs goes on, nothing new starts.
UPDATE backfills SET paused_time = :now, paused_user_id = :user_id
WHERE backfill_id = :backfill_id AND paused_time IS NULL;

-- name: resume_backfill
-- Let a held backfill go on, that has rested for a while.
UPDATE backfills
SET paused_time = NULL, paused_user_id = NULL, paced_since = coalesce(paced_since, start_time) + :rest
WHERE backfill_id = :backfill_id;

-- name: newest_end
-- When the last day of a backfill that has ended did.
SELECT max(ended_time) FROM runs WHERE backfill_id = :backfill_id;

-- name: backfill_paces
-- Seconds of work per day of the last finished backfills of a transfer.
SELECT CAST((end_time - coalesce(paced_since, start_time)) / 1e6 / (completed + failed) AS DOUBLE PRECISION)
FROM backfills
WHERE transfer_id = :transfer_id AND status IN ('COMPLETED', 'FAILED') AND completed + failed > 0
ORDER BY created_time DESC, backfill_id DESC
LIMIT 5;
