-- name: repair_i07_day_rows
-- Days of runs that had no state got one.
INSERT INTO transfer_days (transfer_id, data_date)
SELECT DISTINCT r.transfer_id, r.data_date FROM runs r
WHERE NOT EXISTS (
  SELECT 1 FROM transfer_days d WHERE d.transfer_id = r.transfer_id AND d.data_date = r.data_date);

-- name: repair_i07_days
-- Days got their counts of waiting and running runs anew.
UPDATE transfer_days AS d SET queued = r.queued, running = r.running
FROM (
  SELECT d.transfer_id, d.data_date, count(*) FILTER (WHERE r.status IN ('CREATED', 'QUEUED')) AS queued,
    count(*) FILTER (WHERE r.status = 'RUNNING') AS running
  FROM transfer_days d LEFT JOIN runs r ON r.transfer_id = d.transfer_id AND r.data_date = d.data_date
    AND r.status IN ('CREATED', 'QUEUED', 'RUNNING')
  GROUP BY d.transfer_id, d.data_date) r
WHERE r.transfer_id = d.transfer_id AND r.data_date = d.data_date AND (d.queued <> r.queued OR d.running <> r.running);

-- name: repair_i02_counters
-- Backfills got their counters anew from their runs.
UPDATE backfills AS b
SET completed = r.completed, failed = r.failed, cancelled = r.cancelled, running = r.running
FROM (
  SELECT backfill_id, count(*) FILTER (WHERE status = 'COMPLETED') AS completed,
    count(*) FILTER (WHERE status = 'FAILED') AS failed, count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled,
    count(*) FILTER (WHERE status = 'RUNNING') AS running
  FROM runs NOT INDEXED WHERE backfill_id IS NOT NULL GROUP BY backfill_id) r
WHERE r.backfill_id = b.backfill_id AND (b.completed <> r.completed OR b.failed <> r.failed
  OR b.cancelled <> r.cancelled OR b.running <> r.running);

-- name: repair_i03_ended
-- Backfills whose days are all done got the status and the end that follow from them.
UPDATE backfills AS b
SET status = CASE WHEN b.failed = 0 THEN 'COMPLETED' ELSE 'FAILED' END,
  start_time = max(b.created_time, coalesce(b.start_time, r.first, 0)),
  end_time = max(b.created_time, coalesce(b.start_time, r.first, 0), coalesce(b.end_time, r.last, 0))
FROM (
  SELECT backfill_id, min(started_time) AS first, max(ended_time) AS last
  FROM runs NOT INDEXED WHERE backfill_id IS NOT NULL GROUP BY backfill_id) r
WHERE r.backfill_id = b.backfill_id AND b.status <> 'CANCELLED' AND b.completed + b.failed = b.total
  AND (b.status <> CASE WHEN b.failed = 0 THEN 'COMPLETED' ELSE 'FAILED' END
    OR b.start_time IS NULL OR b.end_time IS NULL);

-- name: repair_i03_open
-- Backfills that had ended with days to load run again, where no other one loads these days.
UPDATE backfills AS b SET status = 'RUNNING', end_time = NULL
WHERE b.status IN ('COMPLETED', 'FAILED') AND b.start_time IS NOT NULL AND b.created = b.total AND b.cancelled = 0
  AND b.completed + b.failed < b.total
  AND b.transfer_id IN (SELECT transfer_id FROM transfers WHERE deleted_time IS NULL)
  AND NOT EXISTS (
    SELECT 1 FROM backfills a
    WHERE a.transfer_id = b.transfer_id AND a.backfill_id <> b.backfill_id
      AND (a.status IN ('CREATED', 'SCHEDULED', 'RUNNING') OR (a.backfill_id < b.backfill_id
        AND a.status IN ('COMPLETED', 'FAILED') AND a.created = a.total AND a.completed + a.failed < a.total))
      AND a.range_start <= b.range_end AND b.range_start <= a.range_end);

-- name: repair_i03_started
-- Backfills of which a day has started run, and have not ended.
UPDATE backfills AS b
SET status = 'RUNNING', start_time = max(b.created_time, coalesce(b.start_time, r.first, 0)), end_time = NULL
FROM (
  SELECT backfill_id, min(started_time) AS first
  FROM runs NOT INDEXED WHERE backfill_id IS NOT NULL GROUP BY backfill_id) r
WHERE r.backfill_id = b.backfill_id AND b.created = b.total AND b.completed + b.failed < b.total
  AND ((b.status = 'SCHEDULED' AND b.completed + b.failed + b.running > 0)
    OR (b.status = 'RUNNING' AND (b.end_time IS NOT NULL OR b.start_time IS NULL)));

-- name: repair_i08_loaded
-- Days that no completed run accounts for became stale.
UPDATE transfer_days AS d SET settled = 's'
WHERE settled = 'l' AND NOT EXISTS (
  SELECT 1 FROM runs r WHERE r.run_id = d.run_id AND r.status = 'COMPLETED' AND r.transfer_id = d.transfer_id
    AND r.data_date = d.data_date AND r.token IS NOT DISTINCT FROM d.token
    AND r.row_count IS NOT DISTINCT FROM d.row_count AND r.content_hash IS NOT DISTINCT FROM d.content_hash);

-- name: repair_i09_newest
-- Days that a later run has loaded than they say became stale.
UPDATE transfer_days AS d SET settled = 's'
FROM (SELECT transfer_id, data_date, max(token) AS token FROM runs WHERE status = 'COMPLETED' GROUP BY 1, 2) r
WHERE d.settled = 'l' AND r.transfer_id = d.transfer_id AND r.data_date = d.data_date AND r.token > d.token;

-- name: repair_i16_rows
-- Teams got the rows of their months anew from their runs.
INSERT INTO rows_of_months (team_id, month, row_count)
SELECT m.team_id, m.month, coalesce(r.row_count, 0)
FROM (
  SELECT team_id, month FROM rows_of_months
  UNION
  SELECT team_id, strftime('%Y-%m', ended_time / 1000000, 'unixepoch') FROM runs WHERE status = 'COMPLETED' AND row_count > 0) m
LEFT JOIN (
  SELECT team_id, strftime('%Y-%m', ended_time / 1000000, 'unixepoch') AS month, sum(row_count) AS row_count
  FROM runs WHERE status = 'COMPLETED' AND row_count > 0 GROUP BY 1, 2) r ON r.team_id = m.team_id AND r.month = m.month
LEFT JOIN rows_of_months c ON c.team_id = m.team_id AND c.month = m.month
WHERE c.row_count IS DISTINCT FROM coalesce(r.row_count, 0)
ON CONFLICT (team_id, month) DO UPDATE SET row_count = excluded.row_count;

-- name: repair_i10_tokens
-- The token sequence was lifted above every run.
UPDATE installation SET last_token = (SELECT max(token) FROM runs)
WHERE last_token < (SELECT max(token) FROM runs);
