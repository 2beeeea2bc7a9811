#pragma once

#include "queue/redis_script.hpp"

// clang-format off
/// The scripts behind queue/redis_quota.cpp: a source's quota ledger. Beside the keys of
/// queue/frontier_scripts.hpp:
///   budget:<limit>:<owner>  string  state of one limit of one owner, a map in MessagePack: read and
///                                   written whole, which costs Redis a third of a hash's fields.
///                                   as asked: name, owner, count, period, burst, pace, concurrency
///                                   as told by the API, reserve taken off: limit
///                                   told: used, reset, assumed, seen, blind, dead, dead_us, late,
///                                   late_us, known, silent, probe · fixed: used, reset, late, late_us
///                                   sliding, bucket, learned: tat, since, slack
///                                   learned: rate, slots, wall, halved, grown, quick
///                                   told, fixed: window (its number), wanted (work waited in it),
///                                   lapsed, last_used, last_limit
///                                   all: blocked, requests (in flight), flying (their units),
///                                   spent (stream → {window or period, units})
///   flight                  zset    reservation → deadline, µs: requests not settled yet
///   flying                  hash    reservation → the slot of its process, then key and units of each
///                                   limit, in MessagePack
///   limits                  set     "<limit>:<owner>" that were ever asked for
///   quarantine              hash    alias of a key → reason
///   weights                 hash    class → share
///   owners                  hash    fingerprint of a key → owner
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
/// of all grants after `since`, less what was given back. Learned: T is P / `rate`.
///
/// A learned limit is AIMD (Chiu and Jain 1989) on the rate and on the requests in flight: each grows
/// while answers are clean and quick and the limit is in use, and is halved by trouble, once for all
/// requests that were under way then. As in CUBIC (RFC 9438) the rate at which trouble came is
/// remembered: growth slows down below it, so that it is not run into every minute.
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
local milli = 1000               -- learned rates and slots are kept in thousandths
local slots_start = 2            -- learned: requests in flight at first
local growth_s = 60              -- learned: seconds from nothing to the ceiling, far from trouble
local near, near_growth = 0.9, 0.05   -- learned: from this share of the wall on, growth by this share

local function key_of(l)
  l.key = l.key or P..'budget:'..l.name..':'..l.owner
  return l.key
end
local function load(key)
  local packed = redis.call('GET', key)
  return packed and cmsgpack.unpack(packed) or {}
end
local function store(key, q) redis.call('SET', key, cmsgpack.pack(q)) end
local function is_window(l) return l.pace == 'told' or l.pace == 'fixed' end
local function rate_of(l, q) return math.min(q.rate or l.start * milli, l.count * milli) end
local function slots_of(l, q)
  if l.concurrency <= 0 or l.pace ~= 'learned' then return l.concurrency end
  return math.max(1, math.min(l.concurrency, math.floor((q.slots or slots_start * milli) / milli)))
end
local function interval(l, q)
  local burst = math.max(1, math.min(math.max(l.burst, l.cost or 1), l.count))
  if l.pace == 'learned' then return math.ceil(l.period * milli / rate_of(l, q)), burst end
  if l.pace == 'bucket' then return math.ceil(l.period / l.count), burst end
  return math.ceil((l.period + l.guard) / (l.count - burst + 1)) + 1, burst
end
-- A clock that was set back: no window lasts longer than two of its periods.
local function mend_reset(l, q)
  if l.pace == 'told' and q.reset and q.reset > now_us + 2 * l.period then
    q.reset = now_us + l.period
    store(key_of(l), q)
  end
end
-- All at once: a call of Redis for each limit would cost as much as the arithmetic.
local function load_all(limits)
  local keys, states = {}, {}
  for i, l in ipairs(limits) do keys[i] = key_of(l) end
  if #keys == 0 then return states end
  local packed = redis.call('MGET', unpack(keys))
  for i, l in ipairs(limits) do
    states[i] = packed[i] and cmsgpack.unpack(packed[i]) or {}
    mend_reset(l, states[i])
  end
  return states
