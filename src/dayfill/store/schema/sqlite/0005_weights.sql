-- How many turns a team gets for each one of a team whose weight is 1, and a transfer beside the others of its team.
ALTER TABLE teams ADD COLUMN weight INTEGER NOT NULL DEFAULT 1 CHECK (weight >= 1);
ALTER TABLE transfers ADD COLUMN weight INTEGER NOT NULL DEFAULT 1 CHECK (weight >= 1);
