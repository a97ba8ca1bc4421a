-- name: claimable_runs
-- All lanes in one statement.
SELECT r.priority, r.transfer_id, r.run_id, r.data_date, r.attempts, r.backfill_id, r.cause
FROM unnest(CAST(:transfer_id AS BIGINT[]), CAST(:priority AS BIGINT[]), CAST(:now AS BIGINT[]), CAST(:limit AS BIGINT[]))
  WITH ORDINALITY AS lane(transfer_id, priority, now, most, position)
CROSS JOIN LATERAL (
  SELECT q.priority, q.transfer_id, q.run_id, q.data_date, q.attempts, q.backfill_id, q.cause
  FROM runs q
  WHERE q.status = 'QUEUED' AND q.priority = lane.priority AND q.transfer_id = lane.transfer_id
    AND q.not_before <= lane.now
    AND NOT EXISTS (
      SELECT 1 FROM runs held
      WHERE held.transfer_id = q.transfer_id AND held.data_date = q.data_date AND held.status = 'RUNNING')
  ORDER BY q.data_date DESC, q.run_id
  LIMIT lane.most) r
ORDER BY lane.position, r.data_date DESC, r.run_id;
