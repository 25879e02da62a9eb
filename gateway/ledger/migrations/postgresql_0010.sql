-- The ledger's tables at revision 0010, with which PostgreSQL begins. Later migrations run on both engines.

CREATE TABLE adapters (
    seq BIGSERIAL NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    uploaded BOOLEAN NOT NULL,
    report TEXT,
    expected TEXT NOT NULL,
    activated_at BIGINT,
    rolled_back BOOLEAN NOT NULL,
    revision BIGINT NOT NULL,
    content BYTEA,
    PRIMARY KEY (seq),
    CONSTRAINT adapter_state_known CHECK (state IN ('active', 'checked', 'draft', 'retired', 'shadow'))
);

CREATE UNIQUE INDEX adapters_active ON adapters (name) WHERE state = 'active';

CREATE UNIQUE INDEX adapters_version ON adapters (name, version);

CREATE TABLE aliases (
    original TEXT NOT NULL,
    field TEXT NOT NULL,
    platform TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    number TEXT NOT NULL,
    PRIMARY KEY (original, field, platform, correlation_id)
);

CREATE TABLE audit (
    seq BIGSERIAL NOT NULL,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (seq)
);

CREATE INDEX audit_subject ON audit (subject, seq);

CREATE TABLE bodies (
    seq BIGSERIAL NOT NULL,
    content_type TEXT NOT NULL,
    kept BOOLEAN NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (seq)
);

CREATE TABLE claims (
    platform TEXT NOT NULL,
    owner TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    PRIMARY KEY (platform)
);

CREATE TABLE counts (
    platform TEXT NOT NULL,
    kind TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    held_by TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (platform, kind, type, state, held_by)
);

CREATE TABLE facts (
    correlation_id TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    message BIGINT NOT NULL,
    PRIMARY KEY (correlation_id, field)
);

CREATE TABLE intents (
    key TEXT NOT NULL,
    actor TEXT NOT NULL,
    digest TEXT NOT NULL,
    answer TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (key, actor)
);

CREATE TABLE latest (
    identity TEXT NOT NULL,
    operation TEXT NOT NULL,
    source TEXT NOT NULL,
    message BIGINT NOT NULL,
    PRIMARY KEY (identity, operation, source)
);

CREATE TABLE ledger (
    id SERIAL NOT NULL,
    epoch BIGINT NOT NULL,
    owner TEXT NOT NULL,
    revision BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT one_row CHECK (id = 1)
);

CREATE TABLE messages (
    seq BIGSERIAL NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    source TEXT NOT NULL,
    operation TEXT NOT NULL,
    adapter TEXT NOT NULL,
    region TEXT NOT NULL,
    ordering_key TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    identity TEXT NOT NULL,
    digest TEXT NOT NULL,
    causation_id TEXT,
    corrects TEXT,
    trace_id TEXT,
    headers TEXT NOT NULL,
    body BIGINT NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (seq)
);

CREATE INDEX messages_correlation ON messages (correlation_id, seq);

CREATE UNIQUE INDEX messages_id ON messages (id);

CREATE INDEX messages_received ON messages (received_at, seq);

CREATE INDEX messages_source ON messages (source, seq);

CREATE INDEX messages_type ON messages (type, seq);

CREATE TABLE numbers (
    number TEXT NOT NULL,
    field TEXT NOT NULL,
    platform TEXT NOT NULL,
    original TEXT NOT NULL,
    message BIGINT NOT NULL,
    PRIMARY KEY (number, field, platform)
);

CREATE TABLE packages (
    digest TEXT NOT NULL,
    operation TEXT NOT NULL,
    platform TEXT NOT NULL,
    start INTEGER NOT NULL,
    entries BYTEA NOT NULL,
    body BIGINT,
    at BIGINT NOT NULL,
    PRIMARY KEY (digest, operation, platform, start)
);

