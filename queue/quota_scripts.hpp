#pragma once

#include "queue/redis_script.hpp"

// clang-format off
/// The scripts behind queue/redis_quota.cpp: a source's quota ledger. Beside the keys of
/// queue/frontier_scripts.hpp:
///   quota:<limit>:<owner>   string  state of one limit of one owner, a map in MessagePack: read and
///                                   written whole, which costs Redis a third of a hash's fields.
///                                   as asked: name, owner, count, period, burst, pace
///                                   as told by the API, reserve taken off: limit
///                                   told: used, reset, assumed, seen, blind, dead, dead_us, late,
///                                   late_us, known, silent, probe · fixed: used, reset, late, late_us
///                                   sliding, bucket: tat, since, slack
///                                   all: blocked, requests (in flight), flying (their units)
///   flight                  zset    reservation → deadline, µs: requests not settled yet
///   flying                  hash    reservation → the slot of its process, then key and units of each
///                                   limit, in MessagePack
///   limits                  set     "<limit>:<owner>" that were ever asked for
///   quarantine              hash    owner → reason
///
/// People read a ledger with `pawl status`, or redis.call('GET', …) and cmsgpack.unpack.
///
/// A request takes `cost` units of each limit, mostly 1.
///
/// A told window (the API tells remaining and reset) is spent at any pace. What the API has counted
/// in it is at most
///   seen (most it told) + blind (settled without being told) + in flight
/// since a request that was counted after the most told one has not been told, so it is blind or in
/// flight. `used` is that sum once the API has told something in this window, and the number of
/// reservations before. So no more is granted than there is, in whatever order responses come, and
/// the ledger corrects itself downwards when the API forgave requests. What a process that died had in
/// flight is blind (`dead` of it) until the API tells something to a request that was granted later: by
/// then it has counted them, or never will.
///
/// A fixed window follows a clock that the collector knows: it says when the window ends, and the
/// one after it. Nobody asks within a guard around the end, for clocks that differ a little; what is
/// in flight when a window begins counts in it too, and so does what was settled so late that it may
/// have been counted in it (`late`).
///
/// The others are GCRA: `tat` is when the bucket is empty again. With interval T and burst b a closed
/// window of P holds at most floor(P / T) + b units. Sliding: T is chosen so that this is at most
/// `count`, for a P that is longer by the guard. Bucket: T is P / `count`, as the API's own bucket fills.
/// A free request is given back only as far as that would have let the grants after it go sooner: a bucket
/// that was full, or nearly, in between had forgotten it. `slack` is how far the tat was ahead at least,
/// of all grants after `since`, less what was given back.
// clang-format on
namespace pawl::queue {

namespace quota_text {
/// Times in µs. Shared by the three scripts.
inline constexpr std::string_view common = R"lua(
local ms, second = 1000, 1000000
local flight_us = 120 * second   -- a request is over by then: its collector died
local grace_us = 2 * second      -- so long after a process died its last requests may reach the API
local send_ms = 10 * 1000        -- a reservation that is not sent by then must not be sent
local margin = 1 * second        -- APIs cut the time of a reset to seconds
local same_window = 2 * second   -- resets this close name the same window
local poll = 100 * ms            -- when nobody can know when it will be free: slots, probes, room
local probe_us = 10 * second     -- another probe may go when the last one never answered
local silent_max = 3             -- probes that came back without a word about the limit

local function key_of(l)
  l.key = l.key or P..'quota:'..l.name..':'..l.owner
  return l.key
end
local function load(key)
  local packed = redis.call('GET', key)
  return packed and cmsgpack.unpack(packed) or {}
end
local function store(key, q) redis.call('SET', key, cmsgpack.pack(q)) end
local function interval(l)
  local burst = math.max(1, math.min(math.max(l.burst, l.cost or 1), l.count))
  if l.pace == 'bucket' then return math.ceil(l.period / l.count), burst end
  return math.ceil((l.period + l.guard) / (l.count - burst + 1)) + 1, burst
end
local function read_quota(l)
  local q = load(key_of(l))
  -- A clock that was set back: no window lasts longer than two of its periods.
  if l.pace == 'told' and q.reset and q.reset > now_us + 2 * l.period then
    q.reset = now_us + l.period
    store(key_of(l), q)
  end
  return q
end
-- What view() tells of a limit.
local function keep_asked(l, q)
  if q.pace == l.pace and q.count == l.count and q.period == l.period and q.burst == l.burst then return end
  q.name, q.owner, q.pace, q.count, q.period, q.burst = l.name, l.owner, l.pace, l.count, l.period, l.burst
  redis.call('SADD', P..'limits', l.name..':'..l.owner)
end
-- Units that may be counted in the window that begins after them, and more of that kind.
local function late(l, q)
  return q.late_us and now_us < q.late_us + l.period + margin and q.late or 0
end
local function add_late(l, q) q.late, q.late_us = late(l, q) + l.cost, now_us end
-- Removes reservations of collectors that died; their requests count as sent and untold. Bounded;
-- the next call goes on.
local function end_lapsed_flights()
  redis.call('HLEN', P..'flying')
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', P..'flight', '-inf', digits(now_us), 'LIMIT', 0, 100)) do
    local packed = redis.call('HGET', P..'flying', id)
    local held = packed and cmsgpack.unpack(packed) or {}
    for i = 2, #held, 2 do
      local q, units = load(held[i]), held[i + 1]
      q.requests, q.flying = (q.requests or 1) - 1, (q.flying or units) - units
      if q.pace == 'told' then
        q.blind, q.dead, q.dead_us = (q.blind or 0) + units, (q.dead or 0) + units, now_us
      end
      store(held[i], q)
    end
    redis.call('ZREM', P..'flight', id)
    redis.call('HDEL', P..'flying', id)
  end
end
)lua";

inline constexpr std::string_view reserve = R"lua(
-- The reservation's name, bytes of room wanted, bytes the queue may hold, the process's slot, whether
-- it asks for the first time, then one payer each: mostly the first grants, and the others need not be
-- decoded.
local id, room, bytes_max = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local slot, is_first = ARGV[4], ARGV[5] == '1'
local before_payers = 5
redis.call('SCARD', P..'limits')
-- What the process before it in this slot had in flight is over soon.
if is_first and slot ~= '' then
  local all, soon = redis.call('HGETALL', P..'flying'), digits(now_us + grace_us)
  for i = 1, #all, 2 do
    if cmsgpack.unpack(all[i + 1])[1] == slot then redis.call('ZADD', P..'flight', 'XX', 'LT', soon, all[i]) end
  end
end
end_lapsed_flights()
local meta = redis.call('HMGET', P..'meta', 'last_us', 'quiet_us')
local last_us = tonumber(meta[1]) or 0
-- Since when nobody asked for anything, as far as this Redis can know.
local quiet_us = math.max(last_us, tonumber(meta[2]) or now_us)

-- When this limit could grant; nil: now, and `q` is what it becomes when all limits do.
local function ask(l, q)
  local requests, inflight = q.requests or 0, q.flying or 0
  if q.blocked and q.blocked > now_us then return q.blocked end
  if l.concurrency > 0 and requests >= l.concurrency then return now_us + poll end
  if l.count <= 0 then return nil end
  local cost = math.min(l.cost, q.limit or l.count)  -- one that takes more than there is takes all
  if l.pace == 'fixed' then
    local ends = now_us < l.ends + l.guard and l.ends or l.next_ends
    if now_us >= ends + l.guard then ends = now_us + l.period end  -- the collector's clock is far off
    if now_us >= ends - l.guard then return ends + l.guard end
    local is_same = q.reset == ends
    local used = is_same and (q.used or 0) or inflight + late(l, q)
    if used > 0 and used + cost > l.count then return ends + l.guard end
    q.late = is_same and late(l, q) or 0
    q.used, q.reset = used + cost, ends
    return nil
  end
  if l.pace ~= 'told' then
    local step, burst = interval(l)
    -- A new bucket (first request ever, or Redis was wiped) lets one go, and has what flowed in
    -- since nobody asked: what went before cannot be known, but it emptied the bucket at most.
    local free = (burst - cost) * step
    local tat = q.tat or math.min(now_us + free, quiet_us + burst * step)
    tat = math.min(math.max(tat, now_us), now_us + burst * step)
    local ahead = tat - now_us
    if ahead > free then return tat - free end
    if cost == 0 then return nil end
    local is_fresh = not q.since or ahead < step
    q.slack = is_fresh and burst * step or math.min(q.slack, ahead)
    if is_fresh then q.since = now_us end
    q.tat = tat + cost * step
    return nil
  end
  local is_over = not q.reset or now_us >= q.reset + margin
  if q.known ~= 1 then
    -- Nothing known (first request ever, or wiped): one request finds out where the API's count
    -- stands.
    if requests > 0 and (q.probe or 0) > now_us then return math.min(q.probe, now_us + poll) end
    q.probe = now_us + probe_us
  elseif is_over then
    if inflight + late(l, q) + cost > (q.limit or l.count) then return now_us + poll end
  elseif (q.used or 0) + cost > (q.limit or l.count) then
    return q.reset + margin
  end
  if is_over then
    -- A new window. Requests in flight may be counted in it. Its end is a guess until the API tells.
    q.blind, q.late, q.seen, q.dead = late(l, q), 0, nil, 0
    q.used, q.reset, q.assumed = inflight + q.blind, now_us + l.period, 1
  end
  q.used = (q.used or 0) + cost
  return nil
end

-- The first payer all of whose limits grant, else how long at least.
local grants, chosen, limits, earliest, binding, bound_owner
for index = 1, #ARGV - before_payers do
  local payer = cjson.decode(ARGV[before_payers + index])
  local states, latest, reason = {}, nil, nil
  if payer.owner ~= '' and redis.call('HEXISTS', P..'quarantine', payer.owner) == 1 then
    latest, reason = now_us + 5 * second, 'quarantine'
  else
    for i, l in ipairs(payer.limits) do
      local q = read_quota(l)
      local at = ask(l, q)
      if at and (not latest or at > latest) then latest, reason = at, l.name end
      states[i] = q
    end
  end
  if not latest then
    grants, chosen, limits = states, index, payer.limits
    break
  end
  if not earliest or latest < earliest then
    earliest, binding, bound_owner = latest, reason, payer.owner
  end
end
if not chosen then
  local wait_ms = earliest and math.max(1, math.ceil((earliest - now_us) / ms)) or 1000
  return {0, wait_ms, binding or 'no payer', bound_owner or ''}
end
if room > 0 then
  redis.call('ZCARD', P..'room:held')
  redis.call('HLEN', P..'room:size')
  end_lapsed_room()
  local jobs, bytes, reserved = read_room()
  local is_empty = jobs == 0 and reserved == 0  -- takes a page of any size
  if not is_empty and bytes + reserved + room > bytes_max then return {0, poll / ms, 'room', ''} end
  redis.call('ZADD', P..'room:held', digits(now_ms + flight_us / ms), id)
  redis.call('HSET', P..'room:size', id, digits(room))
  redis.call('HSET', P..'room', 'reserved', digits(reserved + room))
end
local held = {slot}
for i, l in ipairs(limits) do
  local q = grants[i]
  q.requests, q.flying = (q.requests or 0) + 1, (q.flying or 0) + l.cost
  keep_asked(l, q)
  store(key_of(l), q)
  held[2 * i], held[2 * i + 1] = key_of(l), l.cost
end
redis.call('ZADD', P..'flight', digits(now_us + flight_us), id)
redis.call('HSET', P..'flying', id, cmsgpack.pack(held))
-- The version of the rows that this request will bring: never the same twice, never going back with
-- the clock.
local at = math.max(now_us, last_us + 1)
redis.call('HSET', P..'meta', 'last_us', digits(at))
return {1, chosen - 1, digits(at), send_ms}
)lua";

