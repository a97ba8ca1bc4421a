-- Times are microseconds since 1970 in UTC; data dates are YYYY-MM-DD text; JSON columns hold domain values.

CREATE TABLE installation (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  installation_id TEXT NOT NULL,
  last_token INTEGER NOT NULL CHECK (last_token >= 0),
  created_time INTEGER NOT NULL
) STRICT;

CREATE TABLE teams (
  team_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  created_time INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
  user_id INTEGER PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  is_enabled INTEGER NOT NULL DEFAULT 1,
  created_time INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
  team_id INTEGER NOT NULL REFERENCES teams,
  user_id INTEGER NOT NULL REFERENCES users,
  role TEXT NOT NULL,
  created_time INTEGER NOT NULL,
  PRIMARY KEY (user_id, team_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
  api_key_id TEXT PRIMARY KEY,
  secret_hash BLOB NOT NULL,
  key_start TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users,
  description TEXT NOT NULL,
  scopes TEXT NOT NULL,
  is_enabled INTEGER NOT NULL DEFAULT 1,
  expires_time INTEGER,
  created_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A login at a source. Its budget (parallel slices, parking) is shared by all its transfers.
CREATE TABLE connections (
  connection_id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  team_id INTEGER NOT NULL REFERENCES teams,
  data_source_id TEXT NOT NULL,
  destination_type TEXT NOT NULL,
  sealed BLOB,
  parallelism INTEGER NOT NULL DEFAULT 8 CHECK (parallelism >= 1),
  parked_until INTEGER NOT NULL DEFAULT 0,
  parked_reason TEXT NOT NULL DEFAULT '',
  created_time INTEGER NOT NULL
) STRICT;
CREATE INDEX connections_of_source ON connections (team_id, data_source_id, connection_id);

CREATE TABLE destinations (
  destination_id INTEGER PRIMARY KEY,
  team_id INTEGER NOT NULL REFERENCES teams,
  destination_type TEXT NOT NULL,
  display_name TEXT NOT NULL,
  auth_method TEXT NOT NULL,
  fields TEXT NOT NULL,
  sealed BLOB,
  location TEXT NOT NULL,
  created_time INTEGER NOT NULL,
  deleted_time INTEGER
) STRICT;
CREATE UNIQUE INDEX destination_names ON destinations (team_id, display_name) WHERE deleted_time IS NULL;

CREATE TABLE table_groups (
  schema_id INTEGER PRIMARY KEY,
  team_id INTEGER NOT NULL REFERENCES teams,
  data_source_id TEXT NOT NULL,
  name TEXT NOT NULL,
  table_prefix TEXT NOT NULL,
  tables TEXT NOT NULL,
  created_time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX table_group_names ON table_groups (team_id, name);

CREATE TABLE transfers (
  transfer_id INTEGER PRIMARY KEY,
  team_id INTEGER NOT NULL REFERENCES teams,
  display_name TEXT NOT NULL,
  data_source_id TEXT NOT NULL,
  schema_id INTEGER NOT NULL REFERENCES table_groups,
  destination_id INTEGER NOT NULL REFERENCES destinations,
  connection_id INTEGER NOT NULL REFERENCES connections,
  state TEXT NOT NULL CHECK (state IN ('active', 'paused')),
  configuration TEXT NOT NULL,
  zone TEXT NOT NULL,
  parallelism INTEGER NOT NULL CHECK (parallelism >= 1),
  deadline_seconds INTEGER NOT NULL CHECK (deadline_seconds >= 1),
  days_version INTEGER NOT NULL DEFAULT 0,
  created_time INTEGER NOT NULL,
  created_user_id INTEGER NOT NULL,
  deleted_time INTEGER
) STRICT;
CREATE UNIQUE INDEX transfer_names ON transfers (team_id, display_name) WHERE deleted_time IS NULL;
CREATE INDEX transfers_of_destination ON transfers (destination_id) WHERE deleted_time IS NULL;

-- Which transfer loads a table of a physical warehouse; its primary key lets no two do so.
CREATE TABLE owned_tables (
  location TEXT NOT NULL,
  table_name TEXT NOT NULL,
  transfer_id INTEGER NOT NULL REFERENCES transfers,
  PRIMARY KEY (location, table_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX owned_tables_of_transfer ON owned_tables (transfer_id);
CREATE INDEX owned_tables_by_name ON owned_tables (table_name);

-- next_time is null while the transfer is paused.
CREATE TABLE schedules (
  transfer_id INTEGER NOT NULL REFERENCES transfers,
  position INTEGER NOT NULL,
  schedule TEXT NOT NULL,
  next_time INTEGER,
  PRIMARY KEY (transfer_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedules_due ON schedules (next_time) WHERE next_time IS NOT NULL;

-- A slot that has fired; its primary key keeps any slot from firing twice.
CREATE TABLE schedule_slots (
  transfer_id INTEGER NOT NULL REFERENCES transfers,
  slot_time INTEGER NOT NULL,
  fired_time INTEGER NOT NULL,
  PRIMARY KEY (transfer_id, slot_time)
) STRICT, WITHOUT ROWID;

-- The counters move only in the transaction that moves the runs they count.
CREATE TABLE backfills (
  backfill_id INTEGER PRIMARY KEY,
  team_id INTEGER NOT NULL REFERENCES teams,
  transfer_id INTEGER NOT NULL REFERENCES transfers,
  range_start TEXT NOT NULL,
  range_end TEXT NOT NULL CHECK (range_end >= range_start),
  status TEXT NOT NULL,
  priority INTEGER NOT NULL,
  created_time INTEGER NOT NULL,
  created_user_id INTEGER NOT NULL,
  start_time INTEGER,
  end_time INTEGER,
  removed_time INTEGER,
  removed_user_id INTEGER,
  paused_time INTEGER,
  paused_user_id INTEGER,
  total INTEGER NOT NULL CHECK (total >= 1),
  created INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  running INTEGER NOT NULL DEFAULT 0,
  rows_total INTEGER NOT NULL DEFAULT 0,
  only_states TEXT NOT NULL DEFAULT '[]',
  chosen TEXT,
  fatal_cause TEXT,
  fatal_streak INTEGER NOT NULL DEFAULT 0,
  stopped_cause TEXT
) STRICT;
-- Of indexes that seem equally good SQLite takes the newest: the one that serves many queries comes first.
CREATE INDEX backfills_of_team ON backfills (team_id, created_time, backfill_id);
CREATE INDEX backfills_active ON backfills (transfer_id, range_start)
  WHERE status IN ('CREATED', 'SCHEDULED', 'RUNNING');
CREATE INDEX backfills_incomplete ON backfills (team_id, created_time, backfill_id)
  WHERE status IN ('CREATED', 'SCHEDULED', 'RUNNING', 'FAILED');
CREATE INDEX backfills_new ON backfills (priority, backfill_id) WHERE status = 'CREATED';
CREATE INDEX backfills_of_transfer ON backfills (transfer_id, created_time, backfill_id);

CREATE TABLE runs (
  run_id INTEGER PRIMARY KEY,
  team_id INTEGER NOT NULL,
  transfer_id INTEGER NOT NULL REFERENCES transfers,
  backfill_id INTEGER REFERENCES backfills,
  data_date TEXT NOT NULL,
  run_type TEXT NOT NULL CHECK (run_type IN ('Recurring', 'Backfill')),
  cause_of_start TEXT NOT NULL,
  priority INTEGER NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  owner TEXT,
  token INTEGER,
  not_before INTEGER NOT NULL DEFAULT 0,
  created_time INTEGER NOT NULL,
  queued_time INTEGER,
  started_time INTEGER,
  ended_time INTEGER,
  message TEXT NOT NULL DEFAULT '',
  cause TEXT,
  row_count INTEGER,
  content_hash TEXT,
  queries TEXT NOT NULL DEFAULT '[]',
  CHECK ((status = 'RUNNING') = (owner IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX runs_of_backfill ON runs (backfill_id, data_date) WHERE backfill_id IS NOT NULL;
CREATE INDEX runs_queued ON runs (priority, transfer_id, data_date) WHERE status = 'QUEUED';
CREATE INDEX runs_delayed ON runs (not_before) WHERE status = 'QUEUED' AND not_before > 0;
CREATE UNIQUE INDEX runs_running ON runs (transfer_id, data_date) WHERE status = 'RUNNING';
CREATE UNIQUE INDEX runs_waiting_alone ON runs (transfer_id, data_date)
  WHERE status IN ('CREATED', 'QUEUED') AND backfill_id IS NULL;
CREATE INDEX runs_failed ON runs (backfill_id, data_date) WHERE status = 'FAILED';
CREATE INDEX runs_by_creation ON runs (transfer_id, created_time, run_id);

-- State of each day of a transfer: what moves (queued, running: counts of runs) beside what is settled.
CREATE TABLE transfer_days (
  transfer_id INTEGER NOT NULL REFERENCES transfers,
  data_date TEXT NOT NULL,
  settled TEXT CHECK (settled IN ('l', 'f', 's')),
  queued INTEGER NOT NULL DEFAULT 0 CHECK (queued >= 0),
  running INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
  row_count INTEGER,
  content_hash TEXT,
  token INTEGER,
  run_id INTEGER,
  settled_time INTEGER,
  PRIMARY KEY (transfer_id, data_date)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
  user_id INTEGER NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  body_hash BLOB NOT NULL,
  status INTEGER NOT NULL,
  answer BLOB NOT NULL,
  headers TEXT NOT NULL,
  created_time INTEGER NOT NULL,
  PRIMARY KEY (user_id, method, path, idempotency_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_time);
