#include "queue/redis_script.hpp"

#include <openssl/sha.h>

#include <array>

namespace pawl::queue {
namespace {

// In front of every script. Redis does not roll a script back when it fails half-way: so each one
// reads, and thereby checks the types of, all keys it is going to write before its first write.
constexpr std::string_view prelude = R"lua(
local P = KEYS[1]
local shards = 16
local classes = {'live', 'on_demand', 'backfill'}  -- the first are leased first
local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now_ms = math.floor(now_us / 1000)
-- Lua writes 1.7e+15 for microseconds; Redis must see all digits.
local function digits(number) return string.format('%.0f', number) end

-- Room on the queue: jobs and bytes on it, bytes reserved for pages that are being fetched.
local freed_jobs, freed_bytes = 0, 0
local function read_room()
  local r = redis.call('HMGET', P..'room', 'jobs', 'bytes', 'reserved')
  return tonumber(r[1]) or 0, tonumber(r[2]) or 0, tonumber(r[3]) or 0
end
-- Takes one entry off the queue; false when it was not there any more, then its bytes were given
-- back before.
local function take_off(shard, entry, bytes)
  if redis.call('XDEL', P..'queue:'..shard, entry) == 0 then return false end
  freed_jobs = freed_jobs + 1
  freed_bytes = freed_bytes + (tonumber(bytes) or 0)
  return true
end
-- Books what take_off freed. The counters steer the flow and are not a truth: they never go below
-- zero, and start anew from zero when the shards are empty.
local function book_freed()
  if freed_jobs == 0 then return end
  local _, bytes = read_room()
  local jobs = 0
  for p = 0, shards - 1 do jobs = jobs + redis.call('XLEN', P..'queue:'..p) end
  bytes = math.max(0, bytes - freed_bytes)
  if jobs == 0 then bytes = 0 end
  redis.call('HSET', P..'room', 'jobs', jobs, 'bytes', digits(bytes))
  freed_jobs, freed_bytes = 0, 0
end
-- Gives a reservation's room back; returns its bytes, nil when there is none of that name.
local function end_room(id)
  local size = redis.call('HGET', P..'room:size', id)
  if not size then return nil end
  redis.call('HDEL', P..'room:size', id)
  redis.call('ZREM', P..'room:held', id)
  local _, _, reserved = read_room()
  redis.call('HSET', P..'room', 'reserved', digits(math.max(0, reserved - tonumber(size))))
  return tonumber(size)
end
-- Reservations of collectors that died. Bounded; the next call goes on.
local function end_lapsed_room()
  local lapsed = redis.call('ZRANGEBYSCORE', P..'room:held', '-inf', now_ms, 'LIMIT', 0, 100)
  for _, id in ipairs(lapsed) do
    if not end_room(id) then redis.call('ZREM', P..'room:held', id) end
  end
end

-- Takes what is queued of a slice off the queue: a branch that nothing will commit.
local function purge_chain(slice)
  local chain = P..'chain:'..slice
  local entries = redis.call('HGETALL', chain)
  for i = 1, #entries, 2 do
    local shard, entry, bytes, link = string.match(entries[i + 1], '^(%d+) (%S+) (%d+) (%S+)$')
    if shard then
      take_off(shard, entry, bytes)
      redis.call('HDEL', P..'starts', link)
    end
    redis.call('HDEL', chain, entries[i])
  end
  return #entries / 2
end
-- Offers are taken in the order of their turns.
local function next_turn() return redis.call('HINCRBY', P..'meta', 'turn', 1) end
local function drop_lease(slice, owner)
  redis.call('ZREM', P..'leased', slice)
  if owner then redis.call('SREM', P..'held:'..owner, slice) end
end
-- Leaves nothing of a slice. HDEL of every field: the access rules of the server need not allow
-- DEL.
local function drop_slice(slice)
  local key = P..'slice:'..slice
  local owner = redis.call('HGET', key, 'owner')
  drop_lease(slice, owner)
  for _, class in ipairs(classes) do redis.call('ZREM', P..'offer:'..class, slice) end
  purge_chain(slice)
  redis.call('HDEL', key, 'seq', 'link', 'cur', 'done', 'nonce', 'exp', 'owner', 'att', 'ack',
             'desc', 'class')
end
)lua";

std::string sha1_hex(const std::string& text) {
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const unsigned byte : digest) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return hex;
}

}  // namespace

RedisScript::RedisScript(std::string_view name, WhenFull when_full, std::string_view body)
    : name_(name), text_(when_full == WhenFull::run ? "#!lua flags=allow-oom" : "#!lua") {
    text_ += prelude;
    text_ += body;
    sha1_ = sha1_hex(text_);
}

}  // namespace pawl::queue
