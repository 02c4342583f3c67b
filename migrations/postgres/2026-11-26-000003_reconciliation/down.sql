DROP INDEX facts_deposits;
DROP TABLE break_resolutions;
DROP TABLE breaks;
DROP TABLE reconciliation_runs;
