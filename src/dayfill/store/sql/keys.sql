-- name: get_credential
-- A key, once for each team of its user that it reaches, with the role there, or once without; a disabled user's key is
-- disabled.
SELECT m.team_id, m.role, k.secret_hash, k.user_id, k.scopes, k.is_enabled * u.is_enabled, k.expires_time,
  k.allow_ips
FROM api_keys k JOIN users u ON u.user_id = k.user_id LEFT JOIN members m
  ON m.user_id = k.user_id AND m.team_id = coalesce(k.only_team_id, m.team_id)
WHERE k.api_key_id = :api_key_id;

-- name: insert_api_key
-- A new, enabled key.
INSERT INTO api_keys (api_key_id, secret_hash, key_start, user_id, description, scopes, expires_time, created_time,
  allow_ips, only_team_id)
VALUES (:api_key_id, :secret_hash, :key_start, :user_id, :description, :scopes, :expires_time, :created_time,
  :allow_ips, :only_team_id);

-- name: list_api_keys
-- Keys of the members of a team, oldest first.
SELECT k.api_key_id, k.key_start, k.user_id, k.description, k.scopes, k.is_enabled, k.expires_time, k.created_time,
  k.allow_ips, k.last_used_time, k.only_team_id
FROM members m JOIN api_keys k ON k.user_id = m.user_id
WHERE m.team_id = :team_id
ORDER BY k.created_time, k.api_key_id;

-- name: get_api_key
-- A key of a member of the team.
SELECT k.api_key_id, k.key_start, k.user_id, k.description, k.scopes, k.is_enabled, k.expires_time, k.created_time,
  k.allow_ips, k.last_used_time, k.only_team_id
FROM api_keys k JOIN members m ON m.user_id = k.user_id
WHERE k.api_key_id = :api_key_id AND m.team_id = :team_id;

-- name: get_limits_of_api_key
-- Whence and until when a key may be used, and the one team that it reaches, if it is bound to one.
SELECT allow_ips, expires_time, only_team_id FROM api_keys WHERE api_key_id = :api_key_id;

-- name: expire_api_key
-- Let a key of a member of the team end at a time.
UPDATE api_keys SET expires_time = :expires_time
WHERE api_key_id = :api_key_id AND user_id IN (SELECT user_id FROM members WHERE team_id = :team_id)
RETURNING api_key_id, key_start, user_id, description, scopes, is_enabled, expires_time, created_time, allow_ips,
  last_used_time, only_team_id;

-- name: disable_api_key
-- Disable a key of a member of the team; a second time changes nothing.
UPDATE api_keys SET is_enabled = 0
WHERE api_key_id = :api_key_id AND user_id IN (SELECT user_id FROM members WHERE team_id = :team_id)
RETURNING api_key_id, key_start, user_id, description, scopes, is_enabled, expires_time, created_time, allow_ips,
  last_used_time, only_team_id;

-- name: note_use_of_api_key
-- A key has been used.
UPDATE api_keys SET last_used_time = :now WHERE api_key_id = :api_key_id;
