-- name: insert_audit
-- What somebody did, in the transaction that did it.
INSERT INTO audit (team_id, audit_time, actor, user_id, api_key_id, address, request_id, action, object, before, after)
VALUES (:team_id, :audit_time, :actor, :user_id, :api_key_id, :address, :request_id, :action, :object, :before, :after);

-- name: page_of_audit
-- What was done in a team, newest first, from below a row.
SELECT audit_id, team_id, audit_time, actor, user_id, api_key_id, address, request_id, action, object, before, after
FROM audit
WHERE team_id = :team_id AND audit_id < :before AND audit_time BETWEEN :first AND :last
  AND (object = :object OR :object IS NULL) AND (user_id = :user_id OR :user_id IS NULL)
ORDER BY audit_id DESC LIMIT :limit;

-- name: latest_audit
-- What was done last, in one team or in any and in none.
SELECT audit_id, team_id, audit_time, actor, user_id, api_key_id, address, request_id, action, object, before, after
FROM audit
WHERE (team_id = :team_id OR :team_id IS NULL) AND audit_time BETWEEN :first AND :last
  AND (object = :object OR :object IS NULL) AND (user_id = :user_id OR :user_id IS NULL)
ORDER BY audit_id DESC LIMIT :limit;

-- name: audit_before
-- Whether any row has passed its age.
SELECT 1 FROM audit WHERE audit_time < :before LIMIT 1;

-- name: drop_audit
-- The oldest rows that have passed their age, so many at a time.
DELETE FROM audit WHERE audit_id IN
  (SELECT audit_id FROM audit WHERE audit_time < :before ORDER BY audit_time LIMIT :most);

-- name: audit_of_transfer
-- What was done with a transfer and its backfills, newest first, from below a row. SQLite would read all of the team: it is
-- told not to.
SELECT audit_id, team_id, audit_time, actor, user_id, api_key_id, address, request_id, action, object, before, after
FROM audit INDEXED BY audit_of_object
WHERE team_id = :team_id AND audit_id < :before AND object IN (
  SELECT 'transfer:' || CAST(:transfer_id AS BIGINT)
  UNION ALL
  SELECT 'backfill:' || b.backfill_id FROM backfills b WHERE b.transfer_id = :transfer_id AND b.team_id = :team_id)
ORDER BY audit_id DESC LIMIT :limit;
