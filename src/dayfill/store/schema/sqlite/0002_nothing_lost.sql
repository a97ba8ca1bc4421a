-- What the state must know so that waiting, unclean stops and restored copies are told apart. The first schema is
-- released: it is changed here only.

-- 0 from the moment a dispatcher starts until it has stopped in order: found at a start, it tells of a kill.
ALTER TABLE installation ADD COLUMN stopped_cleanly INTEGER NOT NULL DEFAULT 1;

-- What rests: a connection whose source refuses it, a destination that is down. parked_since: the first refusal after it
-- last worked; null once it has worked again. A time that has passed still lets only a trial through.
ALTER TABLE connections ADD COLUMN parked_since INTEGER;
ALTER TABLE connections ADD COLUMN parked_cause TEXT NOT NULL DEFAULT '';
ALTER TABLE destinations ADD COLUMN parked_since INTEGER;
ALTER TABLE destinations ADD COLUMN parked_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE destinations ADD COLUMN parked_cause TEXT NOT NULL DEFAULT '';
ALTER TABLE destinations ADD COLUMN parked_reason TEXT NOT NULL DEFAULT '';
CREATE INDEX connections_parked ON connections (parked_until) WHERE parked_until > 0;
CREATE INDEX destinations_parked ON destinations (parked_until) WHERE parked_until > 0;

-- Calls a minute that a transfer states for its login; null is none.
ALTER TABLE transfers ADD COLUMN requests_per_minute INTEGER CHECK (requests_per_minute >= 1);
CREATE INDEX transfers_with_rate ON transfers (connection_id, requests_per_minute)
  WHERE requests_per_minute > 0 AND deleted_time IS NULL;
