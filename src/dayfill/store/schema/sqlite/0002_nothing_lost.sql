-- What the state must know so that waiting, unclean stops and restored copies are told apart. The first schema is
-- released: it is changed here only.

-- 0 from the moment a dispatcher starts until it has stopped in order: found at a start, it tells of a kill.
ALTER TABLE installation ADD COLUMN stopped_cleanly INTEGER NOT NULL DEFAULT 1;
