-- name: backlog
-- The work of all teams that is at hand: each part is read from an index that holds nothing else.
SELECT
  (SELECT count(*) FROM runs WHERE status = 'QUEUED'),
  (SELECT count(*) FROM runs WHERE status = 'RUNNING'),
  (SELECT min(queued_time) FROM runs WHERE status = 'QUEUED'),
  (SELECT min(next_time) FROM schedules WHERE next_time IS NOT NULL),
  (SELECT count(*) FROM connections WHERE parked_until > 0),
  (SELECT count(*) FROM destinations WHERE parked_until > 0);
