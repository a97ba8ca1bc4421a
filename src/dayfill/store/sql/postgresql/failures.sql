-- name: run_messages
-- A list of ids is unfolded in another way than in SQLite.
SELECT run_id, message FROM runs
WHERE run_id IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(:run_ids AS JSON)) AS ids(value));
