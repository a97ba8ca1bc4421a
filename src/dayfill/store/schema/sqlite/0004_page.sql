-- What the pages must know: who is signed in, by which links somebody may sign in, and that a person at a page did it.

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

-- The audit log knows one more kind of actor, a session; a check cannot be changed, so the table is written anew.
CREATE TABLE audit_of_pages (
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
INSERT INTO audit_of_pages SELECT * FROM audit;
DROP TABLE audit;
ALTER TABLE audit_of_pages RENAME TO audit;
CREATE TRIGGER audit_is_written_once BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'a row of the audit log is never changed'); END;
CREATE INDEX audit_of_team ON audit (team_id, audit_id);
CREATE INDEX audit_by_age ON audit (audit_time);
CREATE INDEX audit_of_object ON audit (object, audit_id);

-- Failed days by cause: what the message of a failed run has in common with others, see domain/fingerprint. Runs that failed
-- before it was kept have none: they are grouped by their cause alone.
ALTER TABLE runs ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
CREATE INDEX days_failed ON transfer_days (transfer_id, data_date) WHERE settled = 'f';
-- A day leads to its runs. In these words the index is of no use to the queries that ask for a status.
CREATE INDEX runs_of_day ON runs (transfer_id, data_date, ended_time) WHERE ended_time IS NOT NULL;

-- Failed runs of a transfer in the order in which they were made: few among many.
CREATE INDEX runs_failed_by_creation ON runs (transfer_id, created_time, run_id) WHERE status = 'FAILED';