inline constexpr std::string_view settle = R"lua(
-- A settlement, see Settlement. Asked twice (a lost reply) it changes nothing more: the reservation
-- has left the flight.
local s = cjson.decode(ARGV[1])
local function told_about(l)
  for _, told in ipairs(s.feedback) do
    if told.name == l.name and told.owner == l.owner then return told end
  end
  return {}
end

local function settle_told(l, q, deadline, told)
  local was_flying = deadline ~= nil
  local paid = was_flying and not s.refund
  -- Nobody says in which window it was counted.
  if paid and not (told.remaining and told.reset) and q.reset and now_us >= q.reset - same_window then
    add_late(l, q)
  end
  if was_flying and s.refund then q.used = math.max(0, (q.used or 0) - l.cost) end
  if told.limit then q.limit = math.max(1, math.floor(told.limit * (1 - l.reserve))) end
  if not told.remaining then
    if paid then
      -- The API's window began with the first that it counted, and that may be this one.
      if q.assumed == 1 and (q.blind or 0) == 0 and not q.seen then q.reset = now_us + l.period end
      q.blind, q.silent = (q.blind or 0) + l.cost, (q.silent or 0) + 1
      if q.silent >= silent_max then q.known = 1 end
    end
    return
  end
  local raw = told.limit or math.floor(l.count / (1 - l.reserve) + 0.5)
  local seen, reset = math.max(0, raw - told.remaining), told.reset
  local ends = reset or q.reset
  -- A window that is over tells nothing of this one, but the probe has done its work only when it
  -- told of this one.
  if ends and ends + margin <= now_us then return end
  q.known, q.silent = 1, 0
  local compares = reset and q.reset and q.assumed ~= 1
  if compares and reset < q.reset - same_window then return end
  local is_newer = compares and reset > q.reset + same_window
  if is_newer or not q.reset then  -- the window began before we noticed
    q.blind, q.dead, q.seen = 0, 0, seen
  else
    q.seen = math.max(q.seen or 0, seen)
  end
  if was_flying and (q.dead or 0) > 0 and deadline - flight_us > q.dead_us then
    q.blind, q.dead = math.max(0, q.blind - q.dead), 0
  end
  if reset then
    q.reset = compares and not is_newer and math.max(q.reset, reset) or reset
    q.assumed = 0
  elseif not q.reset then
    q.reset, q.assumed = now_us + l.period, 1
  end
  q.used = q.seen + (q.blind or 0) + (q.flying or 0)
