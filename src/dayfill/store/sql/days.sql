-- name: queue_day
-- A run waits for this day.
INSERT INTO transfer_days (transfer_id, data_date, queued) VALUES (:transfer_id, :data_date, 1)
ON CONFLICT (transfer_id, data_date) DO UPDATE SET queued = transfer_days.queued + 1;

-- name: start_day
-- The waiting run starts.
UPDATE transfer_days SET queued = queued - 1, running = running + 1
WHERE transfer_id = :transfer_id AND data_date = :data_date;

-- name: load_day
-- The day is loaded by this run.
UPDATE transfer_days
SET running = running - 1, settled = 'l', row_count = :row_count, content_hash = :content_hash, token = :token,
  run_id = :run_id, settled_time = :now
WHERE transfer_id = :transfer_id AND data_date = :data_date;

-- name: fail_day
-- The run of this day failed for good; what was loaded before stays in the destination.
UPDATE transfer_days SET running = running - 1, settled = 'f', run_id = :run_id, settled_time = :now
WHERE transfer_id = :transfer_id AND data_date = :data_date;

-- name: requeue_day
-- The running run waits again.
UPDATE transfer_days SET running = running - 1, queued = queued + 1
WHERE transfer_id = :transfer_id AND data_date = :data_date;

-- name: release_day
-- The running run ended without a result: the day is what it was before.
UPDATE transfer_days SET running = running - 1 WHERE transfer_id = :transfer_id AND data_date = :data_date;

-- name: unqueue_day
-- The waiting run was cancelled: the day is what it was before.
UPDATE transfer_days SET queued = queued - 1 WHERE transfer_id = :transfer_id AND data_date = :data_date;

-- name: fail_waiting_day
-- The waiting run failed untried.
UPDATE transfer_days SET queued = queued - 1, settled = 'f', settled_time = :now
WHERE transfer_id = :transfer_id AND data_date = :data_date;

-- name: outdate_days
-- The transfer has changed: what is loaded is not what it would load now.
UPDATE transfer_days SET settled = 's' WHERE transfer_id = :transfer_id AND settled = 'l';

-- name: outdate_day
-- The destination does not hold this reading of the day any more.
UPDATE transfer_days SET settled = 's'
WHERE transfer_id = :transfer_id AND data_date = :data_date AND settled = 'l' AND token = :token;

-- name: adopt_day
-- The destination holds a later reading of the day than this one, and no completed run tells of it: say what it holds.
UPDATE transfer_days
SET settled = 's', row_count = :row_count, content_hash = :content_hash, token = :newer, run_id = :run_id
WHERE transfer_id = :transfer_id AND data_date = :data_date AND settled = 'l' AND token = :token AND running = 0;

-- name: loaded_days
-- The loaded days of a transfer, with the tokens that loaded them and what they hold.
SELECT data_date, token, row_count, content_hash FROM transfer_days WHERE transfer_id = :transfer_id AND settled = 'l';

-- name: stale_days
-- The stale days of a transfer.
SELECT data_date FROM transfer_days WHERE transfer_id = :transfer_id AND settled = 's';

-- name: stale_day
-- What the destination holds of the day is no reading: offer it for loading, whether it was ever loaded or not.
INSERT INTO transfer_days (transfer_id, data_date, settled) VALUES (:transfer_id, :data_date, 's')
ON CONFLICT (transfer_id, data_date) DO UPDATE SET settled = 's';

-- name: transfers_with_loaded_days
-- The transfers that load into a destination and have loaded something.
SELECT transfer_id FROM transfers t
WHERE destination_id = :destination_id AND deleted_time IS NULL AND EXISTS (
  SELECT 1 FROM transfer_days d WHERE d.transfer_id = t.transfer_id AND d.settled = 'l')
ORDER BY transfer_id;

-- name: loaded_destinations
-- The destinations into which days are loaded, each with a transfer that loads into it.
SELECT destination_id, min(transfer_id) FROM transfers t
WHERE deleted_time IS NULL AND EXISTS (
  SELECT 1 FROM transfer_days d WHERE d.transfer_id = t.transfer_id AND d.settled = 'l')
GROUP BY destination_id;

-- name: greatest_loaded_token
-- The greatest token by which a day that counts as loaded was loaded into a destination.
SELECT coalesce(max(d.token), 0)
FROM transfers t JOIN transfer_days d ON d.transfer_id = t.transfer_id
WHERE t.destination_id = :destination_id AND t.deleted_time IS NULL AND d.settled = 'l';

-- name: days_changed
-- Some days of the transfer have moved: whoever shows them reads again.
UPDATE transfers SET days_version = days_version + 1 WHERE transfer_id = :transfer_id;

-- name: day_states
-- The state of each known day of a transfer in a span, oldest first.
SELECT data_date,
  CASE WHEN running > 0 THEN 'r' WHEN queued > 0 THEN 'q' ELSE coalesce(settled, '.') END
FROM transfer_days
WHERE transfer_id = :transfer_id AND data_date BETWEEN :first AND :last
ORDER BY data_date;

-- name: day_letters
-- The states of the known days of a transfer in a span as one text, oldest first, and their number: one row where
-- day_states would return thousands. They are ordered below: of an ORDER BY in string_agg() SQLite would make a sort.
SELECT count(*), coalesce(string_agg(state, ''), '') FROM (
  SELECT CASE WHEN running > 0 THEN 'r' WHEN queued > 0 THEN 'q' ELSE coalesce(settled, '.') END AS state
  FROM transfer_days
  WHERE transfer_id = :transfer_id AND data_date BETWEEN :first AND :last
  ORDER BY data_date) AS known;

-- name: day_states_among
-- The states of those of these days (a JSON list) that are known.
SELECT data_date,
  CASE WHEN running > 0 THEN 'r' WHEN queued > 0 THEN 'q' ELSE coalesce(settled, '.') END
FROM transfer_days
WHERE transfer_id = :transfer_id AND data_date IN (SELECT value FROM json_each(:days));

-- name: days_version
-- The version of the days of a transfer of this team.
SELECT days_version FROM transfers
WHERE transfer_id = :transfer_id AND team_id = :team_id AND deleted_time IS NULL;

-- name: days_version_of_team
-- The versions of the days of all transfers of a team in one number, which differs after each change.
SELECT CAST(coalesce(sum(days_version + 1), 0) AS BIGINT) FROM transfers WHERE team_id = :team_id AND deleted_time IS NULL;

-- name: days_span
-- First and last known day of a transfer of this team, tables without days aside, and the version of its days.
SELECT (SELECT min(data_date) FROM transfer_days d WHERE d.transfer_id = t.transfer_id AND d.data_date > '0001-01-01'),
  (SELECT max(data_date) FROM transfer_days d WHERE d.transfer_id = t.transfer_id AND d.data_date > '0001-01-01'),
  t.days_version
FROM transfers t
WHERE t.transfer_id = :transfer_id AND t.team_id = :team_id AND t.deleted_time IS NULL;
