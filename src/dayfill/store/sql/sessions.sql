-- name: get_session
-- A session by the hash of its cookie, once for each team of its user with the role there; none of a disabled user.
SELECT s.session_id, s.user_id, s.team_id, s.csrf, s.address, s.created_time, s.seen_time, u.email, m.team_id, m.role,
  t.name
FROM sessions s JOIN users u ON u.user_id = s.user_id AND u.is_enabled = 1
JOIN members m ON m.user_id = s.user_id JOIN teams t ON t.team_id = m.team_id
WHERE s.session_hash = :session_hash
ORDER BY m.team_id;

-- name: insert_session
-- Somebody has signed in.
INSERT INTO sessions (session_hash, user_id, team_id, csrf, address, created_time, seen_time)
VALUES (:session_hash, :user_id, :team_id, :csrf, :address, :now, :now)
RETURNING session_id;

-- name: see_session
-- A session is in use.
UPDATE sessions SET seen_time = :now WHERE session_id = :session_id;

-- name: turn_session
-- A session looks at another team.
UPDATE sessions SET team_id = :team_id WHERE session_id = :session_id;

-- name: list_sessions
-- Who is signed in, the last seen first.
SELECT s.session_id, s.user_id, u.email, s.address, s.created_time, s.seen_time
FROM sessions s JOIN users u ON u.user_id = s.user_id
WHERE s.seen_time > :seen_after AND s.created_time > :created_after AND s.user_id = coalesce(:user_id, s.user_id)
ORDER BY s.seen_time DESC, s.session_id DESC;

-- name: end_session
-- One session is over.
DELETE FROM sessions WHERE session_id = :session_id RETURNING user_id, team_id;

-- name: end_sessions_of_user
-- Every session of a user is over.
DELETE FROM sessions WHERE user_id = :user_id;

-- name: drop_old_sessions
-- Drop sessions that nobody has used for too long, or that began too long ago.
DELETE FROM sessions WHERE seen_time <= :seen_before OR created_time <= :created_before;

-- name: insert_sign_in_link
-- A link that signs a user in once.
INSERT INTO sign_in_links (link_hash, user_id, expires_time) VALUES (:link_hash, :user_id, :expires_time);

-- name: use_sign_in_link
-- Take a link that has not expired: it is worth nothing after.
DELETE FROM sign_in_links WHERE link_hash = :link_hash AND expires_time > :now RETURNING user_id;

-- name: drop_old_links
-- Drop links whose time has passed.
DELETE FROM sign_in_links WHERE expires_time <= :now;
