#pragma once

#include "queue/redis_script.hpp"

// clang-format off
/// The scripts behind queue/redis_frontiers.cpp. Keys, all behind the prefix "pawl:{source}:"
///   meta            hash    instance, epoch, quiet_us (when they were written, 0 where nothing was asked
///                           before), last_us (quota), turn (order of offers)
///   offer:<class>   zset    slice → turn: waits for a collector
///   leased          zset    slice → expiry, ms
///   held:<owner>    set     slices a collector slot holds
///   slice:<id>      hash    seq, link, cur (absent: none), done, nonce, exp, owner, att,
///                           ack (last acknowledged seq), desc, class
///   ended:<id>      string  seq of the committed last page, for a minute: what slice:<id> leaves
///   chain:<id>      hash    link of a page → "shard entry bytes link" of the queued page behind it
///   queue:<shard>   stream  m (envelope), b (body)
///   room            hash    jobs, bytes, reserved
///   room:held       zset    reservation → deadline, ms
///   room:size       hash    reservation → bytes
///   starts          hash    link → starts without an end
// clang-format on
namespace pawl::queue {

/// instance, a random epoch, override ("1" or ""), nothing was asked before ("1" or "") → {instance, epoch}
inline const RedisScript adopt_script("adopt", RedisScript::WhenFull::run, R"lua(
local have = redis.call('HMGET', P..'meta', 'instance', 'epoch')
if have[1] and (have[1] == ARGV[1] or ARGV[3] ~= '1') then return {have[1], have[2]} end
redis.call('HSET', P..'meta', 'instance', ARGV[1], 'epoch', ARGV[2],
           'quiet_us', ARGV[4] == '1' and 0 or digits(now_us))
return {ARGV[1], ARGV[2]}
)lua");

/// SEED (rule R8). slice, tip seq, tip link, has cursor, cursor, descriptor, class, force →
/// {answer, frontier seq, purged}
inline const RedisScript offer_script("offer", RedisScript::WhenFull::run, R"lua(
local id, tip_seq, tip_link = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local has_cursor, cursor, desc = ARGV[4] == '1', ARGV[5], ARGV[6]
local class, force = ARGV[7], ARGV[8] == '1'
local other = class == 'live' and 'backfill' or 'live'
local key, chain = P..'slice:'..id, P..'chain:'..id
local f = redis.call('HMGET', key, 'seq', 'link', 'done', 'nonce', 'exp', 'owner', 'ack')
local seq, link, done, nonce, owner = tonumber(f[1]), f[2], f[3] == '1', f[4], f[6]
local waits = redis.call('ZSCORE', P..'offer:'..class, id)
local waits_elsewhere = redis.call('ZSCORE', P..'offer:'..other, id)
local leased = redis.call('ZSCORE', P..'leased', id)
local next_page = redis.call('HGET', chain, tip_link)
redis.call('HLEN', P..'starts')
read_room()

local function wait_for_collector()
  if waits_elsewhere then redis.call('ZREM', P..'offer:'..other, id) end
  if not waits then redis.call('ZADD', P..'offer:'..class, next_turn(), id) end
end
local function write_frontier()
  redis.call('HDEL', key, 'cur', 'done', 'nonce', 'exp', 'owner', 'att')
  redis.call('HSET', key, 'seq', tip_seq, 'link', tip_link, 'ack', tip_seq)
  redis.call('HSET', key, 'desc', desc, 'class', class)
  if has_cursor then redis.call('HSET', key, 'cur', cursor) end
  drop_lease(id, owner)
  wait_for_collector()
end

if not seq then
  -- Ended after the caller read its tip: seeding it would ask for its last page again.
  local ended = tonumber(redis.call('GET', P..'ended:'..id))
  if ended and ended > tip_seq and not force then return {'behind', ended, 0} end
  local purged = purge_chain(id)  -- of a slice we know nothing of: nothing of it can be continued
  book_freed()
  write_frontier()
  return {'offered', -1, purged}
end
-- The caller read its tip before a page was acknowledged here. Writing the frontier from it would
-- fetch pages again that are committed.
if not force and (tonumber(f[7]) or 0) > tip_seq then return {'behind', seq, 0} end
-- R8: a queued page continues the tip. Seeding now would make a second branch beside it, and with a
-- slow worker another one each time (the storm of protocol.md). The index is believed only if the
-- entry is there.
if next_page then
  local shard, entry = string.match(next_page, '^(%d+) (%S+) ')
  if shard and #redis.call('XRANGE', P..'queue:'..shard, entry, entry) > 0 then
    return {'chained', seq, 0}
  end
end
if link == tip_link and not done then
  if nonce then
    if not leased then redis.call('ZADD', P..'leased', tonumber(f[5]) or 0, id) end
    return {'leased', seq, 0}
  end
  if waits then return {'waiting', seq, 0} end
  redis.call('HSET', key, 'desc', desc, 'class', class)
  wait_for_collector()
  return {'same', seq, 0}
end
-- The frontier is ahead, behind or done, and nothing on the queue will close the gap: whatever is
-- queued of this slice is a branch that Postgres will never take. It goes in the same step, else
-- its pages would meet those of the new branch.
local purged = purge_chain(id)
book_freed()
write_frontier()
return {'reseeded', seq, purged}
)lua");

/// owner, count, ttl ms, one nonce per slice wanted → list of
/// {slice, nonce index, seq, link, has cursor, cursor, attempts, lapsed, owner before, descriptor}
inline const RedisScript lease_script("lease", RedisScript::WhenFull::run, R"lua(
local owner, count, ttl = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local held, expiry = P..'held:'..owner, digits(now_ms + ttl)
redis.call('SCARD', held)
local taken = {}
local function take(id, lapsed)
  local key = P..'slice:'..id
  local f = redis.call('HMGET', key, 'seq', 'link', 'cur', 'done', 'owner', 'att', 'desc')
  redis.call('ZREM', P..'offer:live', id)
  redis.call('ZREM', P..'offer:backfill', id)
  drop_lease(id, f[5])
  if not f[1] or f[4] == '1' then return end  -- finished or forgotten: nothing to walk
  local n = #taken + 1
  redis.call('HSET', key, 'nonce', ARGV[3 + n], 'exp', expiry, 'owner', owner)
  redis.call('ZADD', P..'leased', expiry, id)
  redis.call('SADD', held, id)
  local has_cursor = f[3] and 1 or 0
  taken[n] = {id, n, f[1], f[2], has_cursor, f[3] or '', f[6] or '0', lapsed, f[5] or '', f[7]}
end
local lapsed = redis.call('ZRANGEBYSCORE', P..'leased', '-inf', now_ms, 'LIMIT', 0, count)
for _, id in ipairs(lapsed) do take(id, 1) end
for _, class in ipairs({'live', 'backfill'}) do
  local wanted = count - #taken
  if wanted > 0 then
    for _, id in ipairs(redis.call('ZRANGE', P..'offer:'..class, 0, wanted - 1)) do take(id, 0) end
  end
end
return taken
)lua");

/// ttl ms, then slice and nonce in turn → slices that are no longer held by that nonce. A lease
/// that has lapsed but that nobody took goes on.
inline const RedisScript renew_script("renew", RedisScript::WhenFull::run, R"lua(
local expiry, lost = digits(now_ms + tonumber(ARGV[1])), {}
for i = 2, #ARGV, 2 do
  local id, key = ARGV[i], P..'slice:'..ARGV[i]
  if redis.call('HGET', key, 'nonce') == ARGV[i + 1] then
    redis.call('HSET', key, 'exp', expiry)
    redis.call('ZADD', P..'leased', expiry, id)
  else
    lost[#lost + 1] = id
  end
end
return lost
)lua");

/// slice, nonce → 1 when it was held. Goes to the end of the line: a collector that cannot walk it
/// (another version of the source file) must not get it again at once.
inline const RedisScript release_script("release", RedisScript::WhenFull::run, R"lua(
local id, key = ARGV[1], P..'slice:'..ARGV[1]
local f = redis.call('HMGET', key, 'nonce', 'owner', 'class')
if f[1] ~= ARGV[2] then return 0 end
drop_lease(id, f[2])
redis.call('HDEL', key, 'nonce', 'exp', 'owner')
redis.call('ZADD', P..'offer:'..(f[3] or 'backfill'), next_turn(), id)
return 1
)lua");

/// owner, bound → slices that were held and wait again, at the head of the line.
inline const RedisScript reclaim_script("reclaim", RedisScript::WhenFull::run, R"lua(
local owner, freed = ARGV[1], {}
for _, id in ipairs(redis.call('SRANDMEMBER', P..'held:'..owner, tonumber(ARGV[2]))) do
  local key = P..'slice:'..id
  local f = redis.call('HMGET', key, 'owner', 'class')
  redis.call('SREM', P..'held:'..owner, id)
  if f[1] == owner then
    drop_lease(id, owner)
    redis.call('HDEL', key, 'nonce', 'exp', 'owner')
    redis.call('ZADD', P..'offer:'..(f[2] or 'backfill'), 0, id)
    freed[#freed + 1] = id
  end
end
return {redis.call('SCARD', P..'held:'..owner), freed}
)lua");

/// slice, nonce → failed fetches of the next page so far. Another collector's count is told, not
/// changed.
inline const RedisScript attempt_script("attempt", RedisScript::WhenFull::run, R"lua(
local key = P..'slice:'..ARGV[1]
local f = redis.call('HMGET', key, 'nonce', 'att')
if f[1] ~= ARGV[2] then return tonumber(f[2]) or 0 end
return redis.call('HINCRBY', key, 'att', 1)
)lua");

/// APPEND. slice, nonce, seq, link, previous link, has next cursor, next cursor, last, shard,
/// envelope, body, bytes bound, reservation, ttl ms → answer
inline const RedisScript advance_script("advance", RedisScript::WhenFull::refuse, R"lua(
local id, nonce, seq, link, previous = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local has_cursor, cursor, last, shard = ARGV[6] == '1', ARGV[7], ARGV[8] == '1', ARGV[9]
local envelope, body, bytes_max, reservation = ARGV[10], ARGV[11], tonumber(ARGV[12]), ARGV[13]
local expiry = digits(now_ms + tonumber(ARGV[14]))
local key, chain, queue = P..'slice:'..id, P..'chain:'..id, P..'queue:'..shard
local f = redis.call('HMGET', key, 'seq', 'link', 'nonce', 'owner', 'done')

-- A lost reply: this very page has been taken. Links are random, so an equal link is the same page.
if f[2] == link and tonumber(f[1]) == seq then
  if f[3] == nonce then  -- not after the last page, which ends the lease
    redis.call('HSET', key, 'exp', expiry)
    redis.call('ZADD', P..'leased', expiry, id)
  end
  return 'duplicate'
end
-- The nonce fences a collector whose lease went to another; the link one whose frontier was written
-- anew under it (a restored or wiped Redis); the number a page out of order.
if f[3] ~= nonce or f[2] ~= previous or f[5] == '1' then return 'fenced' end
if tonumber(f[1]) ~= seq - 1 then return 'fenced' end

-- Reading what will be written checks its type, see the prelude.
redis.call('HLEN', chain)
redis.call('XLEN', queue)
redis.call('ZSCORE', P..'leased', id)
redis.call('SISMEMBER', P..'held:'..f[4], id)
redis.call('ZCARD', P..'room:held')
end_lapsed_room()
local jobs, bytes, reserved = read_room()
local size = #envelope + #body
local own = reservation ~= '' and tonumber(redis.call('HGET', P..'room:size', reservation) or nil)
-- Reserved room pays for the page. A page that came out larger competes with what is on the queue,
-- not with the reservations of others: each of them may be held up the same way. An empty queue
-- takes any page.
local fits = jobs == 0 or (own and (size <= own or bytes + size <= bytes_max))
if not own then fits = fits or bytes + reserved + size <= bytes_max end
if not fits then return 'full' end

if own then end_room(reservation) end
local entry = redis.call('XADD', queue, '*', 'm', envelope, 'b', body)
redis.call('HSET', chain, previous, shard..' '..entry..' '..size..' '..link)
redis.call('HSET', P..'room', 'jobs', jobs + 1, 'bytes', digits(bytes + size))
redis.call('HDEL', key, 'att', 'cur')
redis.call('HSET', key, 'seq', seq, 'link', link)
if has_cursor then redis.call('HSET', key, 'cur', cursor) end
if last then
  redis.call('HSET', key, 'done', '1')
  redis.call('HDEL', key, 'nonce', 'exp', 'owner')
  drop_lease(id, f[4])
else
  redis.call('HSET', key, 'exp', expiry)
  redis.call('ZADD', P..'leased', expiry, id)
end
return 'ok'
)lua");

/// slices → nothing left of them
inline const RedisScript forget_script("forget", RedisScript::WhenFull::run, R"lua(
for _, id in ipairs(ARGV) do drop_slice(id) end
book_freed()
return #ARGV
)lua");

/// → {waiting live, waiting backfill, leased}
inline const RedisScript frontier_totals_script("frontier totals", RedisScript::WhenFull::run,
                                                R"lua(
return {redis.call('ZCARD', P..'offer:live'), redis.call('ZCARD', P..'offer:backfill'),
        redis.call('ZCARD', P..'leased')}
)lua");

/// slice → {seq, link, done, leased, chained}, or nothing
inline const RedisScript frontier_view_script("frontier view", RedisScript::WhenFull::run, R"lua(
local f = redis.call('HMGET', P..'slice:'..ARGV[1], 'seq', 'link', 'done', 'nonce')
if not f[1] then return {} end
local chained = redis.call('HLEN', P..'chain:'..ARGV[1])
return {f[1], f[2], f[3] == '1' and 1 or 0, f[4] and 1 or 0, chained}
)lua");

}  // namespace pawl::queue