end

end_lapsed_flights()
local deadline = tonumber(redis.call('ZSCORE', P..'flight', s.reservation) or nil)
local was_flying = deadline ~= nil
if was_flying then
  redis.call('ZREM', P..'flight', s.reservation)
  redis.call('HDEL', P..'flying', s.reservation)
end
for _, l in ipairs(s.limits) do
  local q = read_quota(l)
  if was_flying then q.requests, q.flying = (q.requests or 1) - 1, (q.flying or l.cost) - l.cost end
  if l.count > 0 and l.pace == 'told' then
    settle_told(l, q, deadline, told_about(l))
  elseif l.count > 0 and was_flying and l.pace == 'fixed' then
    if not s.refund then
      if q.reset and now_us >= q.reset - l.guard then add_late(l, q) end
    elseif q.reset and now_us < q.reset then
      q.used = math.max(0, (q.used or 0) - l.cost)
    end
  elseif l.count > 0 and was_flying and s.refund and q.tat and deadline - flight_us >= (q.since or now_us) then
    local back = math.min(l.cost * interval(l), q.slack)
    q.tat, q.slack = q.tat - back, q.slack - back
  end
  if s.block_us > 0 then
    keep_asked(l, q)
    q.blocked = math.max(q.blocked or 0, now_us + s.block_us)
  end
  if next(q) then store(key_of(l), q) end
