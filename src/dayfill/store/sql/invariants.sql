-- name: invariant_i01_total
-- I1: A backfill has as many run rows as its created counter says, never more than its total, and all once scheduled; its
-- total is the length of its range, unless only some of its days were chosen.
SELECT 'backfill ' || b.backfill_id || ': created ' || b.created || ' of ' || b.total || ', rows ' || coalesce(r.n, 0)
FROM backfills b
LEFT JOIN (SELECT backfill_id, count(*) AS n FROM runs WHERE backfill_id IS NOT NULL GROUP BY backfill_id) r
  ON r.backfill_id = b.backfill_id
WHERE b.created <> coalesce(r.n, 0) OR b.created > b.total
  OR (b.status NOT IN ('CREATED', 'CANCELLED') AND b.created <> b.total)
  OR (b.chosen IS NULL AND b.total <> julianday(b.range_end) - julianday(b.range_start) + 1);

-- name: invariant_i02_counters
-- I2: The stored counters of a backfill equal the counts of its run rows.
SELECT 'backfill ' || b.backfill_id || ': stored completed, failed, cancelled, running ' || b.completed || ' ' || b.failed
  || ' ' || b.cancelled || ' ' || b.running
FROM backfills b
LEFT JOIN (
  SELECT backfill_id, count(*) FILTER (WHERE status = 'COMPLETED') AS completed,
    count(*) FILTER (WHERE status = 'FAILED') AS failed, count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled,
    count(*) FILTER (WHERE status = 'RUNNING') AS running
  FROM runs NOT INDEXED WHERE backfill_id IS NOT NULL GROUP BY backfill_id) r ON r.backfill_id = b.backfill_id
WHERE b.completed <> coalesce(r.completed, 0) OR b.failed <> coalesce(r.failed, 0)
  OR b.cancelled <> coalesce(r.cancelled, 0) OR b.running <> coalesce(r.running, 0);

-- name: invariant_i02_statuses
-- I2: A run has one of the six statuses, so that the counts over all of them are all runs.
SELECT 'run ' || run_id || ' is ' || status FROM runs
WHERE status NOT IN ('CREATED', 'QUEUED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED');

-- name: invariant_i03_status
-- I3: The status of a backfill follows from its counters.
SELECT 'backfill ' || backfill_id || ' is ' || status || ' with ' || completed || ' completed and ' || failed
  || ' failed of ' || total
FROM backfills
WHERE status NOT IN ('CREATED', 'SCHEDULED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')
  OR (status = 'COMPLETED' AND completed <> total)
  OR (completed = total AND status NOT IN ('COMPLETED', 'CANCELLED'))
  OR (status = 'FAILED' AND (failed < 1 OR completed + failed <> total))
  OR (status IN ('CREATED', 'SCHEDULED') AND (completed + failed + running > 0 OR start_time IS NOT NULL))
  OR (status = 'CREATED' AND created >= total)
  OR (status = 'RUNNING' AND completed + failed = total);

-- name: invariant_i04_times
-- I4: Start, end and removal of a backfill are set exactly when its status says so, and in order.
SELECT 'backfill ' || backfill_id || ' is ' || status || ' but its times disagree'
FROM backfills
WHERE (end_time IS NOT NULL) <> (status IN ('COMPLETED', 'FAILED', 'CANCELLED'))
  OR (removed_time IS NOT NULL) <> (status = 'CANCELLED') OR (removed_user_id IS NOT NULL) <> (status = 'CANCELLED')
  OR (status IN ('RUNNING', 'COMPLETED', 'FAILED') AND start_time IS NULL)
  OR start_time < created_time OR end_time < start_time;

-- name: invariant_i05_cancelled
-- I5: A cancelled backfill has no waiting run.
SELECT 'backfill ' || r.backfill_id || ' is CANCELLED but run ' || r.run_id || ' is ' || r.status
FROM backfills b JOIN runs r ON r.backfill_id = b.backfill_id
WHERE b.status = 'CANCELLED' AND r.status IN ('CREATED', 'QUEUED');