CREATE TABLE platforms (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    region TEXT NOT NULL,
    adapter TEXT NOT NULL,
    version TEXT,
    mode TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    limits TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE receipts (
    key TEXT NOT NULL,
    operation TEXT NOT NULL,
    platform TEXT NOT NULL,
    digest TEXT NOT NULL,
    entries BYTEA NOT NULL,
    PRIMARY KEY (key, operation, platform)
);

CREATE TABLE rejections (
    seq BIGSERIAL NOT NULL,
    id TEXT NOT NULL,
    platform TEXT NOT NULL,
    operation TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    record INTEGER NOT NULL,
    status INTEGER NOT NULL,
    code TEXT NOT NULL,
    problem BYTEA NOT NULL,
    body BIGINT NOT NULL,
    PRIMARY KEY (seq)
);

CREATE INDEX rejections_body ON rejections (body);

CREATE UNIQUE INDEX rejections_id ON rejections (id);

CREATE INDEX rejections_platform ON rejections (platform, seq);

CREATE TABLE replays (
    seq BIGSERIAL NOT NULL,
    id TEXT NOT NULL,
    finished BOOLEAN NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (seq)
);

CREATE UNIQUE INDEX replays_id ON replays (id);

CREATE TABLE search_keys (
    value TEXT NOT NULL,
    name TEXT NOT NULL,
    message BIGINT NOT NULL,
    PRIMARY KEY (value, name, message)
);

CREATE TABLE unwanted (
    kind TEXT NOT NULL,
    region TEXT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (kind, region)
);

CREATE TABLE credentials (
    digest TEXT NOT NULL,
    platform TEXT NOT NULL,
    PRIMARY KEY (digest),
    FOREIGN KEY(platform) REFERENCES platforms (id)
);

CREATE TABLE deliveries (
    position BIGSERIAL NOT NULL,
    id TEXT NOT NULL,
    message BIGINT NOT NULL,
    type TEXT NOT NULL,
    kind TEXT NOT NULL,
    platform TEXT,
    toward TEXT,
    lane TEXT NOT NULL,
    state TEXT NOT NULL,
    head BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    held_at BIGINT,
    due_at BIGINT,
    attempts INTEGER NOT NULL,
    in_doubt BOOLEAN NOT NULL,
    adapter TEXT,
    reference TEXT,
    reason TEXT,
    code TEXT,
    changed_at BIGINT,
    tried_for FLOAT NOT NULL,
    replay_of TEXT,
    was TEXT,
    PRIMARY KEY (position),
    CONSTRAINT state_known CHECK (state IN ('dead', 'delivered', 'discarded', 'ready', 'refused', 'sending', 'unrouted', 'waiting')),
    CONSTRAINT step_allowed CHECK (was IS NULL OR (was = 'unrouted' AND state IN ('discarded', 'ready')) OR (was = 'ready' AND state IN ('dead', 'discarded', 'sending')) OR (was = 'sending' AND state IN ('dead', 'delivered', 'ready', 'refused', 'waiting')) OR (was = 'waiting' AND state IN ('discarded', 'sending')) OR (was = 'refused' AND state IN ('ready')) OR (was = 'dead' AND state IN ('discarded', 'ready'))),
    CONSTRAINT held_while_it_could_go CHECK (held_at IS NULL OR state IN ('ready', 'waiting')),
    CONSTRAINT unrouted_seeks CHECK (state <> 'unrouted' OR toward IS NOT NULL),
    CONSTRAINT waiting_until CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
    CONSTRAINT open_has_platform CHECK (platform IS NOT NULL OR state NOT IN ('dead', 'delivered', 'ready', 'refused', 'sending', 'waiting')),
    CONSTRAINT head_is_open CHECK (NOT head OR state IN ('dead', 'ready', 'sending', 'waiting')),
    CONSTRAINT sending_is_head CHECK (state <> 'sending' OR head),
    FOREIGN KEY(message) REFERENCES messages (seq)
);

CREATE INDEX deliveries_created ON deliveries (created_at, position);

CREATE INDEX deliveries_destination ON deliveries (platform, message);

CREATE INDEX deliveries_held ON deliveries (platform, state, position) WHERE held_at IS NOT NULL;

CREATE UNIQUE INDEX deliveries_id ON deliveries (id);

CREATE INDEX deliveries_message ON deliveries (message);

CREATE INDEX deliveries_platform ON deliveries (platform, position);

CREATE INDEX deliveries_state ON deliveries (state, platform, position, type) WHERE state != 'delivered';

CREATE INDEX deliveries_unrouted ON deliveries (kind, code, position) WHERE state = 'unrouted';

CREATE INDEX heads_ready ON deliveries (platform, position, type) WHERE head IS true AND state = 'ready' AND held_at IS NULL;

CREATE INDEX heads_waiting ON deliveries (platform, due_at, type) WHERE head IS true AND state = 'waiting' AND held_at IS NULL;

CREATE INDEX lane_dead ON deliveries (lane, platform, position) WHERE state = 'dead';

CREATE INDEX lane_delivered ON deliveries (lane, platform, position) WHERE state = 'delivered';

CREATE UNIQUE INDEX lane_head ON deliveries (lane, platform) WHERE head IS true;

CREATE INDEX lane_open ON deliveries (lane, platform, position) WHERE state IN ('dead', 'ready', 'sending', 'waiting');

CREATE UNIQUE INDEX replay_open ON deliveries (replay_of) WHERE replay_of IS NOT NULL AND state IN ('dead', 'ready', 'sending', 'waiting');

CREATE TABLE documents (
    message BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (message),
    FOREIGN KEY(message) REFERENCES messages (seq)
);

CREATE TABLE holds (
    platform TEXT NOT NULL,
    type TEXT NOT NULL,
    by TEXT NOT NULL,
    since BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (platform, type, by),
    FOREIGN KEY(platform) REFERENCES platforms (id)
);

CREATE TABLE attempts (
    seq BIGSERIAL NOT NULL,
    delivery BIGINT NOT NULL,
    number INTEGER NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    status INTEGER,
    reference TEXT,
    reason TEXT,
    code TEXT,
    reply BYTEA NOT NULL,
    PRIMARY KEY (seq),
    FOREIGN KEY(delivery) REFERENCES deliveries (position)
);

CREATE INDEX attempts_delivery ON attempts (delivery);

CREATE TABLE requests (
    delivery BIGINT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (delivery),
    FOREIGN KEY(delivery) REFERENCES deliveries (position)
);

INSERT INTO ledger (id, epoch, owner, revision, checked_at) VALUES (1, 0, '', 1, 0);

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO alembic_version (version_num) VALUES ('0010');
