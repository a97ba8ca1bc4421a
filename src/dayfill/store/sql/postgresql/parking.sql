-- name: unpark_connection
-- All rows in one statement; one of several answers is enough.
UPDATE connections SET parked_until = 0, parked_since = NULL, parked_cause = '', parked_reason = ''
FROM unnest(CAST(:transfer_id AS BIGINT[]), CAST(:started AS BIGINT[])) AS answered(transfer_id, started)
JOIN transfers t ON t.transfer_id = answered.transfer_id
WHERE connections.connection_id = t.connection_id AND parked_until > 0 AND parked_until <= answered.started;

-- name: unpark_destination
-- All rows in one statement; one of several answers is enough.
UPDATE destinations SET parked_until = 0, parked_since = NULL, parked_cause = '', parked_reason = ''
FROM unnest(CAST(:transfer_id AS BIGINT[]), CAST(:started AS BIGINT[])) AS answered(transfer_id, started)
JOIN transfers t ON t.transfer_id = answered.transfer_id
WHERE destinations.destination_id = t.destination_id AND parked_until > 0 AND parked_until <= answered.started;
