-- name: repair_i03_ended
-- The later of several times is named in another way than in SQLite.
UPDATE backfills AS b
SET status = CASE WHEN b.failed = 0 THEN 'COMPLETED' ELSE 'FAILED' END,
  start_time = greatest(b.created_time, coalesce(b.start_time, r.first, 0)),
  end_time = greatest(b.created_time, coalesce(b.start_time, r.first, 0), coalesce(b.end_time, r.last, 0))
FROM (
  SELECT backfill_id, min(started_time) AS first, max(ended_time) AS last
  FROM runs WHERE backfill_id IS NOT NULL GROUP BY backfill_id) r
WHERE r.backfill_id = b.backfill_id AND b.status <> 'CANCELLED' AND b.completed + b.failed = b.total
  AND (b.status <> CASE WHEN b.failed = 0 THEN 'COMPLETED' ELSE 'FAILED' END
    OR b.start_time IS NULL OR b.end_time IS NULL);

-- name: repair_i03_started
-- The later of several times is named in another way than in SQLite.
UPDATE backfills AS b
SET status = 'RUNNING', start_time = greatest(b.created_time, coalesce(b.start_time, r.first, 0)), end_time = NULL
FROM (
  SELECT backfill_id, min(started_time) AS first
  FROM runs WHERE backfill_id IS NOT NULL GROUP BY backfill_id) r
WHERE r.backfill_id = b.backfill_id AND b.created = b.total AND b.completed + b.failed < b.total
  AND ((b.status = 'SCHEDULED' AND b.completed + b.failed + b.running > 0)
    OR (b.status = 'RUNNING' AND (b.end_time IS NOT NULL OR b.start_time IS NULL)));

-- name: repair_i16_rows
-- The month of a time is written in another way than in SQLite.
INSERT INTO rows_of_months (team_id, month, row_count)
WITH counted AS (
  SELECT team_id, to_char(to_timestamp(ended_time / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
    CAST(sum(row_count) AS BIGINT) AS row_count
  FROM runs WHERE status = 'COMPLETED' AND row_count > 0 GROUP BY 1, 2)
SELECT m.team_id, m.month, coalesce(r.row_count, 0)
FROM (SELECT team_id, month FROM rows_of_months UNION SELECT team_id, month FROM counted) m
LEFT JOIN counted r ON r.team_id = m.team_id AND r.month = m.month
LEFT JOIN rows_of_months c ON c.team_id = m.team_id AND c.month = m.month
WHERE c.row_count IS DISTINCT FROM coalesce(r.row_count, 0)
ON CONFLICT (team_id, month) DO UPDATE SET row_count = excluded.row_count;