-- name: invariant_i06_overlap
-- I6: No two active backfills of one transfer share a day.
SELECT 'backfills ' || a.backfill_id || ' and ' || b.backfill_id || ' overlap'
FROM backfills a JOIN backfills b ON a.transfer_id = b.transfer_id AND a.backfill_id < b.backfill_id
WHERE a.status IN ('CREATED', 'SCHEDULED', 'RUNNING') AND b.status IN ('CREATED', 'SCHEDULED', 'RUNNING')
  AND a.range_start <= b.range_end AND b.range_start <= a.range_end;

-- name: invariant_i07_running
-- I7: A running run has an owner, a token, a counted attempt and a start; no other run has an owner.
SELECT 'run ' || run_id || ' is ' || status || ' with owner ' || coalesce(owner, 'none') || ', attempts ' || attempts
FROM runs
WHERE (status = 'RUNNING') <> (owner IS NOT NULL)
  OR (status = 'RUNNING' AND (token IS NULL OR started_time IS NULL OR attempts < 1));

-- name: invariant_i07_once
-- I7: At most one run works on a day of a transfer, of which an index is the first pair of eyes.
SELECT 'transfer ' || transfer_id || ' day ' || data_date || ': ' || count(*) || ' running'
FROM runs WHERE status = 'RUNNING'
GROUP BY transfer_id, data_date
HAVING count(*) > 1;

-- name: invariant_i07_days
-- I7: The state of a day counts exactly the runs that wait for it and work on it.
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ': queued ' || d.queued || ', running ' || d.running
FROM transfer_days d
LEFT JOIN (
  SELECT transfer_id, data_date, count(*) FILTER (WHERE status <> 'RUNNING') AS queued,
    count(*) FILTER (WHERE status = 'RUNNING') AS running
  FROM runs NOT INDEXED WHERE status IN ('CREATED', 'QUEUED', 'RUNNING')
  GROUP BY transfer_id, data_date) r ON r.transfer_id = d.transfer_id AND r.data_date = d.data_date
WHERE d.queued <> coalesce(r.queued, 0) OR d.running <> coalesce(r.running, 0);

-- name: invariant_i07_day_rows
-- I7: Every run has a row for its day.
SELECT 'transfer ' || r.transfer_id || ' day ' || r.data_date || ' has no state'
FROM runs r LEFT JOIN transfer_days d ON d.transfer_id = r.transfer_id AND d.data_date = r.data_date
WHERE d.transfer_id IS NULL;

-- name: invariant_i08_loaded
-- I8: A loaded day names a completed run of that day, with its token, rows and hash.
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ' is loaded by run ' || coalesce(CAST(d.run_id AS TEXT), 'none')
FROM transfer_days d LEFT JOIN runs r ON r.run_id = d.run_id
WHERE d.settled = 'l' AND (r.run_id IS NULL OR r.status <> 'COMPLETED'
  OR r.transfer_id <> d.transfer_id OR r.data_date <> d.data_date OR r.token IS DISTINCT FROM d.token
  OR r.row_count IS DISTINCT FROM d.row_count OR r.content_hash IS DISTINCT FROM d.content_hash);

-- name: invariant_i09_newest
-- I9: A loaded day is loaded by the completed run of that day with the greatest token.
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ' is loaded under token ' || d.token || ', but run '
  || r.run_id || ' completed under token ' || r.token
FROM runs r JOIN transfer_days d ON d.transfer_id = r.transfer_id AND d.data_date = r.data_date
WHERE r.status = 'COMPLETED' AND d.settled = 'l' AND r.token > d.token;

-- name: invariant_i10_token_once
-- I10: No two runs share a token.
SELECT 'token ' || token || ' of ' || count(*) || ' runs' FROM runs WHERE token IS NOT NULL
GROUP BY token
HAVING count(*) > 1;

