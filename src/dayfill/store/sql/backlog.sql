-- name: backlog
-- The work of all teams that is at hand: each part is read from an index that holds nothing else.
SELECT waiting.runs,
  (SELECT count(*) FROM runs WHERE status = 'RUNNING'),
  waiting.since,
  (SELECT min(next_time) FROM schedules WHERE next_time IS NOT NULL),
  (SELECT count(*) FROM connections WHERE parked_until > 0),
  (SELECT count(*) FROM destinations WHERE parked_until > 0)
FROM (SELECT count(*) AS runs, min(queued_time) AS since FROM runs WHERE status = 'QUEUED') AS waiting;
