#pragma once

#include "queue/redis_script.hpp"

// clang-format off
/// The scripts behind queue/redis_page_queue.cpp. Beside the keys of queue/frontier_scripts.hpp:
///   shards    hash  shard → "nonce expiry" of the worker that reads it
///   workers   zset  nonce → expiry, ms
/// All run while Redis is over its memory: they are how the queue drains.
// clang-format on
namespace pawl::queue {

/// worker, ttl ms → {shards held …}, {jobs found on a shard whose worker had died …}
inline const RedisScript hold_shards_script("hold shards", RedisScript::WhenFull::run, R"lua(
local worker, expiry = ARGV[1], digits(now_ms + tonumber(ARGV[2]))
redis.call('HLEN', P..'shards')
redis.call('ZADD', P..'workers', expiry, worker)
redis.call('ZREMRANGEBYSCORE', P..'workers', '-inf', now_ms)
local fair = math.ceil(shards / math.max(1, redis.call('ZCARD', P..'workers')))
local mine, free, lapsed = {}, {}, {}
for p = 0, shards - 1 do
  local holder = redis.call('HGET', P..'shards', p)
  local nonce, exp = string.match(holder or '', '^(%S+) (%d+)$')
  if nonce == worker then
    mine[#mine + 1] = p
  elseif not nonce or tonumber(exp) <= now_ms then
    free[#free + 1] = p
    lapsed[p] = nonce ~= nil
  end
end
while #mine > fair do redis.call('HDEL', P..'shards', table.remove(mine)) end
local claimed = 0
for _, p in ipairs(free) do
  if #mine >= fair then break end
  mine[#mine + 1] = p
  if lapsed[p] then claimed = claimed + redis.call('XLEN', P..'queue:'..p) end
end
for _, p in ipairs(mine) do redis.call('HSET', P..'shards', p, worker..' '..expiry) end
return {mine, claimed}
)lua");

/// worker → nothing of it left
inline const RedisScript release_shards_script("release shards", RedisScript::WhenFull::run, R"lua(
for p = 0, shards - 1 do
  local holder = redis.call('HGET', P..'shards', p)
  if holder and string.match(holder, '^%S+') == ARGV[1] then redis.call('HDEL', P..'shards', p) end
end
return redis.call('ZREM', P..'workers', ARGV[1])
)lua");

/// shard, count → ids of its oldest entries, without their bodies
inline const RedisScript oldest_script("oldest", RedisScript::WhenFull::run, R"lua(
local ids = {}
local entries = redis.call('XRANGE', P..'queue:'..ARGV[1], '-', '+', 'COUNT', ARGV[2])
for i, entry in ipairs(entries) do ids[i] = entry[1] end
return ids
)lua");

/// links → for each, starts before this one that had no end
inline const RedisScript start_script("start", RedisScript::WhenFull::run, R"lua(
local before = {}
for i, link in ipairs(ARGV) do before[i] = redis.call('HINCRBY', P..'starts', link, 1) - 1 end
return before
)lua");

/// links → their start counts are one lower
inline const RedisScript give_back_script("give back", RedisScript::WhenFull::run, R"lua(
for _, link in ipairs(ARGV) do
  local count = tonumber(redis.call('HGET', P..'starts', link))
  if count and count > 1 then
    redis.call('HSET', P..'starts', link, count - 1)
  elseif count then
    redis.call('HDEL', P..'starts', link)
  end
end
return #ARGV
)lua");

/// Per entry nine arguments: shard, entry, slice, seq, link, previous, bytes, committed, ended →
/// entries that were there
inline const RedisScript acknowledge_script("acknowledge", RedisScript::WhenFull::run, R"lua(
redis.call('HLEN', P..'starts')
for _, class in ipairs(classes) do redis.call('ZCARD', P..'offer:'..class) end
redis.call('ZCARD', P..'leased')
read_room()
local ended_ms = 60 * 1000  -- an offer is on its way for less, unless its process was stopped
local found = 0
for i = 1, #ARGV, 9 do
  local shard, entry, id, seq = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
  local link, previous, bytes = ARGV[i + 4], ARGV[i + 5], ARGV[i + 6]
  local committed, ended = ARGV[i + 7] == '1', ARGV[i + 8] == '1'
  local key, chain = P..'slice:'..id, P..'chain:'..id
  local have = redis.call('HMGET', key, 'seq', 'ack')
  if take_off(shard, entry, bytes) then found = found + 1 end
  redis.call('HDEL', P..'starts', link)
  -- The index may already name another page behind the same one: a new branch after a fork. Only
  -- our own entry goes.
  local indexed = redis.call('HGET', chain, previous)
  if indexed and string.match(indexed, '^%d+ %S+') == shard..' '..entry then
    redis.call('HDEL', chain, previous)
  end
  if ended then
    -- Done in Postgres, whatever a later branch here believes: none of its pages would be stored.
    drop_slice(id)
    if committed then redis.call('SET', P..'ended:'..id, seq, 'PX', ended_ms) end
  elseif committed and have[1] and (tonumber(have[2]) or 0) < seq then
    redis.call('HSET', key, 'ack', seq)  -- offers with an older tip are now told so
  end
end
book_freed()
return found
)lua");

/// → {jobs, bytes, bytes reserved, age of the oldest entry in ms}
inline const RedisScript queue_totals_script("queue totals", RedisScript::WhenFull::run, R"lua(
local _, bytes, reserved = read_room()
local jobs, oldest = 0, now_ms
for p = 0, shards - 1 do
  jobs = jobs + redis.call('XLEN', P..'queue:'..p)
  local first = redis.call('XRANGE', P..'queue:'..p, '-', '+', 'COUNT', 1)[1]
  if first then oldest = math.min(oldest, tonumber(string.match(first[1], '^%d+'))) end
end
return {jobs, digits(bytes), digits(reserved), now_ms - oldest}
)lua");

}  // namespace pawl::queue