-- name: invariant_i10_tokens
-- I10: No run's token lies above the sequence.
SELECT 'run ' || run_id || ' has token ' || token FROM runs
WHERE token > (SELECT last_token FROM installation);

-- name: invariant_i11_report
-- I11: Each failed day of a backfill is one entry of its error report, with its cause, and nothing else is.
SELECT 'backfill ' || b.backfill_id || ': ' || coalesce(r.days, 0) || ' days in ' || coalesce(r.entries, 0)
  || ' entries, ' || coalesce(r.silent, 0) || ' without a cause, for failed ' || b.failed
FROM backfills b
LEFT JOIN (
  SELECT backfill_id, count(*) AS entries, count(DISTINCT data_date) AS days,
    count(*) FILTER (WHERE coalesce(cause, '') = '' OR message = '') AS silent
  FROM runs WHERE status = 'FAILED' AND backfill_id IS NOT NULL GROUP BY backfill_id) r ON r.backfill_id = b.backfill_id
WHERE coalesce(r.entries, 0) <> b.failed OR r.days <> r.entries OR r.silent > 0;

-- name: invariant_i13_owner
-- I13: Nothing runs for a dispatcher that is gone.
SELECT 'run ' || run_id || ' of transfer ' || transfer_id || ' day ' || data_date || ' runs for ' || owner
FROM runs
WHERE status = 'RUNNING' AND :owner <> '' AND owner <> :owner;

-- name: invariant_i13_overdue
-- I13: Nothing runs longer than its transfer's deadline and the grace after it.
SELECT 'run ' || r.run_id || ' of transfer ' || r.transfer_id || ' day ' || r.data_date || ' runs for '
  || ((:now - r.started_time) / 1000000) || ' s, the deadline is ' || t.deadline_seconds || ' s'
FROM runs r JOIN transfers t ON t.transfer_id = r.transfer_id
WHERE r.status = 'RUNNING' AND :now > 0 AND r.started_time + (t.deadline_seconds + :grace) * 1000000 < :now;

-- name: invariant_i14_run_team
-- I14: The team of a run is the team of its transfer and of its backfill, and they are of one transfer.
SELECT 'run ' || r.run_id || ' of team ' || r.team_id
FROM runs r
JOIN transfers t ON t.transfer_id = r.transfer_id
LEFT JOIN backfills b ON b.backfill_id = r.backfill_id
WHERE r.team_id <> t.team_id OR b.team_id <> r.team_id OR b.transfer_id <> r.transfer_id
  OR (r.backfill_id IS NOT NULL AND b.backfill_id IS NULL);

-- name: invariant_i14_transfer_team
-- I14: The team of a transfer is the team of its destination, its connection and its backfills.
SELECT 'transfer ' || t.transfer_id || ' of team ' || t.team_id
FROM transfers t
JOIN destinations d ON d.destination_id = t.destination_id
JOIN connections c ON c.connection_id = t.connection_id
LEFT JOIN backfills b ON b.transfer_id = t.transfer_id
WHERE t.team_id <> d.team_id OR t.team_id <> c.team_id OR b.team_id <> t.team_id
GROUP BY t.transfer_id;

