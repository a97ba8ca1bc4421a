-- name: day_states_among
-- A list of days is unfolded in another way than in SQLite.
SELECT data_date,
  CASE WHEN running > 0 THEN 'r' WHEN queued > 0 THEN 'q' ELSE coalesce(settled, '.') END
FROM transfer_days
WHERE transfer_id = :transfer_id
  AND data_date IN (SELECT value FROM json_array_elements_text(CAST(:days AS JSON)) AS days(value));

-- name: queue_day
-- All rows in one statement, which meets none of them twice.
INSERT INTO transfer_days (transfer_id, data_date, queued)
SELECT new.transfer_id, new.data_date, count(*)
FROM unnest(CAST(:transfer_id AS BIGINT[]), CAST(:data_date AS TEXT[])) AS new(transfer_id, data_date)
GROUP BY new.transfer_id, new.data_date
ON CONFLICT (transfer_id, data_date) DO UPDATE SET queued = transfer_days.queued + excluded.queued;

-- name: start_day
-- All rows in one statement; of one day no two runs start.
UPDATE transfer_days SET queued = queued - 1, running = running + 1
FROM unnest(CAST(:transfer_id AS BIGINT[]), CAST(:data_date AS TEXT[])) AS new(transfer_id, data_date)
WHERE transfer_days.transfer_id = new.transfer_id AND transfer_days.data_date = new.data_date;

-- name: load_day
-- All rows in one statement; of one day no two runs are held.
UPDATE transfer_days
SET running = running - 1, settled = 'l', row_count = new.row_count, content_hash = new.content_hash, token = new.token,
  run_id = new.run_id, settled_time = new.now
FROM unnest(CAST(:transfer_id AS BIGINT[]), CAST(:data_date AS TEXT[]), CAST(:row_count AS BIGINT[]),
  CAST(:content_hash AS TEXT[]), CAST(:token AS BIGINT[]), CAST(:run_id AS BIGINT[]), CAST(:now AS BIGINT[]))
  AS new(transfer_id, data_date, row_count, content_hash, token, run_id, now)
WHERE transfer_days.transfer_id = new.transfer_id AND transfer_days.data_date = new.data_date;

-- name: days_changed
-- All rows in one statement; each transfer is named once.
UPDATE transfers SET days_version = days_version + 1
FROM unnest(CAST(:transfer_id AS BIGINT[])) AS moved(transfer_id)
WHERE transfers.transfer_id = moved.transfer_id;
