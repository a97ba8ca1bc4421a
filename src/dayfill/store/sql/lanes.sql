-- name: waiting_lanes
-- Priorities and transfers that have a run to start, with what may hold them up: a skip scan through the index of what is
-- queued, one step for each; whose login or destination rests is left out, and who has nothing but what is delayed or at work.
WITH RECURSIVE lanes(priority, transfer_id) AS (
  SELECT 0, CAST(0 AS BIGINT)
  UNION ALL SELECT 1, 0 WHERE :least_urgent >= 1
  UNION ALL SELECT 2, 0 WHERE :least_urgent >= 2
  UNION ALL SELECT 3, 0 WHERE :least_urgent >= 3
  UNION ALL
  SELECT l.priority, (
    SELECT min(r.transfer_id) FROM runs r
    WHERE r.status = 'QUEUED' AND r.priority = l.priority AND r.transfer_id > l.transfer_id)
  FROM lanes l WHERE l.transfer_id IS NOT NULL)
SELECT l.priority, t.team_id, t.transfer_id, t.connection_id, t.destination_id, t.parallelism, c.parallelism,
  t.weight, m.weight, m.rows_per_month, coalesce(n.row_count, 0)
FROM lanes l
JOIN transfers t ON t.transfer_id = l.transfer_id
JOIN connections c ON c.connection_id = t.connection_id
JOIN destinations d ON d.destination_id = t.destination_id
JOIN teams m ON m.team_id = t.team_id
LEFT JOIN rows_of_months n ON n.team_id = t.team_id AND n.month = :month
WHERE c.parked_until <= :now AND d.parked_until <= :now AND (
  SELECT r.run_id FROM runs r
  WHERE r.status = 'QUEUED' AND r.priority = l.priority AND r.transfer_id = l.transfer_id AND r.not_before <= :now
    AND NOT EXISTS (
      SELECT 1 FROM runs held
      WHERE held.transfer_id = r.transfer_id AND held.data_date = r.data_date AND held.status = 'RUNNING')
  LIMIT 1) IS NOT NULL;

-- name: claimable_runs
-- Runs of one transfer and priority that may start now, newest day first, none of a day that is being loaded.
SELECT r.priority, r.transfer_id, r.run_id, r.data_date, r.attempts, r.backfill_id, r.cause
FROM runs r
WHERE r.status = 'QUEUED' AND r.priority = :priority AND r.transfer_id = :transfer_id AND r.not_before <= :now
  AND NOT EXISTS (
    SELECT 1 FROM runs held
    WHERE held.transfer_id = r.transfer_id AND held.data_date = r.data_date AND held.status = 'RUNNING')
ORDER BY r.data_date DESC, r.run_id
LIMIT :limit;