-- name: invariant_i15_order
-- I15: The first attempts of a backfill start newest day first. Left out are days that another run has worked on too, for
-- a day waits while it is held, and backfills as urgent as a retry, where a day put back cannot be told from an untried one.
SELECT 'backfill ' || backfill_id || ': day ' || data_date || ' started after ' || older
FROM (
  SELECT backfill_id, transfer_id, data_date, token, lag(data_date) OVER days AS older, min(token) OVER earlier AS least
  FROM (
    SELECT r.backfill_id, r.transfer_id, r.data_date,
      CASE WHEN r.attempts = 0 THEN 9223372036854775807 ELSE r.token END AS token
    FROM backfills b CROSS JOIN runs r
    WHERE r.backfill_id = b.backfill_id AND b.priority > 2 AND r.priority = b.priority AND r.cause_of_start = 'backfill'
      AND (r.attempts = 1 OR (r.attempts = 0 AND r.status = 'QUEUED'))) AS first_attempts
  WINDOW days AS (PARTITION BY backfill_id ORDER BY data_date),
    earlier AS (PARTITION BY backfill_id ORDER BY data_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS starts
WHERE token > least AND (transfer_id, data_date) NOT IN (
  SELECT transfer_id, data_date FROM runs NOT INDEXED
  GROUP BY transfer_id, data_date
  HAVING count(*) > 1 AND count(token) > 0);

-- name: invariant_i16_rows
-- I16: The rows of a team's month are those of its runs that completed in it.
SELECT 'team ' || coalesce(c.team_id, r.team_id) || ' in ' || coalesce(c.month, r.month) || ': stored '
  || coalesce(c.row_count, 0) || ', of runs ' || coalesce(r.row_count, 0)
FROM rows_of_months c
FULL JOIN (
  SELECT team_id, strftime('%Y-%m', ended_time / 1000000, 'unixepoch') AS month, sum(row_count) AS row_count
  FROM runs NOT INDEXED WHERE status = 'COMPLETED' AND row_count > 0 GROUP BY 1, 2) r
  ON r.team_id = c.team_id AND r.month = c.month
WHERE coalesce(c.row_count, 0) <> coalesce(r.row_count, 0);

-- name: ledger_i08_rows
-- I8: What the ledger says of a loaded day is what the state says, under one token.
WITH l AS MATERIALIZED (
  SELECT value ->> 0 AS data_date, value ->> 1 AS least_token, value ->> 2 AS token, value ->> 4 AS row_count,
    value ->> 5 AS content_hash
  FROM json_each(:ledger))
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ' has ' || d.row_count || ' rows, hash '
  || coalesce(d.content_hash, 'none') || '; the ledger says ' || l.row_count || ', ' || l.content_hash
FROM l CROSS JOIN transfer_days d ON d.transfer_id = :transfer_id AND d.data_date = l.data_date
WHERE d.settled = 'l' AND l.token = d.token
  AND (l.least_token <> l.token OR l.row_count IS NOT d.row_count OR l.content_hash IS NOT d.content_hash);

-- name: ledger_i09_behind
-- I9: The ledger holds every loaded day, under the token of the run that loaded it or a greater one.
WITH l AS MATERIALIZED (SELECT value ->> 0 AS data_date, value ->> 1 AS least_token FROM json_each(:ledger))
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ' is loaded under token ' || d.token
  || ', the ledger says ' || l.least_token
FROM l CROSS JOIN transfer_days d ON d.transfer_id = :transfer_id AND d.data_date = l.data_date
WHERE d.settled = 'l' AND l.least_token < d.token
UNION ALL
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ' is loaded under token ' || d.token
  || ', the ledger says nothing'
FROM transfer_days d
WHERE d.transfer_id = :transfer_id AND d.settled = 'l' AND d.data_date NOT IN (SELECT data_date FROM l);

-- name: ledger_i09_ahead
-- I9: Where the ledger is ahead of a loaded day, the run that it names has not completed: its record was lost or is late.
WITH l AS MATERIALIZED (
  SELECT value ->> 0 AS data_date, value ->> 2 AS token, value ->> 3 AS run_id FROM json_each(:ledger))
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ' is loaded under token ' || d.token
  || ', the ledger says ' || l.token || ' of the completed run ' || l.run_id
FROM l CROSS JOIN transfer_days d ON d.transfer_id = :transfer_id AND d.data_date = l.data_date
CROSS JOIN runs r ON r.run_id = l.run_id
WHERE d.settled = 'l' AND l.token > d.token
  AND r.transfer_id = d.transfer_id AND r.data_date = d.data_date AND r.status = 'COMPLETED';
