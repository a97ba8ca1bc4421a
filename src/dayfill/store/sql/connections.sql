-- name: insert_connection
-- A new login of a team at a data source.
INSERT INTO connections (public_id, team_id, data_source_id, destination_type, sealed, created_time)
VALUES (:public_id, :team_id, :data_source_id, :destination_type, :sealed, :created_time)
RETURNING connection_id;

-- name: newest_connection
-- The newest connection of a team to a data source.
SELECT connection_id, public_id, team_id, data_source_id, destination_type, sealed, parallelism, created_time
FROM connections
WHERE team_id = :team_id AND data_source_id = :data_source_id
ORDER BY connection_id DESC LIMIT 1;

-- name: get_connection
-- One connection of a team.
SELECT connection_id, public_id, team_id, data_source_id, destination_type, sealed, parallelism, created_time
FROM connections
WHERE connection_id = :connection_id AND team_id = :team_id;
