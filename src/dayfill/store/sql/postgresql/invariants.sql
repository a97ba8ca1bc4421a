-- name: invariant_i01_total
-- Days between two dates are counted in another way than in SQLite.
SELECT 'backfill ' || b.backfill_id || ': created ' || b.created || ' of ' || b.total || ', rows ' || coalesce(r.n, 0)
FROM backfills b
LEFT JOIN (SELECT backfill_id, count(*) AS n FROM runs WHERE backfill_id IS NOT NULL GROUP BY backfill_id) r
  ON r.backfill_id = b.backfill_id
WHERE b.created <> coalesce(r.n, 0) OR b.created > b.total
  OR (b.status NOT IN ('CREATED', 'CANCELLED') AND b.created <> b.total)
  OR (b.chosen IS NULL AND b.total <> CAST(b.range_end AS DATE) - CAST(b.range_start AS DATE) + 1);

-- name: invariant_i16_rows
-- The month of a time is written in another way than in SQLite.
SELECT 'team ' || coalesce(c.team_id, r.team_id) || ' in ' || coalesce(c.month, r.month) || ': stored '
  || coalesce(c.row_count, 0) || ', of runs ' || coalesce(r.row_count, 0)
FROM rows_of_months c
FULL JOIN (
  SELECT team_id, to_char(to_timestamp(ended_time / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
    sum(row_count) AS row_count
  FROM runs WHERE status = 'COMPLETED' AND row_count > 0 GROUP BY 1, 2) r
  ON r.team_id = c.team_id AND r.month = c.month
WHERE coalesce(c.row_count, 0) <> coalesce(r.row_count, 0);

-- name: ledger_i08_rows
-- A ledger is unfolded in another way than in SQLite.
WITH l AS MATERIALIZED (
  SELECT value ->> 0 AS data_date, CAST(value ->> 1 AS BIGINT) AS least_token, CAST(value ->> 2 AS BIGINT) AS token,
    CAST(value ->> 4 AS BIGINT) AS row_count, value ->> 5 AS content_hash
  FROM json_array_elements(CAST(:ledger AS JSON)) AS days(value))
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ' has ' || d.row_count || ' rows, hash '
  || coalesce(d.content_hash, 'none') || '; the ledger says ' || l.row_count || ', ' || l.content_hash
FROM l JOIN transfer_days d ON d.transfer_id = :transfer_id AND d.data_date = l.data_date
WHERE d.settled = 'l' AND l.token = d.token
  AND (l.least_token <> l.token OR l.row_count IS DISTINCT FROM d.row_count
    OR l.content_hash IS DISTINCT FROM d.content_hash);

-- name: ledger_i09_behind
-- A ledger is unfolded in another way than in SQLite.
WITH l AS MATERIALIZED (
  SELECT value ->> 0 AS data_date, CAST(value ->> 1 AS BIGINT) AS least_token
  FROM json_array_elements(CAST(:ledger AS JSON)) AS days(value))
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ' is loaded under token ' || d.token
  || ', the ledger says ' || l.least_token
FROM l JOIN transfer_days d ON d.transfer_id = :transfer_id AND d.data_date = l.data_date
WHERE d.settled = 'l' AND l.least_token < d.token
UNION ALL
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ' is loaded under token ' || d.token
  || ', the ledger says nothing'
FROM transfer_days d
WHERE d.transfer_id = :transfer_id AND d.settled = 'l'
  AND NOT EXISTS (SELECT 1 FROM l WHERE l.data_date = d.data_date);

-- name: ledger_i09_ahead
-- A ledger is unfolded in another way than in SQLite.
WITH l AS MATERIALIZED (
  SELECT value ->> 0 AS data_date, CAST(value ->> 2 AS BIGINT) AS token, CAST(value ->> 3 AS BIGINT) AS run_id
  FROM json_array_elements(CAST(:ledger AS JSON)) AS days(value))
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ' is loaded under token ' || d.token
  || ', the ledger says ' || l.token || ' of the completed run ' || l.run_id
FROM l JOIN transfer_days d ON d.transfer_id = :transfer_id AND d.data_date = l.data_date
JOIN runs r ON r.run_id = l.run_id
WHERE d.settled = 'l' AND l.token > d.token
  AND r.transfer_id = d.transfer_id AND r.data_date = d.data_date AND r.status = 'COMPLETED';
