-- name: insert_backfill_run
-- One run of a backfill, not to be claimed before all exist; a run that an earlier pass inserted is left alone.
INSERT INTO runs (team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, created_time)
VALUES (:team_id, :transfer_id, :backfill_id, :data_date, 'Backfill', 'backfill', :priority, 'CREATED', :now)
ON CONFLICT DO NOTHING
RETURNING data_date;

-- name: insert_recurring_run
-- One waiting run outside any backfill, unless one waits for that day already.
INSERT INTO runs (team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, created_time,
  queued_time)
VALUES (:team_id, :transfer_id, NULL, :data_date, 'Recurring', :cause_of_start, :priority, 'QUEUED', :now, :now)
ON CONFLICT DO NOTHING
RETURNING run_id, data_date;

-- name: hasten_recurring_run
-- The run outside any backfill that waits for a day is wanted now; the status list is literal so that the index serves.
UPDATE runs SET priority = CASE WHEN priority < :priority THEN priority ELSE :priority END, not_before = 0
WHERE transfer_id = :transfer_id AND data_date = :data_date AND status IN ('CREATED', 'QUEUED') AND backfill_id IS NULL
RETURNING run_id, data_date;

-- name: claim_run
-- The run starts: owner, fence token and attempt are counted now, so a run that kills its worker is counted too.
UPDATE runs
SET status = 'RUNNING', attempts = attempts + 1, owner = :owner, token = :token, started_time = :now, ended_time = NULL,
  not_before = 0, message = '', cause = NULL
WHERE run_id = :run_id AND status = 'QUEUED';

-- name: draw_tokens
-- The next tokens of the installation's one growing sequence; returns the last of them.
UPDATE installation SET last_token = last_token + :count RETURNING last_token;

-- name: lift_tokens
-- Never hand out a token that a ledger has seen.
UPDATE installation SET last_token = :at_least WHERE last_token < :at_least;

-- name: held_run
-- The run of a result, if the result's token still holds it: the compare of the compare-and-set. The empty text beside a
-- status, here and below, makes PostgreSQL use the key: statistics of a quiet hour make a scan of all that runs, waits or
-- has failed look cheaper, and the plan would stay when there are many.
SELECT run_id, token, team_id, transfer_id, backfill_id, data_date, attempts, started_time,
  (SELECT c.parked_until > 0 OR d.parked_until > 0
    FROM transfers t
    JOIN connections c ON c.connection_id = t.connection_id
    JOIN destinations d ON d.destination_id = t.destination_id
    WHERE t.transfer_id = runs.transfer_id)
FROM runs
WHERE run_id = :run_id AND token = :token AND status || '' = 'RUNNING';

-- name: superseding_run
-- A row if a failed run outside any backfill need not wait again: another waits for the day, or its transfer is deleted.
SELECT 1 FROM transfers t
WHERE t.transfer_id = :transfer_id AND (t.deleted_time IS NOT NULL OR EXISTS (
  SELECT 1 FROM runs r
  WHERE r.transfer_id = :transfer_id AND r.data_date = :data_date AND r.status IN ('CREATED', 'QUEUED')
    AND r.backfill_id IS NULL));

-- name: complete_run
-- A complete reading is in the destination.
UPDATE runs
SET status = 'COMPLETED', owner = NULL, ended_time = :now, row_count = :row_count,
  content_hash = :content_hash, queries = :queries, message = '', cause = NULL
WHERE run_id = :run_id AND token = :token AND status = 'RUNNING';

-- name: end_run
-- The run failed for good, or was cancelled while it ran.
UPDATE runs
SET status = :status, owner = NULL, ended_time = :now, message = :message, cause = :cause,
  fingerprint = :fingerprint, queries = :queries
WHERE run_id = :run_id AND token = :token AND status || '' = 'RUNNING';

-- name: requeue_run
-- Another attempt later; an attempt that a parked connection cost is given back.
UPDATE runs
SET status = :status, owner = NULL, priority = CASE WHEN priority < :priority THEN priority ELSE :priority END,
  not_before = :not_before, queued_time = :now,
  attempts = attempts - :give_back, message = :message, cause = :cause, queries = :queries
WHERE run_id = :run_id AND token = :token AND status || '' = 'RUNNING';

-- name: running_runs
-- Everything that the state believes to be running.
SELECT data_date, run_id, token FROM runs WHERE status = 'RUNNING';

-- name: running_runs_of_transfer
-- What runs of one transfer; the bound on the day, which excludes none, makes the partial index of running runs the better one.
SELECT data_date, run_id, token FROM runs WHERE transfer_id = :transfer_id AND data_date > '' AND status = 'RUNNING';

-- name: cancel_waiting_runs
-- The waiting runs of a backfill end CANCELLED; the status list is literal so that the day index of the backfill serves.
UPDATE runs SET status = 'CANCELLED', ended_time = :now, message = 'Cancelled before it started.'
WHERE backfill_id = :backfill_id AND status IN ('CREATED', 'QUEUED')
RETURNING data_date;

-- name: cancel_waiting_recurring_runs
-- The waiting runs of a transfer outside any backfill end CANCELLED; the bound on the day, which excludes none, makes the
-- partial index of waiting runs the better one.
UPDATE runs SET status = 'CANCELLED', ended_time = :now, message = 'Cancelled: the transfer was deleted.'
WHERE transfer_id = :transfer_id AND data_date > '' AND status IN ('CREATED', 'QUEUED') AND backfill_id IS NULL
RETURNING data_date;

