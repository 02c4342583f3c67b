//! The tables as both backends have them; a test holds them against the migrations.

diesel::table! {
    parties (id) { id -> Text, kind -> Text, name -> Text, settings -> Text, registered_at -> BigInt,
        suspended_at -> Nullable<BigInt>, }
}
diesel::table! {
    collection_points (id) { id -> Text, party -> Text, settings -> Text, registered_at -> BigInt,
        suspended_at -> Nullable<BigInt>, }
}
diesel::table! {
    certificates (thumbprint) { thumbprint -> Text, party -> Text, subject -> Text, not_after -> BigInt,
        registered_at -> BigInt, revoked_at -> Nullable<BigInt>, }
}
diesel::table! {
    snapshots (id) { id -> Text, kind -> Text, as_of -> BigInt, included_through -> Text, file_hash -> Text,
        status -> Text, accounts_read -> BigInt, accounts_rejected -> BigInt, started_at -> BigInt,
        finished_at -> Nullable<BigInt>, }
}
diesel::table! {
    accounts (account_number) { account_number -> Text, snapshot -> Text, settled_seq -> BigInt, document -> Text, }
}
diesel::table! {
    facts (id) { id -> Text, kind -> Text, recorded_at -> BigInt, business_date -> Integer, party -> Text,
        collection_point -> Nullable<Text>, account_number -> Nullable<Text>, account_seq -> Nullable<BigInt>,
        series -> Nullable<Text>, series_seq -> Nullable<BigInt>, asked_by -> Nullable<Text>, idempotency_key -> Nullable<Text>,
        request_hash -> Nullable<Text>, ends -> Nullable<Text>, amount -> BigInt, body -> Text, }
}
diesel::table! {
    exposure (scope) { scope -> Text, used -> BigInt, }
}
diesel::table! {
    outbox (fact, event) { fact -> Text, event -> Text, }
}
diesel::table! {
    reconciliation_runs (id) { id -> Text, party -> Text, kind -> Text, from_date -> Integer, to_date -> Integer,
        as_of -> Integer, inputs_hash -> Text, file_hash -> Text, result -> Text, created_at -> BigInt,
        asked_by -> Text, break_count -> BigInt, at_stake -> BigInt, }
}
diesel::table! {
    breaks (id) { id -> Text, party -> Text, run -> Text, cause -> Text, owner -> Text, document -> Text,
        first_seen_at -> BigInt, }
}
diesel::table! {
    break_resolutions (id) { id -> Text, break_id -> Text, seq -> Integer, side -> Text, party -> Text, kind -> Text,
        cure -> Nullable<Text>, explanation -> Nullable<Text>, status -> Text, idempotency_key -> Text,
        request_hash -> Text, at -> BigInt, }
}
diesel::table! {
    webhook_endpoints (id) { id -> Text, party -> Text, url -> Text, event_types -> Text, secret -> Text,
        retiring_secret -> Nullable<Text>, retiring_until -> Nullable<BigInt>, status -> Text,
        disabled_reason -> Nullable<Text>, last_seq -> BigInt, created_at -> BigInt, }
}
diesel::table! {
    webhook_deliveries (endpoint, seq) { endpoint -> Text, seq -> BigInt, fact -> Text, event -> Text,
        account_number -> Nullable<Text>, created_at -> BigInt, attempts -> BigInt, next_attempt_at -> BigInt,
        lease_until -> Nullable<BigInt>, lease_owner -> Nullable<Text>, status -> Text,
        last_status -> Nullable<BigInt>, last_error -> Nullable<Text>, settled_at -> Nullable<BigInt>,
        acknowledged_at -> Nullable<BigInt>, }
}

diesel::table! {
    imports (id) { id -> Text, snapshot -> Nullable<Text>, file_hash -> Nullable<Text>, state -> Text,
        accounts -> BigInt, started_at -> BigInt, heard_at -> BigInt, finished_at -> Nullable<BigInt>,
        report -> Text, }
}
diesel::table! {
    batch_files (batch, part) { batch -> Text, part -> Text, settings -> Text, }
}

diesel::allow_tables_to_appear_in_same_query!(certificates, parties);
diesel::joinable!(certificates -> parties (party));
diesel::allow_tables_to_appear_in_same_query!(webhook_endpoints, parties);
diesel::joinable!(webhook_endpoints -> parties (party));
