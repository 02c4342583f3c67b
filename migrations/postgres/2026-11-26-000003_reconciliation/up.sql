-- A comparison of what the gateway, a partner and the bank say of the same days: written once, never
-- changed. Its id comes from its inputs, so the same comparison is the same row.
CREATE TABLE reconciliation_runs (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    party TEXT COLLATE "C" NOT NULL REFERENCES parties (id),
    kind TEXT NOT NULL CHECK (kind IN ('partner', 'bank')),
    from_date INTEGER NOT NULL,
    to_date INTEGER NOT NULL,
    as_of INTEGER NOT NULL,
    inputs_hash TEXT NOT NULL,
    file_hash TEXT NOT NULL,
    result TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    asked_by TEXT COLLATE "C" NOT NULL,
    break_count BIGINT NOT NULL,
    at_stake BIGINT NOT NULL
);
CREATE INDEX reconciliation_runs_party ON reconciliation_runs (party, created_at, id);
CREATE INDEX reconciliation_runs_created ON reconciliation_runs (created_at, id);

-- One difference, as it was when it was first seen; later runs find it again under the same id. They
-- are written before their run, in small commits, so that a large run does not hold payments up.
CREATE TABLE breaks (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    party TEXT COLLATE "C" NOT NULL REFERENCES parties (id),
    run TEXT COLLATE "C" NOT NULL,
    cause TEXT NOT NULL,
    owner TEXT NOT NULL,
    document TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL
);
CREATE INDEX breaks_party ON breaks (party, first_seen_at);
CREATE INDEX breaks_run ON breaks (run, id);

-- What was proposed about a break and what the other side said to it: only ever added to.
CREATE TABLE break_resolutions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    break_id TEXT COLLATE "C" NOT NULL REFERENCES breaks (id),
    seq INTEGER NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('partner', 'operator')),
    party TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('propose', 'approve', 'reject')),
    cure TEXT,
    explanation TEXT,
    status TEXT NOT NULL CHECK (status IN ('open', 'proposed', 'resolved')),
    idempotency_key TEXT COLLATE "C" NOT NULL,
    request_hash TEXT NOT NULL,
    at BIGINT NOT NULL
);
-- Two sides that answer at once, or one that answers twice, meet here.
CREATE UNIQUE INDEX break_resolutions_place ON break_resolutions (break_id, seq);
CREATE UNIQUE INDEX break_resolutions_end ON break_resolutions (break_id) WHERE status = 'resolved';
CREATE UNIQUE INDEX break_resolutions_key ON break_resolutions (party, idempotency_key);

-- Deposits are few among payments, and are looked for by their days.
CREATE INDEX facts_deposits ON facts (business_date, id) WHERE kind = 'deposit';
