-- From when a backfill would have worked to come to where it is without a rest: its start, moved on by each pause and by the
-- rest before a retry, and moved with each day that counts as done, or does no more, without work. Null is its start.
ALTER TABLE backfills ADD COLUMN paced_since BIGINT;
