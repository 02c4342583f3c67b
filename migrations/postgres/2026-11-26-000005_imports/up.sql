-- Billing files on their way in: what became of each, and whose turn it is to write.
CREATE TABLE imports (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    snapshot TEXT COLLATE "C",
    file_hash TEXT,
    state TEXT NOT NULL CHECK (state IN ('checking', 'loading', 'loaded', 'refused', 'failed', 'displaced')),
    accounts BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    heard_at BIGINT NOT NULL,
    finished_at BIGINT,
    report TEXT NOT NULL
);

-- One file is written at a time, whoever tries.
CREATE UNIQUE INDEX imports_turn ON imports (state) WHERE state = 'loading';
CREATE INDEX imports_snapshot ON imports (snapshot, id) WHERE snapshot IS NOT NULL;

-- What the files of a sealed batch were first made with, so that they are the same for ever.
CREATE TABLE batch_files (
    batch TEXT COLLATE "C" NOT NULL,
    part TEXT COLLATE "C" NOT NULL CHECK (part IN ('asobancaria', 'branches')),
    settings TEXT NOT NULL,
    PRIMARY KEY (batch, part)
);
