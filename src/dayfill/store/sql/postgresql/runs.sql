-- name: insert_backfill_run
-- All rows in one statement.
INSERT INTO runs (team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status,
  created_time)
SELECT new.team_id, new.transfer_id, new.backfill_id, new.data_date, 'Backfill', 'backfill', new.priority, 'CREATED',
  new.now
FROM unnest(CAST(:team_id AS BIGINT[]), CAST(:transfer_id AS BIGINT[]), CAST(:backfill_id AS BIGINT[]),
  CAST(:data_date AS TEXT[]), CAST(:priority AS BIGINT[]), CAST(:now AS BIGINT[]))
  WITH ORDINALITY AS new(team_id, transfer_id, backfill_id, data_date, priority, now, position)
ORDER BY new.position
ON CONFLICT DO NOTHING
RETURNING data_date;

-- name: claim_run
-- All rows in one statement; the empty text keeps it to the key of the runs, see held_run.
UPDATE runs
SET status = 'RUNNING', attempts = attempts + 1, owner = new.owner, token = new.token, started_time = new.now,
  ended_time = NULL, not_before = 0, message = '', cause = NULL
FROM unnest(CAST(:run_id AS BIGINT[]), CAST(:token AS BIGINT[]), CAST(:owner AS TEXT[]), CAST(:now AS BIGINT[]))
  AS new(run_id, token, owner, now)
WHERE runs.run_id = new.run_id AND status || '' = 'QUEUED';

-- name: held_run
-- All rows in one statement.
SELECT runs.run_id, runs.token, runs.team_id, runs.transfer_id, backfill_id, data_date, attempts, started_time,
  CAST(c.parked_until > 0 OR d.parked_until > 0 AS INTEGER)
FROM unnest(CAST(:run_id AS BIGINT[]), CAST(:token AS BIGINT[])) AS claimed(run_id, token)
JOIN runs ON runs.run_id = claimed.run_id AND runs.token = claimed.token AND status || '' = 'RUNNING'
JOIN transfers t ON t.transfer_id = runs.transfer_id
JOIN connections c ON c.connection_id = t.connection_id
JOIN destinations d ON d.destination_id = t.destination_id;

-- name: complete_run
-- All rows in one statement; the empty text keeps it to the key of the runs, see held_run.
UPDATE runs
SET status = 'COMPLETED', owner = NULL, ended_time = new.now, row_count = new.row_count,
  content_hash = new.content_hash, queries = new.queries, message = '', cause = NULL
FROM unnest(CAST(:run_id AS BIGINT[]), CAST(:token AS BIGINT[]), CAST(:now AS BIGINT[]), CAST(:row_count AS BIGINT[]),
  CAST(:content_hash AS TEXT[]), CAST(:queries AS TEXT[]))
  AS new(run_id, token, now, row_count, content_hash, queries)
WHERE runs.run_id = new.run_id AND runs.token = new.token AND status || '' = 'RUNNING';
