-- Who wants to be told what, and where.
CREATE TABLE webhook_endpoints (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    party TEXT COLLATE "C" NOT NULL REFERENCES parties (id),
    url TEXT NOT NULL,
    event_types TEXT NOT NULL,
    secret TEXT NOT NULL,
    retiring_secret TEXT,
    retiring_until BIGINT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'active', 'disabled', 'removed')),
    disabled_reason TEXT,
    last_seq BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhook_endpoints_party ON webhook_endpoints (party, id);
-- Whether anybody listens is asked with every commit.
CREATE INDEX webhook_endpoints_status ON webhook_endpoints (status);

-- What has to be told to whom: the events of one endpoint, numbered without a gap.
CREATE TABLE webhook_deliveries (
    endpoint TEXT COLLATE "C" NOT NULL REFERENCES webhook_endpoints (id),
    seq BIGINT NOT NULL,
    fact TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    account_number TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    lease_until BIGINT,
    lease_owner TEXT COLLATE "C",
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'dead')),
    last_status BIGINT,
    last_error TEXT,
    settled_at BIGINT,
    acknowledged_at BIGINT,
    PRIMARY KEY (endpoint, seq)
);

-- An event is told to an endpoint once, whoever fans it out.
CREATE UNIQUE INDEX webhook_deliveries_event ON webhook_deliveries (endpoint, fact, event);
-- What is due, and what waits behind an earlier event of the same account.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint, next_attempt_at, seq) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_account ON webhook_deliveries (endpoint, account_number, seq) WHERE status = 'pending';
-- The few that nobody took.
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (endpoint, seq) WHERE status = 'dead';
