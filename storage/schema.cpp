#include "storage/schema.hpp"

namespace pawl::storage {

// Each migration runs once, in order, in one transaction, under the advisory lock of storage/migrate.cpp. A landed
// migration is never edited: a change is a new one.
namespace {

constexpr std::string_view first_migration = R"sql(
create schema if not exists pawl;

create table pawl.meta (key text primary key, value text not null);
comment on table pawl.meta is 'Identity of this catalogue: instance (uuid). Redis carries the same.';

create table pawl.source (
  source_id      bigint generated always as identity primary key,
  name           text not null unique,
  epoch          bigint not null default 1,       -- grows with each change of what is asked for
  config_hash    text not null default '',
  last_schedule  timestamptz,
  registered_at  timestamptz not null default now());
comment on table pawl.source is 'One API, described by one source file.';

create table pawl.source_epoch (
  source        text not null,
  epoch         bigint not null,
  config_hash   text not null,
  registered_at timestamptz not null default now(),
  primary key (source, epoch));
comment on table pawl.source_epoch is 'Configurations that were in force, so that an older one is known when it comes back.';

create table pawl.spec (
  hash        text not null,                      -- request_hash or mapping_hash, 64 hex digits
  kind        text not null check (kind in ('request', 'mapping')),
  source      text not null,
  stream      text not null,
  body        jsonb not null,                     -- mapping: {"emits":[{"schema":…,"table":…,"key":[…]}]}
  first_seen  timestamptz not null default now(),
  primary key (source, stream, hash));
comment on table pawl.spec is 'How streams are asked and mapped, by hash. Slices and pages refer to it.';

create table pawl.partition (
  partition_id  bigint generated always as identity primary key,
  source        text not null,
  stream        text not null,
  part          text not null,                    -- canonical text of the key; '' for a stream without foreach
  parent        jsonb not null default '{}',      -- parent.x of the next walk
  list          jsonb not null default '{}',      -- list.x
  state         text not null default 'active' check (state in ('active', 'inactive')),
  walk          int not null default 0,           -- number of the newest walk
  walking       boolean not null default false,   -- that walk is open
  next_due      timestamptz,                      -- null: not until something makes it due
  last_finished timestamptz,
  last_outcome  text,
  last_slice    bigint,                           -- newest finished walk: its validators count
  last_seen     timestamptz not null default now(),
  unique (source, stream, part)) with (fillfactor = 80);
create index partition_due on pawl.partition (source, next_due, partition_id)
  where next_due is not null and not walking and state = 'active';
comment on table pawl.partition is 'What a stream is asked for once: a parent row, a list entry. Outlives its walks.';

create table pawl.slice (
  slice_id      bigint generated always as identity primary key,
  partition_id  bigint not null,
  source        text not null,
  stream        text not null,
  lo            text, hi text,                    -- window [lo, hi); null: none
  walk          int not null,
  request_hash  text not null,
  class         smallint not null default 1,      -- core::SliceClass
  parent        jsonb not null default '{}',      -- snapshot for this walk
  state         text not null default 'open' check (state in ('open', 'done', 'cancelled', 'stuck')),
  outcome       text,
  tip_seq       bigint not null default 0,
  genesis       uuid not null,                    -- random; what page 1 names as its predecessor
  tip_link      uuid not null,                    -- of the last committed page; genesis before the first
  tip_cursor    text,
  offered_epoch uuid, offered_until timestamptz,
  records       bigint not null default 0, inserted bigint not null default 0, updated bigint not null default 0,
  same          bigint not null default 0, stale bigint not null default 0, duplicate bigint not null default 0,
  rejected      bigint not null default 0, dead bigint not null default 0,
  created_at    timestamptz not null default now(),
  finished_at   timestamptz,
  check (tip_seq > 0 or tip_link = genesis),
  unique nulls not distinct (partition_id, lo, hi, request_hash, walk)) with (fillfactor = 50);
create index slice_open on pawl.slice (source, class, slice_id) where state = 'open';
comment on table pawl.slice is 'Open slices: one walk of stream, partition and window. Finished ones move to slice_done.';

create table pawl.slice_done (like pawl.slice including comments);
alter table pawl.slice_done add primary key (slice_id);
create index slice_done_partition on pawl.slice_done (partition_id, walk);
create index slice_done_attention on pawl.slice_done (source, stream) where outcome not in ('ok', 'not_modified', 'empty');
comment on table pawl.slice_done is 'Finished slices (done, cancelled, stuck).';

create table pawl.page (
  slice_id       bigint not null,
  seq            bigint not null,
  page_id        bigint not null generated always as ((slice_id << 20) | seq) stored,
  link           uuid not null,
  prev           uuid not null,
  cursor_hash    bytea not null,                  -- sha256 of the cursor that asked for it: a repeat is a cycle
  cursor_out     text,
  outcome        text not null,
  status         int not null,
  url            text,
  reason         text,                            -- in words, where outcome is neither ok nor not_modified
  confirms       bigint,                          -- not_modified: page_id whose rows it confirms
  body_hash      text, body_size bigint not null default 0,
  mapping_hash   text,
  counts         bigint[] not null default '{}',  -- per emit 8 numbers: read, inserted, updated, same, stale, duplicate, rejected, deleted
  requested_at   timestamptz not null,
  fetched_at     timestamptz not null,
  committed_at   timestamptz not null default now(),
  primary key (slice_id, seq),
  constraint page_cursor unique (slice_id, cursor_hash)) partition by hash (slice_id);
create table pawl.page_0 partition of pawl.page for values with (modulus 4, remainder 0);
create table pawl.page_1 partition of pawl.page for values with (modulus 4, remainder 1);
create table pawl.page_2 partition of pawl.page for values with (modulus 4, remainder 2);
create table pawl.page_3 partition of pawl.page for values with (modulus 4, remainder 3);
comment on table pawl.page is 'The ledger: all committed pages. Each names its predecessor by link.';

create table pawl.validator (
  partition_id  bigint not null,
  slice_id      bigint not null,                  -- counts only when it is the partition's last_slice
  key           text not null,                    -- sha256 over URL and Accept
  etag          text not null default '', last_modified text not null default '',
  page_id       bigint not null,
  next_cursor   text, last boolean not null,
  primary key (partition_id, slice_id, key));
comment on table pawl.validator is 'ETags, stored in the transaction of the page they belong to.';

create table pawl.dead_letter (
  dead_letter_id bigint generated always as identity primary key,
  source text not null, stream text not null, part text not null,
  slice_id bigint not null, seq bigint not null,
  state text not null default 'dead' check (state in ('dead', 'replayed', 'dropped')),
  reason text not null, url text, status int not null,
  envelope text not null, body bytea not null,    -- core::Job::decode makes the job again
  created_at timestamptz not null default now(), changed_at timestamptz,
  unique (slice_id, seq));
comment on table pawl.dead_letter is 'Pages that could not be stored, with body and reason.';

create table pawl.rejected_record (
  rejected_id bigint generated always as identity primary key,
  source text not null, stream text not null, table_name text not null,
  slice_id bigint not null, seq bigint not null, reason text not null, record text not null,
  created_at timestamptz not null default now());
create index rejected_record_page on pawl.rejected_record (slice_id, seq);
comment on table pawl.rejected_record is 'Single records that could not become rows, while their page was stored.';

create table pawl.drift (
  drift_id bigint generated always as identity primary key,
  source text not null, table_name text not null, column_name text not null,
  old_type text, new_type text not null, slice_id bigint, seq bigint, seen_at timestamptz not null default now());
comment on table pawl.drift is 'Columns that appeared or widened.';

create table pawl.table_column (
  schema_name text not null, table_name text not null, column_name text not null,
  source text not null, original text not null,   -- name before it was cut to 63 bytes
  primary key (schema_name, table_name, column_name));

-- Running totals, so that status and verify need no count(*): one row per writer shard, summed by the views.
create table pawl.stream_total (
  source text not null, stream text not null, writer int not null,
  pages bigint not null default 0, records bigint not null default 0, inserted bigint not null default 0,
  updated bigint not null default 0, rejected bigint not null default 0, dead bigint not null default 0,
  last_commit timestamptz,
  primary key (source, stream, writer)) with (fillfactor = 50);
create table pawl.outcome_total (
  source text not null, stream text not null, outcome text not null, writer int not null, slices bigint not null default 0,
  primary key (source, stream, outcome, writer)) with (fillfactor = 50);

create view pawl.v_slice as select * from pawl.slice union all select * from pawl.slice_done;
create view pawl.v_freshness as
  select source, stream, max(last_commit) as last_commit, now() - max(last_commit) as age from pawl.stream_total group by 1, 2;
create view pawl.v_progress as
  select source, stream, sum(pages)::bigint as pages, sum(records)::bigint as records, sum(inserted)::bigint as inserted,
         sum(updated)::bigint as updated, sum(rejected)::bigint as rejected, sum(dead)::bigint as dead
  from pawl.stream_total group by 1, 2;
create view pawl.v_problems as
  select d.source, d.stream, p.part, d.outcome, d.slice_id, d.finished_at, g.url, g.status
  from pawl.slice_done d join pawl.partition p using (partition_id)
  left join lateral (select url, status from pawl.page g where g.slice_id = d.slice_id order by seq desc limit 1) g on true
  where d.outcome not in ('ok', 'not_modified', 'empty');
)sql";

// 0 live, 1 on demand, 2 backfill: core::SliceClass. Backfill was 1 before there was a class between them.
constexpr const char* classes_migration = R"sql(
alter table pawl.slice alter column class set default 2;
update pawl.slice set class = 2 where class = 1;
)sql";

