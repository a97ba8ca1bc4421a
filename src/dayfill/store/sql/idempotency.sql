-- name: get_idempotency_key
-- The answer that a repeated request gets, unless it is too old.
SELECT body_hash, status, answer, headers FROM idempotency_keys
WHERE user_id = :user_id AND method = :method AND path = :path AND idempotency_key = :idempotency_key
  AND created_time >= :since;

-- name: keep_idempotency_key
-- Keep the first answer of a request.
INSERT INTO idempotency_keys (user_id, method, path, idempotency_key, body_hash, status, answer, headers, created_time)
VALUES (:user_id, :method, :path, :idempotency_key, :body_hash, :status, :answer, :headers, :created_time);

-- name: drop_idempotency_keys
-- Forget answers that are too old to be given again.
DELETE FROM idempotency_keys WHERE created_time < :before;
