DROP TABLE outbox;
DROP TABLE exposure;
DROP TABLE facts;
DROP TABLE accounts;
DROP TABLE snapshots;
DROP TABLE certificates;
DROP TABLE collection_points;
DROP TABLE parties;
