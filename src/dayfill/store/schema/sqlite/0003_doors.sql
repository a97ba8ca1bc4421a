-- What the doors must know: where a key may come from and when it last did, what a team may take, who did what, and who is
-- signed in at the pages.

-- allow_ips: JSON list of addresses and networks, empty is any. last_used_time moves at most once a minute.
-- only_team_id: the one team that a key reaches which somebody else made for its user; null is every team of the user.
ALTER TABLE api_keys ADD COLUMN allow_ips TEXT NOT NULL DEFAULT '[]';
ALTER TABLE api_keys ADD COLUMN only_team_id INTEGER REFERENCES teams;
ALTER TABLE api_keys ADD COLUMN last_used_time INTEGER;

-- Who made a login, as far as its first transfer tells, and since when nothing is read with it.
ALTER TABLE connections ADD COLUMN created_user_id INTEGER;
ALTER TABLE connections ADD COLUMN revoked_time INTEGER;
UPDATE connections SET created_user_id =
  (SELECT t.created_user_id FROM transfers t WHERE t.connection_id = connections.connection_id ORDER BY t.transfer_id LIMIT 1);
CREATE INDEX connections_of_team ON connections (team_id, connection_id);

-- Limits of a team; null is none. rows_per_month counts committed rows, by calendar month in UTC.
ALTER TABLE teams ADD COLUMN rows_per_month INTEGER CHECK (rows_per_month >= 1);
ALTER TABLE teams ADD COLUMN history_days INTEGER CHECK (history_days >= 1);

-- Rows that a team's days have committed in a month (YYYY-MM): moved in the transaction that records the days.
CREATE TABLE rows_of_months (
  team_id INTEGER NOT NULL REFERENCES teams,
  month TEXT NOT NULL,
  row_count INTEGER NOT NULL CHECK (row_count >= 0),
  PRIMARY KEY (team_id, month)
) STRICT, WITHOUT ROWID;
INSERT INTO rows_of_months (team_id, month, row_count)
SELECT team_id, strftime('%Y-%m', ended_time / 1000000, 'unixepoch'), sum(row_count) FROM runs
WHERE status = 'COMPLETED' AND row_count > 0
GROUP BY 1, 2;

-- The work of a team at one moment, which has a limit. Active is what has not ended: in these words the index is of no use to
-- the queries that ask for the statuses, and cannot draw SQLite away from theirs.
CREATE INDEX backfills_not_ended ON backfills (team_id) WHERE end_time IS NULL;

-- One row for each thing that somebody did, written in the transaction that did it; nothing changes or deletes a row but
-- its age. user_id, api_key_id, address and request_id are null where no request was behind it (the operator's command
-- line, the dispatcher). object is its kind and id, such as transfer:7; before and after are JSON without secrets.
CREATE TABLE audit (
  audit_id INTEGER PRIMARY KEY,
  team_id INTEGER REFERENCES teams,
  audit_time INTEGER NOT NULL,
  actor TEXT NOT NULL CHECK (actor IN ('key', 'session', 'operator', 'dispatcher')),
  user_id INTEGER REFERENCES users,
  api_key_id TEXT,
  address TEXT,
  request_id TEXT,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  before TEXT,
  after TEXT
) STRICT;
CREATE TRIGGER audit_is_written_once BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'a row of the audit log is never changed'); END;
CREATE INDEX audit_of_team ON audit (team_id, audit_id);
CREATE INDEX audit_by_age ON audit (audit_time);
CREATE INDEX audit_of_object ON audit (object, audit_id);

-- Since when the oldest run waits, for whoever watches the server.
CREATE INDEX runs_waiting_since ON runs (queued_time) WHERE status = 'QUEUED';

-- Somebody signed in at the pages. session_hash: SHA-256 of the cookie. csrf: proves that a form came from a page of ours.
-- seen_time moves at most once a minute.
CREATE TABLE sessions (
  session_id INTEGER PRIMARY KEY,
  session_hash BLOB NOT NULL UNIQUE,
  user_id INTEGER NOT NULL REFERENCES users,
  team_id INTEGER NOT NULL REFERENCES teams,
  csrf BLOB NOT NULL,
  address TEXT NOT NULL,
  created_time INTEGER NOT NULL,
  seen_time INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_by_age ON sessions (seen_time);

-- Links that sign somebody in once. link_hash: SHA-256 of what the link carries.
CREATE TABLE sign_in_links (
  link_hash BLOB PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users,
  expires_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_links_by_age ON sign_in_links (expires_time);

-- Failed days by cause: what the message of a failed run has in common with others, see domain/fingerprint. Runs that failed
-- before it was kept have none: they are grouped by their cause alone.
ALTER TABLE runs ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
CREATE INDEX days_failed ON transfer_days (transfer_id, data_date) WHERE settled = 'f';
-- A day leads to its runs. In these words the index is of no use to the queries that ask for a status.
CREATE INDEX runs_of_day ON runs (transfer_id, data_date, ended_time) WHERE ended_time IS NOT NULL;

-- Failed runs of a transfer in the order in which they were made: few among many.
CREATE INDEX runs_failed_by_creation ON runs (transfer_id, created_time, run_id) WHERE status = 'FAILED';
