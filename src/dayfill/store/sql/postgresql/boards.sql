-- name: newest_failures
-- A list of ids is unfolded in another way than in SQLite.
SELECT t.transfer_id, r.run_id, r.data_date, r.cause, r.message
FROM (
  SELECT CAST(value AS BIGINT) AS transfer_id
  FROM json_array_elements_text(CAST(:transfer_ids AS JSON)) AS ids(value)) t
JOIN transfer_days d ON d.transfer_id = t.transfer_id AND d.settled = 'f' AND d.data_date =
  (SELECT max(f.data_date) FROM transfer_days f WHERE f.transfer_id = t.transfer_id AND f.settled = 'f')
LEFT JOIN runs r ON r.run_id = d.run_id;

-- name: rows_by_day
-- A list of ids is unfolded in another way than in SQLite.
SELECT d.data_date, CAST(sum(d.row_count) AS BIGINT)
FROM (
  SELECT CAST(value AS BIGINT) AS transfer_id
  FROM json_array_elements_text(CAST(:transfer_ids AS JSON)) AS ids(value)) t
JOIN transfer_days d ON d.transfer_id = t.transfer_id AND d.data_date BETWEEN :first AND :last
GROUP BY d.data_date;

-- name: names_of_transfers
-- A list of ids is unfolded in another way than in SQLite.
SELECT t.transfer_id, t.display_name
FROM transfers t
WHERE t.team_id = :team_id AND t.transfer_id IN (
  SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(:transfer_ids AS JSON)) AS ids(value));