end
if s.release_room then end_room(s.reservation) end
return 1
)lua";

inline constexpr std::string_view view = R"lua(
-- → per limit {name, owner, limit, used, reset in µs from now, in flight, blocked}
local rows = {}
end_lapsed_flights()
for _, name in ipairs(redis.call('SMEMBERS', P..'limits')) do
  local l = load(P..'quota:'..name)
  if l.name then
    local q = read_quota(l)
    l.guard = math.min(second, math.floor(l.period / 400))
    local inflight = q.requests or 0
    local limit, used, reset = q.limit or l.count, inflight, 0
    local is_window = l.pace == 'told' or l.pace == 'fixed'
    if l.count > 0 and is_window and q.reset and now_us < q.reset + margin then
      used, reset = q.used or 0, q.reset - now_us
    elseif l.count > 0 and not is_window then
      local step, burst = interval(l)
      reset = math.max(0, (q.tat or now_us) - now_us)
      limit, used = burst, math.min(burst, math.ceil(reset / step))
    end
    local blocked = q.blocked and q.blocked > now_us
    if blocked then reset = q.blocked - now_us end
    rows[#rows + 1] = {l.name, l.owner, limit, used, digits(math.max(0, reset)), inflight,
                       blocked and 1 or 0}
  end
end
return rows
)lua";
}  // namespace quota_text

/// Refused while Redis is over its memory: no request without room for its page.
inline const RedisScript reserve_script(
    "reserve", RedisScript::WhenFull::refuse,
    std::string(quota_text::common).append(quota_text::reserve));
inline const RedisScript settle_script("settle", RedisScript::WhenFull::run,
                                       std::string(quota_text::common).append(quota_text::settle));
inline const RedisScript quota_view_script(
    "quota view", RedisScript::WhenFull::run,
    std::string(quota_text::common).append(quota_text::view));

}  // namespace pawl::queue