end
local function store_all(limits, states)
  local values = {}
  for i, l in ipairs(limits) do
    if next(states[i]) then
      values[#values + 1] = key_of(l)
      values[#values + 1] = cmsgpack.pack(states[i])
    end
  end
  if #values > 0 then redis.call('MSET', unpack(values)) end
end
-- What view() tells of a limit.
local function keep_asked(l, q)
  if q.pace == l.pace and q.count == l.count and q.period == l.period and q.burst == l.burst and
     q.concurrency == l.concurrency then return end
  q.name, q.owner, q.pace, q.count = l.name, l.owner, l.pace, l.count
  q.period, q.burst, q.concurrency = l.period, l.burst, l.concurrency
  redis.call('SADD', P..'limits', l.name..':'..l.owner)
end
-- Units that may be counted in the window that begins after them, and more of that kind.
local function late(l, q)
  return q.late_us and now_us < q.late_us + l.period + margin and q.late or 0
end
local function add_late(l, q, units) q.late, q.late_us = late(l, q) + units, now_us end
-- The window that `q` tells of is over. What was left lapsed if work waited meanwhile, for whatever
-- reason.
local function close_window(l, q)
  q.window = (q.window or 0) + 1
  local waits = q.wanted == 1
  q.wanted = nil
  if not q.used or not q.reset then return end
  if now_us < q.reset + 5 * second then
    for _, class in ipairs(classes) do waits = waits or redis.call('ZCARD', P..'offer:'..class) > 0 end
  end
  q.last_limit = q.limit or l.count
  q.last_used = math.min(q.used, q.last_limit)
  if waits then q.lapsed = (q.lapsed or 0) + q.last_limit - q.last_used end
end
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
  local all, soon = redis.call('HGETALL', P..'flying'), now_us + grace_us
  for i = 1, #all, 2 do
    if cmsgpack.unpack(all[i + 1])[1] == slot then
      redis.call('ZADD', P..'flight', 'XX', 'LT', digits(soon), all[i])
      redis.call('ZADD', P..'room:held', 'XX', 'LT', digits(math.floor(soon / ms)), all[i])
    end
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
  if l.concurrency > 0 and requests >= slots_of(l, q) then return now_us + poll end
  if l.count <= 0 then return nil end
  local cost = math.min(l.cost, q.limit or l.count)  -- one that takes more than there is takes all
  if l.pace == 'fixed' then
    local ends = now_us < l.ends + l.guard and l.ends or l.next_ends
    if now_us >= ends + l.guard then ends = now_us + l.period end  -- the collector's clock is far off
    if now_us >= ends - l.guard then return ends + l.guard end
    local is_same = q.reset == ends
    local used = is_same and (q.used or 0) or inflight + late(l, q)
    if used > 0 and used + cost > l.count then return ends + l.guard end
    if not is_same then close_window(l, q) end
    q.late = is_same and late(l, q) or 0
    q.used, q.reset = used + cost, ends
    return nil
  end
  if l.pace ~= 'told' then
    local step, burst = interval(l, q)
    -- A new bucket (first request ever, or Redis was wiped) lets one go, and has what flowed in
    -- since nobody asked: what went before cannot be known, but it emptied the bucket at most.
    local free = (burst - cost) * step
    -- A clock that was set back: no debt is older than a period. It is kept so, or each asking would
    -- find it as old as the one before.
    local oldest = now_us + burst * step + l.period
    if q.tat and q.tat > oldest then
      q.tat = oldest
      store(key_of(l), q)
    end
    local tat = math.max(q.tat or math.min(now_us + free, quiet_us + burst * step), now_us)
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
    close_window(l, q)
    q.blind, q.late, q.seen, q.dead = late(l, q), 0, nil, 0
    q.used, q.reset, q.assumed = inflight + q.blind, now_us + l.period, 1
  end
  q.used = (q.used or 0) + cost
  return nil
end

-- Work waits that these limits do not hold up: what they have left when their window ends lapses.
local function note_wanted(limits)
  for _, l in ipairs(limits) do
    local q = is_window(l) and load(key_of(l))
    if q and q.reset and now_us < q.reset and q.wanted ~= 1 then
      q.wanted = 1
      store(key_of(l), q)
    end
  end
end

-- The first payer all of whose limits grant, else how long at least.
local grants, chosen, limits, earliest, binding, bound_owner
local held_up = {}
for index = 1, #ARGV - before_payers do
  local payer = cjson.decode(ARGV[before_payers + index])
  local states, latest, reason
  if payer.key ~= '' and redis.call('HEXISTS', P..'quarantine', payer.key) == 1 then
    latest, reason = now_us + 5 * second, 'quarantine'
  else
    states = load_all(payer.limits)
    for i, l in ipairs(payer.limits) do
      local at = ask(l, states[i])
      if at and (not latest or at > latest) then latest, reason = at, l.name end
    end
  end
  if not latest then
    grants, chosen, limits = states, index, payer.limits
    break
  end
  held_up[#held_up + 1] = payer.limits
  if not earliest or latest < earliest then
    earliest, binding, bound_owner = latest, reason, payer.owner
  end
end
if not chosen then
  for _, waiting in ipairs(held_up) do note_wanted(waiting) end
  local wait_ms = earliest and math.max(1, math.ceil((earliest - now_us) / ms)) or 1000
  return {0, wait_ms, binding or 'no payer', bound_owner or ''}
end
if room > 0 then
  redis.call('ZCARD', P..'room:held')
  redis.call('HLEN', P..'room:size')
  end_lapsed_room()
  local jobs, bytes, reserved = read_room()
  local is_empty = jobs == 0 and reserved == 0  -- takes a page of any size
  if not is_empty and bytes + reserved + room > bytes_max then
    note_wanted(limits)
    return {0, poll / ms, 'room', ''}
  end
  redis.call('ZADD', P..'room:held', digits(now_ms + flight_us / ms), id)
  redis.call('HSET', P..'room:size', id, digits(room))
  redis.call('HSET', P..'room', 'reserved', digits(reserved + room))
end
local held = {slot}
for i, l in ipairs(limits) do
  local q = grants[i]
  q.requests, q.flying = (q.requests or 0) + 1, (q.flying or 0) + l.cost
  keep_asked(l, q)
  held[2 * i], held[2 * i + 1] = key_of(l), l.cost
end
store_all(limits, grants)
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

-- `units`: what the request took in the end; l.cost was reserved for it.
local function settle_told(l, q, deadline, told, units)
  local was_flying = deadline ~= nil
  local paid = was_flying and not s.refund
  -- Nobody says in which window it was counted.
  if paid and not (told.remaining and told.reset) and q.reset and now_us >= q.reset - same_window then
    add_late(l, q, units)
  end
  if was_flying then q.used = math.max(0, (q.used or 0) + units - l.cost) end
  if told.limit then q.limit = math.max(1, math.floor(told.limit * (1 - l.reserve))) end
  if not told.remaining then
    if paid then
      -- The API's window began with the first that it counted, and that may be this one.
      if q.assumed == 1 and (q.blind or 0) == 0 and not q.seen then q.reset = now_us + l.period end
      q.blind, q.silent = (q.blind or 0) + units, (q.silent or 0) + 1
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
  if is_newer then close_window(l, q) end
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
local function settle_fixed(l, q, units)
  if not s.refund and q.reset and now_us >= q.reset - l.guard then add_late(l, q, units) end
  if q.reset and now_us < q.reset then q.used = math.max(0, (q.used or 0) + units - l.cost) end
end
local function settle_spaced(l, q, units)
  if not q.tat then return end
  local more = (units - l.cost) * interval(l, q)
  if more < 0 then
    if deadline - flight_us < (q.since or now_us) then return end
    more = -math.min(-more, q.slack)
    q.slack = q.slack + more
  end
  q.tat = q.tat + more
end
local function learn(l, q, flying_before)
  local rate, slots = rate_of(l, q), q.slots or slots_start * milli
  if s.signal == 'trouble' then
    if q.halved and now_us - s.latency_us <= q.halved then return end  -- it was under way then
    local least = math.max(1, math.floor(l.start * milli / 10))
    q.rate, q.wall = math.max(least, math.floor(rate / 2)), rate
    q.slots, q.halved, q.grown = math.max(milli, math.floor(slots / 2)), now_us, now_us
    return
  end
  if s.signal ~= 'clean' then return end
  -- Quick: at most twice the best time known, which is forgotten slowly, as an API's best changes.
  local passed = math.min(second, now_us - (q.grown or now_us - second)) / second
  q.quick = math.ceil(math.min(q.quick and q.quick * 1.001 or s.latency_us, s.latency_us))
  q.grown = now_us
  if s.latency_us > 2 * q.quick + 50 * ms then return end
  local growth = l.count * milli / growth_s * passed
  if q.wall and rate > near * q.wall then growth = growth * near_growth end
  local open = slots_of(l, q)
  if l.count > 0 and q.tat and q.tat > now_us then
    q.rate = math.floor(math.min(l.count * milli, rate + math.max(1, growth)) + 0.5)
  end
  if l.concurrency > 0 and flying_before >= open then
    q.slots = math.floor(math.min(l.concurrency * milli, slots + milli * milli / slots) + 0.5)
  end
end
-- Units by stream in this window; without one, in this period.
local function spend(l, q, units)
  local window = is_window(l) and (q.window or 0) or math.floor(now_us / l.period)
  q.spent = q.spent or {}
  for stream, spent in pairs(q.spent) do
    if spent[1] ~= window then q.spent[stream] = nil end
  end
  local before = q.spent[s.stream]
  q.spent[s.stream] = {window, (before and before[2] or 0) + units}
end
local states = load_all(s.limits)
for i, l in ipairs(s.limits) do
  local q, told = states[i], told_about(l)
  local units, flying_before = s.refund and 0 or told.cost or l.cost, q.requests or 0
  if was_flying then q.requests, q.flying = flying_before - 1, (q.flying or l.cost) - l.cost end
  if l.count > 0 and l.pace == 'told' then
    settle_told(l, q, deadline, told, units)
  elseif l.count > 0 and was_flying and l.pace == 'fixed' then
    settle_fixed(l, q, units)
  elseif l.count > 0 and was_flying then
    settle_spaced(l, q, units)
  end
  if l.count > 0 and was_flying and units > 0 and s.stream ~= '' then spend(l, q, units) end
  if l.pace == 'learned' and was_flying then learn(l, q, flying_before) end
  if s.block_us > 0 then
    keep_asked(l, q)
    q.blocked = math.max(q.blocked or 0, now_us + s.block_us)
  end
end
store_all(s.limits, states)
if s.release_room then end_room(s.reservation) end
return 1
)lua";

inline constexpr std::string_view view = R"lua(
-- → per limit {name, owner, pace, limit, used, period, reset in µs from now, in flight, concurrency,
--    blocked, others, lapsed, last used, last limit, {stream, units, …}}
local rows = {}
end_lapsed_flights()
for _, name in ipairs(redis.call('SMEMBERS', P..'limits')) do
  local key = P..'budget:'..name
  local q = load(key)
  if q.name then
    local l = {key = key, name = q.name, owner = q.owner, pace = q.pace, count = q.count, period = q.period,
               burst = q.burst, concurrency = q.concurrency, start = 1,
               guard = math.min(second, math.floor(q.period / 400))}
    mend_reset(l, q)
    local inflight = q.requests or 0
    local limit, used, reset = q.limit or l.count, inflight, 0
    local is_open = is_window(l) and q.reset and now_us < q.reset + margin
    if l.count > 0 and is_open then
      used, reset = q.used or 0, q.reset - now_us
    elseif l.count > 0 and not is_window(l) then
      local step, burst = interval(l, q)
      reset = math.max(0, (q.tat or now_us) - now_us)
      limit, used = burst, math.min(burst, math.ceil(reset / step))
      if l.pace == 'learned' then limit, used = math.ceil(rate_of(l, q) / milli), 0 end
    end
    local blocked = q.blocked and q.blocked > now_us
    if blocked then reset = q.blocked - now_us end
    local window = is_window(l) and (q.window or 0) or l.period > 0 and math.floor(now_us / l.period) or 0
    local streams, ours = {}, 0
    for stream, spent in pairs(q.spent or {}) do
      if spent[1] == window and (is_open or not is_window(l)) then
        streams[#streams + 1] = stream
        streams[#streams + 1] = spent[2]
        ours = ours + spent[2]
      end
    end
    local others = l.pace == 'told' and is_open and math.max(0, (q.seen or 0) - ours - (q.flying or 0)) or 0
    rows[#rows + 1] = {l.name, l.owner, l.pace, limit, used, digits(l.period), digits(math.max(0, reset)),
                       inflight, slots_of(l, q), blocked and 1 or 0, others, q.lapsed or 0,
                       q.last_used or 0, q.last_limit or 0, streams}
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
