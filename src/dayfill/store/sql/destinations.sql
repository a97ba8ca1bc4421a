-- name: insert_destination
-- A new destination; its secrets follow in the same transaction, sealed for the id that this returns.
INSERT INTO destinations (team_id, destination_type, display_name, auth_method, fields, location, created_time)
VALUES (:team_id, :destination_type, :display_name, :auth_method, :fields, :location, :created_time)
RETURNING destination_id;

-- name: seal_destination
-- The secret fields of a destination, sealed.
UPDATE destinations SET sealed = :sealed WHERE destination_id = :destination_id AND team_id = :team_id;

-- name: update_destination
-- Replaces what a person chose for a destination; secrets change by seal_destination.
UPDATE destinations
SET display_name = :display_name, auth_method = :auth_method, fields = :fields, location = :location
WHERE destination_id = :destination_id AND team_id = :team_id AND deleted_time IS NULL;

-- name: delete_destination
-- Hides a destination and forgets its secrets; the warehouse is not touched.
UPDATE destinations SET deleted_time = :now, sealed = NULL
WHERE destination_id = :destination_id AND team_id = :team_id AND deleted_time IS NULL;

-- name: get_destination
-- One destination of a team.
SELECT destination_id, team_id, destination_type, display_name, auth_method, fields, sealed, location, created_time
FROM destinations
WHERE destination_id = :destination_id AND team_id = :team_id AND deleted_time IS NULL;

-- name: list_destinations
-- All destinations of a team, by name.
SELECT destination_id, team_id, destination_type, display_name, auth_method, fields, sealed, location, created_time
FROM destinations
WHERE team_id = :team_id AND deleted_time IS NULL
ORDER BY display_name
LIMIT 10000;

-- name: destination_named
-- The destination that holds a name in a team.
SELECT destination_id FROM destinations
WHERE team_id = :team_id AND display_name = :display_name AND deleted_time IS NULL;

-- name: transfers_of_destination
-- The transfers that load into a destination.
SELECT transfer_id, display_name FROM transfers
WHERE destination_id = :destination_id AND team_id = :team_id AND deleted_time IS NULL
ORDER BY transfer_id
LIMIT 10000;
