-- name: invariant_total
-- A backfill's run rows are as many as its created counter says, never more than its total, and all once scheduled.
SELECT 'backfill ' || b.backfill_id || ': created ' || b.created || ' of ' || b.total || ', rows ' || count(r.run_id)
FROM backfills b LEFT JOIN runs r ON r.backfill_id = b.backfill_id
GROUP BY b.backfill_id
HAVING b.created <> count(r.run_id) OR b.created > b.total
  OR (b.status NOT IN ('CREATED', 'CANCELLED') AND b.created <> b.total);

-- name: invariant_counters
-- Stored counters equal the counts of run rows.
SELECT 'backfill ' || b.backfill_id || ': stored completed, failed, cancelled, running ' || b.completed || ' ' || b.failed
  || ' ' || b.cancelled || ' ' || b.running
FROM backfills b LEFT JOIN runs r ON r.backfill_id = b.backfill_id
GROUP BY b.backfill_id
HAVING b.completed <> count(r.run_id) FILTER (WHERE r.status = 'COMPLETED')
  OR b.failed <> count(r.run_id) FILTER (WHERE r.status = 'FAILED')
  OR b.cancelled <> count(r.run_id) FILTER (WHERE r.status = 'CANCELLED')
  OR b.running <> count(r.run_id) FILTER (WHERE r.status = 'RUNNING');

-- name: invariant_status
-- The status of a backfill follows from its counters.
SELECT 'backfill ' || backfill_id || ' is ' || status || ' with ' || completed || ' completed and ' || failed
  || ' failed of ' || total
FROM backfills
WHERE (status = 'COMPLETED' AND completed <> total)
  OR (completed = total AND status NOT IN ('COMPLETED', 'CANCELLED'))
  OR (status = 'FAILED' AND (failed < 1 OR completed + failed <> total))
  OR (status IN ('CREATED', 'SCHEDULED') AND (completed + failed + running > 0 OR start_time IS NOT NULL))
  OR (status = 'CREATED' AND created >= total)
  OR (status = 'RUNNING' AND completed + failed = total);

-- name: invariant_times
-- Start, end and removal are set exactly when the status says so, and in order.
SELECT 'backfill ' || backfill_id || ' is ' || status || ' but its times disagree'
FROM backfills
WHERE (end_time IS NOT NULL) <> (status IN ('COMPLETED', 'FAILED', 'CANCELLED'))
  OR (removed_time IS NOT NULL) <> (status = 'CANCELLED') OR (removed_user_id IS NOT NULL) <> (status = 'CANCELLED')
  OR (status IN ('RUNNING', 'COMPLETED', 'FAILED') AND start_time IS NULL)
  OR start_time < created_time OR end_time < start_time;

-- name: invariant_cancelled
-- A cancelled backfill has no waiting run.
SELECT 'backfill ' || b.backfill_id || ' is CANCELLED but run ' || r.run_id || ' is ' || r.status
FROM backfills b JOIN runs r ON r.backfill_id = b.backfill_id
WHERE b.status = 'CANCELLED' AND r.status IN ('CREATED', 'QUEUED');

-- name: invariant_overlap
-- No two active backfills of one transfer share a day.
SELECT 'backfills ' || a.backfill_id || ' and ' || b.backfill_id || ' overlap'
FROM backfills a JOIN backfills b ON a.transfer_id = b.transfer_id AND a.backfill_id < b.backfill_id
WHERE a.status IN ('CREATED', 'SCHEDULED', 'RUNNING') AND b.status IN ('CREATED', 'SCHEDULED', 'RUNNING')
  AND a.range_start <= b.range_end AND b.range_start <= a.range_end;

-- name: invariant_running
-- A running run has an owner, a token and a start; no other run has an owner.
SELECT 'run ' || run_id || ' is ' || status || ' with owner ' || coalesce(owner, 'none')
FROM runs
WHERE (status = 'RUNNING') <> (owner IS NOT NULL)
  OR (status = 'RUNNING' AND (token IS NULL OR started_time IS NULL));

-- name: invariant_tokens
-- No run's token lies above the sequence.
SELECT 'run ' || run_id || ' has token ' || token FROM runs
WHERE token > (SELECT last_token FROM installation);

-- name: invariant_token_once
-- No two runs share a token.
SELECT 'token ' || token || ' of ' || count(*) || ' runs' FROM runs WHERE token IS NOT NULL
GROUP BY token
HAVING count(*) > 1;

-- name: invariant_days
-- The state of each day counts exactly the runs that wait for it and work on it.
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ': queued ' || d.queued || ', running ' || d.running
FROM transfer_days d
LEFT JOIN runs r ON r.transfer_id = d.transfer_id AND r.data_date = d.data_date
  AND r.status IN ('CREATED', 'QUEUED', 'RUNNING')
GROUP BY d.transfer_id, d.data_date
HAVING d.queued <> count(r.run_id) FILTER (WHERE r.status IN ('CREATED', 'QUEUED'))
  OR d.running <> count(r.run_id) FILTER (WHERE r.status = 'RUNNING');

-- name: invariant_day_rows
-- Every run has a row for its day.
SELECT 'transfer ' || r.transfer_id || ' day ' || r.data_date || ' has no state'
FROM runs r LEFT JOIN transfer_days d ON d.transfer_id = r.transfer_id AND d.data_date = r.data_date
WHERE d.transfer_id IS NULL;

-- name: invariant_loaded
-- A loaded day names a completed run of that day, with its rows and hash.
SELECT 'transfer ' || d.transfer_id || ' day ' || d.data_date || ' is loaded by run ' || coalesce(CAST(d.run_id AS TEXT), 'none')
FROM transfer_days d LEFT JOIN runs r ON r.run_id = d.run_id
WHERE d.settled = 'l' AND (r.run_id IS NULL OR r.status <> 'COMPLETED'
  OR r.transfer_id <> d.transfer_id OR r.data_date <> d.data_date OR r.row_count IS DISTINCT FROM d.row_count
  OR r.content_hash IS DISTINCT FROM d.content_hash);

-- name: invariant_team
-- The team of a run is the team of its backfill, transfer, destination and connection.
SELECT 'run ' || r.run_id || ' of team ' || r.team_id
FROM runs r
JOIN transfers t ON t.transfer_id = r.transfer_id
JOIN destinations d ON d.destination_id = t.destination_id
JOIN connections c ON c.connection_id = t.connection_id
LEFT JOIN backfills b ON b.backfill_id = r.backfill_id
WHERE r.team_id <> t.team_id OR t.team_id <> d.team_id OR t.team_id <> c.team_id
  OR coalesce(b.team_id, r.team_id) <> r.team_id;
