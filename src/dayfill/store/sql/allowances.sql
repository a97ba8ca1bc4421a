-- name: get_allowance
-- The limits and the weight of a team, and the rows that it has committed in a month.
SELECT t.rows_per_month, t.history_days, coalesce(r.row_count, 0), t.weight
FROM teams t LEFT JOIN rows_of_months r ON r.team_id = t.team_id AND r.month = :month
WHERE t.team_id = :team_id;

-- name: set_allowance
-- The limits and the weight of a team from now on.
UPDATE teams SET rows_per_month = :rows_per_month, history_days = :history_days, weight = :weight WHERE team_id = :team_id;

-- name: count_rows
-- Rows that days of a team have committed.
INSERT INTO rows_of_months (team_id, month, row_count) VALUES (:team_id, :month, :row_count)
ON CONFLICT (team_id, month) DO UPDATE SET row_count = rows_of_months.row_count + excluded.row_count;

-- name: active_work_of_team
-- How many backfills of a team are active, that is, have not ended, and the days that they have left to do.
SELECT count(*), CAST(coalesce(sum(total - completed - failed - cancelled), 0) AS BIGINT) FROM backfills
WHERE team_id = :team_id AND end_time IS NULL;
