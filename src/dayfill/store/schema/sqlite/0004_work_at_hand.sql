-- Since when the oldest run waits is read once for each look at the metrics, beside the count of all that wait, and every claim
-- paid for an index of it.
DROP INDEX runs_waiting_since;
