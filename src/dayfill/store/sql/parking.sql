-- name: connection_parked_since
-- When the source refused this connection first, after the last time that it worked.
SELECT connection_id, parked_since, team_id FROM connections
WHERE connection_id = (SELECT connection_id FROM transfers WHERE transfer_id = :transfer_id);

-- name: destination_parked_since
-- When this destination took nothing first, after the last time that it worked.
SELECT destination_id, parked_since, team_id FROM destinations
WHERE destination_id = (SELECT destination_id FROM transfers WHERE transfer_id = :transfer_id);

-- name: park_connection
-- Nothing of this connection starts before the stated time; an earlier time never shortens a later one.
UPDATE connections
SET parked_until = :until, parked_since = coalesce(parked_since, :now), parked_cause = :cause, parked_reason = :message
WHERE connection_id = :parked_id AND parked_until < :until;

-- name: park_destination
-- Nothing for this destination starts before the stated time; an earlier time never shortens a later one.
UPDATE destinations
SET parked_until = :until, parked_since = coalesce(parked_since, :now), parked_cause = :cause, parked_reason = :message
WHERE destination_id = :parked_id AND parked_until < :until;

-- name: unpark_connection
-- A run that started after the end of the rest was answered: the connection works again.
UPDATE connections SET parked_until = 0, parked_since = NULL, parked_cause = '', parked_reason = ''
WHERE connection_id = (SELECT connection_id FROM transfers WHERE transfer_id = :transfer_id)
  AND parked_until > 0 AND parked_until <= :started;

-- name: unpark_destination
-- A run that started after the end of the rest was answered: the destination works again.
UPDATE destinations SET parked_until = 0, parked_since = NULL, parked_cause = '', parked_reason = ''
WHERE destination_id = (SELECT destination_id FROM transfers WHERE transfer_id = :transfer_id)
  AND parked_until > 0 AND parked_until <= :started;

-- name: shorten_connection_rests
-- The clock was ahead when these connections began to rest, or nobody asks for so long a rest: a trial may be made now.
UPDATE connections SET parked_until = :now, parked_since = CASE WHEN parked_since > :now THEN :now ELSE parked_since END
WHERE parked_until > 0 AND parked_until > :now AND (parked_since > :now OR parked_until > :latest);

-- name: shorten_destination_rests
-- The clock was ahead when these destinations began to rest, or nobody asks for so long a rest: a trial may be made now.
UPDATE destinations SET parked_until = :now, parked_since = CASE WHEN parked_since > :now THEN :now ELSE parked_since END
WHERE parked_until > 0 AND parked_until > :now AND (parked_since > :now OR parked_until > :latest);

-- name: next_unparked
-- When the next rest of a connection or a destination ends.
SELECT min(moment) FROM (
  SELECT min(parked_until) AS moment FROM connections WHERE parked_until > 0 AND parked_until > :now
  UNION ALL
  SELECT min(parked_until) FROM destinations WHERE parked_until > 0 AND parked_until > :now) AS moments;

-- name: parked_transfer
-- What a transfer waits for: the rests of its connection and of its destination, and what its team may take beside the rows
-- that it has committed in a month, in one keyed read.
SELECT c.parked_until, c.parked_cause, c.parked_reason, d.parked_until, d.parked_cause, d.parked_reason,
  m.rows_per_month, m.history_days, coalesce(r.row_count, 0)
FROM transfers t
JOIN connections c ON c.connection_id = t.connection_id
JOIN destinations d ON d.destination_id = t.destination_id
JOIN teams m ON m.team_id = t.team_id
LEFT JOIN rows_of_months r ON r.team_id = t.team_id AND r.month = :month
WHERE t.transfer_id = :transfer_id AND t.team_id = :team_id;

-- name: connection_rest
-- Until when a connection is left alone, what its source said, and since when it refuses.
SELECT parked_until, parked_cause, parked_reason, parked_since FROM connections
WHERE connection_id = :connection_id AND team_id = :team_id;
