-- name: failed_days
-- The days of a transfer that are failed and wait for nothing, newest first, each with the failed run that ended last and the
-- backfill of that run. SQLite would read all days by their primary key: it is told not to.
SELECT d.data_date, r.run_id, r.cause, r.fingerprint, b.backfill_id, b.status
FROM transfers t
JOIN transfer_days d INDEXED BY days_failed ON d.transfer_id = t.transfer_id AND d.settled = 'f'
LEFT JOIN runs r ON r.run_id = (
  SELECT one.run_id FROM runs one
  WHERE one.transfer_id = d.transfer_id AND one.data_date = d.data_date AND one.ended_time IS NOT NULL
    AND one.status = 'FAILED'
  ORDER BY one.ended_time DESC
  LIMIT 1)
LEFT JOIN backfills b ON b.backfill_id = r.backfill_id
WHERE t.transfer_id = :transfer_id AND t.team_id = :team_id AND t.deleted_time IS NULL AND d.queued = 0 AND d.running = 0
ORDER BY d.data_date DESC;

-- name: run_messages
-- The messages of some runs (a JSON list of ids).
SELECT run_id, message FROM runs WHERE run_id IN (SELECT value FROM json_each(:run_ids));
