-- Who may call, from where, with which certificate.
CREATE TABLE parties (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('partner', 'billing', 'reconnection', 'operator')),
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    registered_at BIGINT NOT NULL,
    suspended_at BIGINT
);

CREATE TABLE collection_points (
    id TEXT NOT NULL PRIMARY KEY,
    party TEXT NOT NULL REFERENCES parties (id),
    settings TEXT NOT NULL,
    registered_at BIGINT NOT NULL,
    suspended_at BIGINT
);

CREATE TABLE certificates (
    thumbprint TEXT NOT NULL PRIMARY KEY,
    party TEXT NOT NULL REFERENCES parties (id),
    subject TEXT NOT NULL,
    not_after BIGINT NOT NULL,
    registered_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- What billing said, as it said it.
CREATE TABLE snapshots (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('full', 'delta')),
    as_of BIGINT NOT NULL,
    included_through TEXT NOT NULL,
    file_hash TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('loading', 'loaded')),
    accounts_read BIGINT NOT NULL,
    accounts_rejected BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT
);

CREATE TABLE accounts (
    account_number TEXT NOT NULL PRIMARY KEY,
    snapshot TEXT NOT NULL,
    settled_seq BIGINT NOT NULL,
    document TEXT NOT NULL
);

-- What the counters did: written once, never changed, never deleted.
CREATE TABLE facts (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    business_date INTEGER NOT NULL,
    party TEXT NOT NULL,
    collection_point TEXT,
    account_number TEXT,
    account_seq BIGINT,
    series TEXT,
    series_seq BIGINT,
    asked_by TEXT,
    idempotency_key TEXT,
    request_hash TEXT,
    ends TEXT,
    amount BIGINT NOT NULL,
    body TEXT NOT NULL
);

-- Two facts never share a place, a key or what they end: these settle every race.
CREATE UNIQUE INDEX facts_account ON facts (account_number, account_seq) WHERE account_number IS NOT NULL;
CREATE UNIQUE INDEX facts_series ON facts (series, series_seq) WHERE series IS NOT NULL;
CREATE UNIQUE INDEX facts_key ON facts (asked_by, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX facts_ends ON facts (ends) WHERE ends IS NOT NULL;
CREATE INDEX facts_day ON facts (party, business_date, id);
-- The few kinds that are looked for as such; payments, which are many, do not pay for it.
CREATE INDEX facts_reversals ON facts (party, business_date, id) WHERE kind = 'reversal';
CREATE INDEX facts_kind ON facts (kind, id) WHERE kind IN ('session_opening', 'reconnection_order', 'batch_seal');

-- Cash taken and not deposited, by scope; charged as the last statement of a batch.
CREATE TABLE exposure (
    scope TEXT NOT NULL PRIMARY KEY,
    used BIGINT NOT NULL
);

-- What has to leave because of a fact; written in the fact's own commit, removed when handed on.
CREATE TABLE outbox (
    fact TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (fact, event)
);