-- name: stop_waiting_runs
-- The untried days of a backfill fail with the reason why it was stopped.
UPDATE runs SET status = 'FAILED', ended_time = :now, message = :message, cause = 'STOPPED',
  fingerprint = :fingerprint
WHERE backfill_id = :backfill_id AND status IN ('CREATED', 'QUEUED')
RETURNING data_date;

-- name: stop_waiting_recurring_runs
-- The untried days of a transfer outside any backfill fail with the reason; the bound on the day, which excludes none, makes
-- the partial index of waiting runs the better one.
UPDATE runs SET status = 'FAILED', ended_time = :now, message = :message, cause = 'STOPPED',
  fingerprint = :fingerprint
WHERE transfer_id = :transfer_id AND data_date > '' AND status IN ('CREATED', 'QUEUED') AND backfill_id IS NULL
RETURNING data_date;

-- name: hold_waiting_runs
-- A paused backfill's runs may not be claimed.
UPDATE runs SET status = 'CREATED' WHERE backfill_id = :backfill_id AND status = 'QUEUED';

-- name: release_waiting_runs
-- A resumed backfill's runs may be claimed again, also those that began to wait before the clock was set back.
UPDATE runs SET status = 'QUEUED', queued_time = :now,
  not_before = CASE WHEN queued_time > :now THEN 0 ELSE not_before END
WHERE backfill_id = :backfill_id AND status = 'CREATED';

-- name: failed_days_of_backfill
-- The failed runs of a backfill, for a retry of all, of a cause, or of some days.
SELECT run_id, data_date FROM runs
WHERE backfill_id = :backfill_id AND status = 'FAILED' AND (:cause = '' OR cause = :cause)
ORDER BY data_date DESC;

-- name: retry_run
-- A failed day waits again, its attempts anew.
UPDATE runs
SET status = 'QUEUED', priority = CASE WHEN priority < :priority THEN priority ELSE :priority END, attempts = 0, not_before = 0, ended_time = NULL,
  queued_time = :now, cause_of_start = 'retry'
WHERE run_id = :run_id AND status || '' = 'FAILED'
RETURNING data_date;

-- name: hasten_delayed_runs
-- The clock was set back since these runs began to wait, so nobody knows how long they have waited: they may start now.
UPDATE runs SET not_before = :now WHERE status = 'QUEUED' AND not_before > 0 AND not_before > :now AND queued_time > :now;

-- name: next_delayed
-- When the next delayed run becomes due.
SELECT min(not_before) FROM runs WHERE status = 'QUEUED' AND not_before > 0 AND not_before > :now;

-- name: get_run
-- One run of a team.
SELECT run_id, team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts, message,
  cause, created_time, queued_time, started_time, ended_time, row_count, content_hash, queries
FROM runs
WHERE run_id = :run_id AND team_id = :team_id;

-- name: newest_runs
-- Runs of a transfer created in a period, newest first: the order of the index, so a page costs only itself.
SELECT run_id, team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts, message,
  cause, created_time, queued_time, started_time, ended_time, row_count, content_hash, queries
FROM runs
WHERE transfer_id = :transfer_id AND team_id = :team_id AND created_time >= :created_from AND created_time <= :created_to
  AND (:issues_only = 0 OR status = 'FAILED')
ORDER BY created_time DESC, run_id DESC
LIMIT :limit OFFSET :offset;

-- name: runs_by_created_time
-- Runs of a transfer created in a period, by creation.
SELECT run_id, team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts, message,
  cause, created_time, queued_time, started_time, ended_time, row_count, content_hash, queries
FROM runs
WHERE transfer_id = :transfer_id AND team_id = :team_id AND created_time >= :created_from AND created_time <= :created_to
  AND (:issues_only = 0 OR status = 'FAILED')
ORDER BY created_time * :direction, run_id * :direction
LIMIT :limit OFFSET :offset;

-- name: runs_by_ended_time
-- Runs of a transfer created in a period, by their end; runs that have not ended come last.
SELECT run_id, team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts, message,
  cause, created_time, queued_time, started_time, ended_time, row_count, content_hash, queries
FROM runs
WHERE transfer_id = :transfer_id AND team_id = :team_id AND created_time >= :created_from AND created_time <= :created_to
  AND (:issues_only = 0 OR status = 'FAILED')
ORDER BY ended_time IS NULL, ended_time * :direction, run_id * :direction
LIMIT :limit OFFSET :offset;

-- name: runs_by_data_date
-- Runs of a transfer created in a period, by their data date.
SELECT run_id, team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts, message,
  cause, created_time, queued_time, started_time, ended_time, row_count, content_hash, queries
FROM runs
WHERE transfer_id = :transfer_id AND team_id = :team_id AND created_time >= :created_from AND created_time <= :created_to
  AND (:issues_only = 0 OR status = 'FAILED')
ORDER BY CASE WHEN :direction > 0 THEN data_date END, CASE WHEN :direction < 0 THEN data_date END DESC, run_id * :direction
LIMIT :limit OFFSET :offset;
