-- name: insert_transfer
-- A new transfer, active.
INSERT INTO transfers (team_id, display_name, data_source_id, schema_id, destination_id, connection_id, state,
  configuration, zone, parallelism, deadline_seconds, weight, requests_per_minute, created_time, created_user_id)
VALUES (:team_id, :display_name, :data_source_id, :schema_id, :destination_id, :connection_id, 'active',
  :configuration, :zone, :parallelism, :deadline_seconds, :weight, :requests_per_minute, :now, :user_id)
RETURNING transfer_id;

-- name: update_transfer
-- Replaces the whole configuration of a transfer.
UPDATE transfers
SET display_name = :display_name, schema_id = :schema_id, destination_id = :destination_id, connection_id = :connection_id,
  configuration = :configuration, zone = :zone, parallelism = :parallelism, deadline_seconds = :deadline_seconds,
  weight = :weight, requests_per_minute = :requests_per_minute
WHERE transfer_id = :transfer_id AND team_id = :team_id AND deleted_time IS NULL;

-- name: set_transfer_state
-- Pauses or unpauses a transfer.
UPDATE transfers SET state = :state
WHERE transfer_id = :transfer_id AND team_id = :team_id AND deleted_time IS NULL;

-- name: delete_transfer
-- Hides a transfer; its runs, backfills and warehouse tables stay.
UPDATE transfers SET deleted_time = :now
WHERE transfer_id = :transfer_id AND team_id = :team_id AND deleted_time IS NULL;

-- name: get_transfer
-- One transfer of a team.
SELECT transfer_id, team_id, state, configuration, created_time, created_user_id, connection_id, parallelism,
  deadline_seconds, zone
FROM transfers
WHERE transfer_id = :transfer_id AND team_id = :team_id AND deleted_time IS NULL;

-- name: list_transfers
-- All transfers of a team, by name, each with its destination and the time of its newest run.
SELECT t.transfer_id, t.team_id, t.state, t.configuration, t.created_time, t.created_user_id, t.connection_id,
  t.parallelism, t.deadline_seconds, t.zone, d.display_name, d.destination_type,
  (SELECT max(r.created_time) FROM runs r WHERE r.transfer_id = t.transfer_id)
FROM transfers t JOIN destinations d ON d.destination_id = t.destination_id
WHERE t.team_id = :team_id AND t.deleted_time IS NULL
ORDER BY t.display_name;

-- name: transfer_named
-- The transfer that holds a name in a team.
SELECT transfer_id FROM transfers
WHERE team_id = :team_id AND display_name = :display_name AND deleted_time IS NULL;

-- name: transfer_job
-- All that the slices of a transfer share, in one keyed read; the least rate that a transfer of the connection states is the
-- connection's.
SELECT t.transfer_id, t.team_id, t.configuration, t.zone, t.parallelism, t.deadline_seconds,
  c.connection_id, c.parallelism, c.parked_until, c.sealed, c.revoked_time,
  (SELECT min(one.requests_per_minute) FROM transfers one
    WHERE one.connection_id = c.connection_id AND one.requests_per_minute > 0 AND one.deleted_time IS NULL),
  g.tables, d.destination_id, d.destination_type, d.fields, d.sealed, d.parked_until,
  (SELECT string_agg(CAST(rival.transfer_id AS TEXT), ',')
    FROM owned_tables mine
    JOIN owned_tables rival ON rival.table_name = mine.table_name AND rival.transfer_id <> mine.transfer_id
    WHERE mine.transfer_id = t.transfer_id)
FROM transfers t
JOIN connections c ON c.connection_id = t.connection_id
JOIN table_groups g ON g.schema_id = t.schema_id
JOIN destinations d ON d.destination_id = t.destination_id
WHERE t.transfer_id = :transfer_id;

-- name: table_owner
-- The transfer that loads a table of a physical warehouse, whatever its team.
SELECT transfer_id FROM owned_tables WHERE location = :location AND table_name = :table_name;

-- name: own_table
-- A transfer loads this table from now on.
INSERT INTO owned_tables (location, table_name, transfer_id) VALUES (:location, :table_name, :transfer_id);

-- name: release_tables
-- A transfer loads none of its tables any more.
DELETE FROM owned_tables WHERE transfer_id = :transfer_id;

-- name: tables_of_transfer
-- The tables that a transfer loads.
SELECT location, table_name FROM owned_tables WHERE transfer_id = :transfer_id ORDER BY table_name;
