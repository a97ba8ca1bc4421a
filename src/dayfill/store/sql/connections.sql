-- name: insert_connection
-- A new login of a team at a data source, without credentials.
INSERT INTO connections (public_id, team_id, data_source_id, destination_type, created_time, created_user_id)
VALUES (:public_id, :team_id, :data_source_id, :destination_type, :created_time, :user_id)
RETURNING connection_id;

-- name: seal_connection
-- The credentials of a login, sealed for its id.
UPDATE connections SET sealed = :sealed WHERE connection_id = :connection_id AND team_id = :team_id;

-- name: get_connection
-- One connection of a team.
SELECT c.connection_id, c.public_id, c.team_id, c.data_source_id, c.destination_type, c.sealed, c.parallelism,
  c.created_time, c.created_user_id, u.email, c.revoked_time
FROM connections c LEFT JOIN users u ON u.user_id = c.created_user_id
WHERE c.connection_id = :connection_id AND c.team_id = :team_id;

-- name: list_connections
-- Connections of a team, revoked ones too, newest first.
SELECT c.connection_id, c.public_id, c.team_id, c.data_source_id, c.destination_type, c.sealed, c.parallelism,
  c.created_time, c.created_user_id, u.email, c.revoked_time
FROM connections c LEFT JOIN users u ON u.user_id = c.created_user_id
WHERE c.team_id = :team_id
ORDER BY c.connection_id DESC LIMIT :limit;

-- name: connections_in_force
-- Connections of a team to a data source that were not revoked, newest first.
SELECT c.connection_id, c.public_id, c.team_id, c.data_source_id, c.destination_type, c.sealed, c.parallelism,
  c.created_time, c.created_user_id, u.email, c.revoked_time
FROM connections c LEFT JOIN users u ON u.user_id = c.created_user_id
WHERE c.team_id = :team_id AND c.data_source_id = :data_source_id AND c.revoked_time IS NULL
ORDER BY c.connection_id DESC LIMIT :limit;

-- name: revoke_connection
-- Nothing is read with a connection any more: its credentials are forgotten, and what waits for it need wait no longer.
UPDATE connections
SET revoked_time = :now, sealed = NULL, parked_until = 0, parked_since = NULL, parked_cause = '', parked_reason = ''
WHERE connection_id = :connection_id AND team_id = :team_id AND revoked_time IS NULL;