constexpr std::string_view token_migration = R"sql(
create table pawl.token (
  source      text not null,
  account     text not null,
  key_id      text not null,                      -- tells the secrets of a source file apart, and nothing about them
  version     bigint not null default 0,          -- grows with each renewal
  sealed      text,                               -- token and refresh token: AES-256-GCM under the source file's secret, base64
  renewed_at  timestamptz,
  expires_at  timestamptz,
  holder      uuid,                               -- who renews it now, until …
  held_until  timestamptz,
  primary key (source, account, key_id)) with (fillfactor = 50);
comment on table pawl.token is 'Tokens that renew themselves, sealed, and who renews them.';
)sql";

// Lists that move while they are walked: docs/decisions/0009-lists-that-move.md.
constexpr std::string_view shift_migration = R"sql(
alter table pawl.page add column shift text;      -- core::Shift; null: it continues the page before
alter table pawl.slice add column shifted boolean not null default false;
alter table pawl.slice_done add column shifted boolean not null default false;
alter table pawl.partition add column rewalks int not null default 0;  -- in a row, because the list moved
comment on column pawl.slice_done.shifted is 'Records moved while the list was walked: some may be missing or, without a key, doubled.';
create index slice_done_shifted on pawl.slice_done (source, stream) where shifted;
create or replace view pawl.v_slice as select * from pawl.slice union all select * from pawl.slice_done;
create or replace view pawl.v_problems as
  select d.source, d.stream, p.part, d.outcome, d.slice_id, d.finished_at, g.url, g.status, d.shifted
  from pawl.slice_done d join pawl.partition p using (partition_id)
  left join lateral (select url, status from pawl.page g where g.slice_id = d.slice_id order by seq desc limit 1) g on true
  where d.outcome not in ('ok', 'not_modified', 'empty')
  union all
  select d.source, d.stream, p.part, d.outcome, d.slice_id, d.finished_at, g.url, g.status, d.shifted
  from pawl.slice_done d join pawl.partition p using (partition_id)
  left join lateral (select url, status from pawl.page g where g.slice_id = d.slice_id order by seq desc limit 1) g on true
  where d.shifted and d.outcome in ('ok', 'not_modified', 'empty') and p.last_slice = d.slice_id and not p.walking
    and p.next_due is null;
)sql";

