-- name: insert_table_group
-- A new table group of a team.
INSERT INTO table_groups (team_id, data_source_id, name, table_prefix, tables, created_time)
VALUES (:team_id, :data_source_id, :name, :table_prefix, :tables, :created_time)
RETURNING schema_id;

-- name: get_table_group
-- One table group of a team.
SELECT schema_id, team_id, data_source_id, name, table_prefix, tables FROM table_groups
WHERE schema_id = :schema_id AND team_id = :team_id;

-- name: list_table_groups
-- All table groups of a team, by name.
SELECT schema_id, team_id, data_source_id, name, table_prefix, tables FROM table_groups
WHERE team_id = :team_id
ORDER BY name
LIMIT 1000;

-- name: table_group_named
-- The table group that holds a name in a team.
SELECT schema_id FROM table_groups WHERE team_id = :team_id AND name = :name;
