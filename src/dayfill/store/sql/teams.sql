-- name: get_installation
-- The one row that names this installation.
SELECT installation_id FROM installation WHERE only_row = 1;

-- name: insert_installation
-- Name this installation, once.
INSERT INTO installation (only_row, installation_id, last_token, created_time)
VALUES (1, :installation_id, 0, :created_time);

-- name: read_sequence
-- The last token that was drawn, and whether the last dispatcher has stopped in order.
SELECT last_token, stopped_cleanly FROM installation;

-- name: mark_stop
-- A dispatcher is at work (0), or has stopped in order (1).
UPDATE installation SET stopped_cleanly = :stopped_cleanly;

-- name: count_needs_of_keyring
-- How much the state holds that is worth nothing without the keyring: API keys, and rows with a sealed secret.
SELECT
  (SELECT count(*) FROM api_keys),
  (SELECT count(*) FROM destinations WHERE sealed IS NOT NULL)
    + (SELECT count(*) FROM connections WHERE sealed IS NOT NULL);

-- name: sealed_secrets
-- Every sealed secret of the installation: table, team, id of its row, and what is sealed.
SELECT 'destinations', team_id, destination_id, sealed FROM destinations WHERE sealed IS NOT NULL
UNION ALL SELECT 'connections', team_id, connection_id, sealed FROM connections WHERE sealed IS NOT NULL;

-- name: reseal_destinations
-- The secret of a destination sealed anew, unless it has changed.
UPDATE destinations SET sealed = :sealed WHERE destination_id = :row_id AND sealed = :old;

-- name: reseal_connections
-- The secret of a connection sealed anew, unless it has changed.
UPDATE connections SET sealed = :sealed WHERE connection_id = :row_id AND sealed = :old;

-- name: list_teams
-- Every team, oldest first.
SELECT team_id, name, created_time FROM teams ORDER BY team_id;

-- name: get_team
-- One team.
SELECT team_id, name, created_time FROM teams WHERE team_id = :team_id;

-- name: insert_team
-- A new team.
INSERT INTO teams (name, created_time) VALUES (:name, :created_time) RETURNING team_id, name, created_time;

-- name: get_user_by_email
-- The user with this address.
SELECT user_id FROM users WHERE email = :email;

-- name: insert_user
-- A new, enabled user.
INSERT INTO users (email, first_name, last_name, created_time)
VALUES (:email, :first_name, :last_name, :created_time)
RETURNING user_id;

-- name: set_user_enabled
-- Disable a user, and so all keys of that user, or enable one again.
UPDATE users SET is_enabled = :is_enabled WHERE user_id = :user_id;

-- name: set_member
-- Add a user to a team, or change the role there.
INSERT INTO members (team_id, user_id, role, created_time) VALUES (:team_id, :user_id, :role, :created_time)
ON CONFLICT (user_id, team_id) DO UPDATE SET role = excluded.role;

-- name: remove_member
-- Take a user out of a team.
DELETE FROM members WHERE user_id = :user_id AND team_id = :team_id;

-- name: get_member
-- One user of a team.
SELECT u.user_id, u.email, u.first_name, u.last_name, u.is_enabled, m.created_time, m.role
FROM members m JOIN users u ON u.user_id = m.user_id
WHERE m.team_id = :team_id AND m.user_id = :user_id;

-- name: roles_of_user
-- The role of a user in each team.
SELECT team_id, role FROM members WHERE user_id = :user_id;

-- name: list_members
-- Users of a team, oldest first.
SELECT u.user_id, u.email, u.first_name, u.last_name, u.is_enabled, m.created_time, m.role
FROM members m JOIN users u ON u.user_id = m.user_id
WHERE m.team_id = :team_id
ORDER BY u.user_id;