// Walks that ask only for what is new. Marks and windows are microseconds since 1970, or numbers of the API.
constexpr std::string_view incremental_migration = R"sql(
drop view pawl.v_slice;
alter table pawl.slice alter column lo type bigint using lo::bigint, alter column hi type bigint using hi::bigint,
  add column mark bigint, add column split boolean not null default false;
alter table pawl.slice_done alter column lo type bigint using lo::bigint, alter column hi type bigint using hi::bigint,
  add column mark bigint, add column split boolean not null default false;
alter table pawl.partition add column mark bigint, add column mark_of text, add column mark_after bigint,
  add column open_windows int not null default 0;
comment on column pawl.slice.lo is 'Incremental: where this walk begins, microseconds since 1970 or a number; for one without windows the mark it began with.';
comment on column pawl.slice.hi is 'Incremental: where its window ends, itself not in it.';
comment on column pawl.slice.mark is 'Incremental: the largest mark of its records so far.';
comment on column pawl.slice_done.split is 'Its window met a ceiling of the API: its halves were walked instead.';
comment on column pawl.partition.mark is 'Incremental: how far it was read, microseconds since 1970 or a number.';
comment on column pawl.partition.mark_of is 'What the mark is a mark of; another one begins anew.';
comment on column pawl.partition.mark_after is 'Windows: the mark when all open ones have ended well.';
comment on column pawl.partition.open_windows is 'Windows of the walk under way that have not ended.';
create view pawl.v_slice as select * from pawl.slice union all select * from pawl.slice_done;
create or replace view pawl.v_problems as
  select d.source, d.stream, p.part, d.outcome, d.slice_id, d.finished_at, g.url, g.status, d.shifted
  from pawl.slice_done d join pawl.partition p using (partition_id)
  left join lateral (select url, status from pawl.page g where g.slice_id = d.slice_id order by seq desc limit 1) g on true
  where d.outcome not in ('ok', 'not_modified', 'empty') and not d.split
  union all
  select d.source, d.stream, p.part, d.outcome, d.slice_id, d.finished_at, g.url, g.status, d.shifted
  from pawl.slice_done d join pawl.partition p using (partition_id)
  left join lateral (select url, status from pawl.page g where g.slice_id = d.slice_id order by seq desc limit 1) g on true
  where d.shifted and d.outcome in ('ok', 'not_modified', 'empty') and p.last_slice = d.slice_id and not p.walking
    and p.next_due is null;
)sql";

constexpr Migration migrations_in_order[] = {{1, "first", first_migration},
                                             {2, "classes", classes_migration},
                                             {3, "token", token_migration},
                                             {4, "shift", shift_migration},
                                             {5, "incremental", incremental_migration}};

}  // namespace

std::span<const Migration> migrations() { return migrations_in_order; }

}  // namespace pawl::storage
