#pragma once

#include "queue/redis_script.hpp"

// clang-format off
/// The scripts behind queue/redis_quota.cpp: a source's quota ledger. Beside the keys of
/// queue/frontier_scripts.hpp, with one <limit>:<owner> for each limit of each owner:
///   quota:<limit>:<owner>   hash  as asked: name, owner, count, period, burst, pace
///                                 as told by the API, reserve taken off: limit
///                                 told: used, reset, assumed, seen, blind, known, silent, probe
///                                 fixed: used, reset · sliding, bucket: tat
///                                 all: blocked, flying (units of the requests in flight)
///   flight:<limit>:<owner>  zset  <units>:<reservation> → deadline, µs: requests not settled yet
///   limits                  set   "<limit>:<owner>" that were ever asked for
///   quarantine              hash  owner → reason
///
/// A request takes `cost` units of each limit, mostly 1.
///
/// A told window (the API tells remaining and reset) is spent at any pace. What the API has counted
/// in it is at most
///   seen (most it told) + blind (settled without being told) + in flight
/// since a request that was counted after the most told one has not been told, so it is blind or in
/// flight. `used` is that sum once the API has told something in this window, and the number of
/// reservations before. So no more is granted than there is, in whatever order responses come, and
/// the ledger corrects itself downwards when the API forgave requests.
///
/// A fixed window follows a clock that the collector knows: it says when the window ends, and the
/// one after it. Nobody asks within a guard around the end, for clocks that differ a little; what is
/// in flight when a window begins counts in it too.
///
/// The others are GCRA: `tat` is when the bucket is empty again. With interval T and burst b a closed
/// window of P holds at most floor(P / T) + b units. Sliding: T is chosen so that this is at most
/// `count`. Bucket: T is P / `count`, as the API's own bucket fills.
// clang-format on
namespace pawl::queue {

namespace quota_text {
/// Times in µs. Shared by the three scripts.
inline constexpr std::string_view common = R"lua(
local ms, second = 1000, 1000000
local flight_us = 120 * second   -- a request is over by then: its collector died
local send_ms = 10 * 1000        -- a reservation that is not sent by then must not be sent
local margin = 1 * second        -- APIs cut the time of a reset to seconds
local same_window = 2 * second   -- resets this close name the same window
local poll = 100 * ms            -- when nobody can know when it will be free: slots, probes, room
local probe_us = 10 * second     -- another probe may go when the last one never answered
local silent_max = 3             -- probes that came back without a word about the limit

local function suffix(l) return l.name..':'..l.owner end
local function interval(l)
  local burst = math.max(1, math.min(math.max(l.burst, l.cost or 1), l.count))
  if l.pace == 'bucket' then return math.ceil(l.period / l.count), burst end
  return math.ceil(l.period / (l.count - burst + 1)) + 1, burst
end
local function read_quota(l)
  local names = {'used', 'limit', 'reset', 'assumed', 'seen', 'blind', 'known', 'silent', 'probe',
                 'tat', 'blocked', 'flying'}
  local values, q = redis.call('HMGET', P..'quota:'..suffix(l), unpack(names)), {}
  for i, name in ipairs(names) do q[name] = tonumber(values[i]) end
  -- A clock that was set back: no window lasts longer than two of its periods.
  if l.pace == 'told' and q.reset and q.reset > now_us + 2 * l.period then
    q.reset = now_us + l.period
    redis.call('HSET', P..'quota:'..suffix(l), 'reset', digits(q.reset))
  end
  return q
end
-- What view() tells of a limit.
local function keep_asked(l)
  redis.call('HSET', P..'quota:'..suffix(l), 'name', l.name, 'owner', l.owner, 'count', l.count,
             'period', digits(l.period), 'burst', l.burst, 'pace', l.pace)
  redis.call('SADD', P..'limits', suffix(l))
end
-- Requests in flight, and their units. Removes reservations of collectors that died; their requests
-- count as sent and untold.
local function flying(l, q)
  local key, units = P..'flight:'..suffix(l), 0
  for _, lapsed in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', digits(now_us))) do
    units = units + (tonumber(string.match(lapsed, '^(%d+):')) or 1)
  end
  if units > 0 then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', digits(now_us))
    q.flying = redis.call('HINCRBY', P..'quota:'..suffix(l), 'flying', -units)
    if l.pace == 'told' then
      q.blind = redis.call('HINCRBY', P..'quota:'..suffix(l), 'blind', units)
    end
  end
  return redis.call('ZCARD', key), math.max(0, q.flying or 0)
end
)lua";

inline constexpr std::string_view reserve = R"lua(
-- The payers, the reservation's name, bytes of room wanted, bytes the queue may hold.
local payers, id = cjson.decode(ARGV[1]), ARGV[2]
local room, bytes_max = tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('SCARD', P..'limits')
local last_us = tonumber(redis.call('HGET', P..'meta', 'last_us')) or 0

-- When this limit could grant (nil: now), and what is written when all limits do.
local function ask(l)
  local q = read_quota(l)
  local requests, inflight = flying(l, q)
  if q.blocked and q.blocked > now_us then return q.blocked end
  if l.concurrency > 0 and requests >= l.concurrency then return now_us + poll end
  if l.count <= 0 then return nil, {} end
  local cost = math.min(l.cost, q.limit or l.count)  -- one that takes more than there is takes all
  if l.pace == 'fixed' then
    local ends = now_us < l.ends + l.guard and l.ends or l.next_ends
    if now_us >= ends + l.guard then ends = now_us + l.period end  -- the collector's clock is far off
    if now_us >= ends - l.guard then return ends + l.guard end
    local used = q.reset == ends and (q.used or 0) or inflight
    if used > 0 and used + cost > l.count then return ends + l.guard end
    return nil, {'used', used + cost, 'reset', digits(ends)}
  end
  if l.pace ~= 'told' then
    local step, burst = interval(l)
    -- A new bucket (first request ever, or Redis was wiped) lets one go and has no burst: we cannot
    -- know what went before.
    local free = (burst - cost) * step
    local tat = q.tat or now_us + free
    tat = math.min(math.max(tat, now_us), now_us + burst * step)
    if tat - now_us > free then return tat - free end
    return nil, {'tat', digits(tat + cost * step)}
  end
  -- Nothing known (first request ever, or wiped): one request finds out where the API's count
  -- stands.
  if q.known ~= 1 then
    if requests > 0 and (q.probe or 0) > now_us then return math.min(q.probe, now_us + poll) end
    local used, reset, blind = q.used or 0, q.reset, q.blind or 0
    if not reset or now_us >= reset + margin then
      used, reset, blind = inflight, now_us + l.period, 0
    end
    return nil, {'used', used + cost, 'reset', digits(reset), 'assumed', 1, 'blind', blind,
                 'probe', digits(now_us + probe_us)}
  end
  if not q.reset or now_us >= q.reset + margin then
    -- A new window. Requests in flight may be counted in it. Its end is a guess until the API
    -- tells.
    if inflight + cost > (q.limit or l.count) then return now_us + poll end
    local reset = digits(now_us + l.period)
    return nil, {'used', inflight + cost, 'reset', reset, 'assumed', 1, 'blind', 0}, true
  end
  if (q.used or 0) + cost > (q.limit or l.count) then return q.reset + margin end
  return nil, {'used', (q.used or 0) + cost, 'reset', digits(q.reset)}
end

-- The first payer all of whose limits grant, else how long at least.
local grants, chosen, earliest, binding, bound_owner
for index, payer in ipairs(payers) do
  local writes, latest, reason = {}, nil, nil
  if payer.owner ~= '' and redis.call('HEXISTS', P..'quarantine', payer.owner) == 1 then
    latest, reason = now_us + 5 * second, 'quarantine'
  else
    for i, l in ipairs(payer.limits) do
      local at, fields, is_new = ask(l)
      if at and (not latest or at > latest) then latest, reason = at, l.name end
      writes[i] = {l, fields, is_new}
    end
  end
  if not latest then
    grants, chosen = writes, index
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
for _, write in ipairs(grants) do
  local l, fields, is_new = write[1], write[2], write[3]
  local key = P..'quota:'..suffix(l)
  if is_new then redis.call('HDEL', key, 'seen') end
  keep_asked(l)
  if #fields > 0 then redis.call('HSET', key, unpack(fields)) end
  redis.call('ZADD', P..'flight:'..suffix(l), digits(now_us + flight_us), l.cost..':'..id)
  redis.call('HINCRBY', key, 'flying', l.cost)
end
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

local function settle_window(l, q, inflight, was_flying, told)
  local key, fields = P..'quota:'..suffix(l), {}
  local function set(name, value)
    q[name] = value
    fields[#fields + 1] = name
    fields[#fields + 1] = digits(value)
  end
  local paid = was_flying and not s.refund
  if was_flying and s.refund then set('used', math.max(0, (q.used or 0) - l.cost)) end
  if told.limit then set('limit', math.max(1, math.floor(told.limit * (1 - l.reserve)))) end
  if not told.remaining then
    if paid then
      set('blind', (q.blind or 0) + l.cost)
      set('silent', (q.silent or 0) + 1)
      if q.silent >= silent_max then set('known', 1) end
    end
  else
    local raw = told.limit or math.floor(l.count / (1 - l.reserve) + 0.5)
    local seen, reset = math.max(0, raw - told.remaining), told.reset
    local ends = reset or q.reset
    local is_over = ends and ends + margin <= now_us
    local is_older = reset and q.reset and q.assumed ~= 1 and reset < q.reset - same_window
    if not is_over and not is_older then
      local is_newer = reset and q.reset and q.assumed ~= 1 and reset > q.reset + same_window
      if is_newer or not q.reset then  -- the window began before we noticed
        set('blind', 0)
        set('seen', seen)
      else
        set('seen', math.max(q.seen or 0, seen))
      end
      if reset then
        local is_same = q.reset and q.assumed ~= 1 and not is_newer
        set('reset', is_same and math.max(q.reset, reset) or reset)
        set('assumed', 0)
      elseif not q.reset then
        set('reset', now_us + l.period)
        set('assumed', 1)
      end
      set('used', q.seen + (q.blind or 0) + inflight)
    end
    -- A window that is over tells nothing of this one, but the probe has done its work only when it
    -- told of this one.
    if not is_over then
      set('known', 1)
      set('silent', 0)
    end
  end
  if #fields > 0 then redis.call('HSET', key, unpack(fields)) end
end

for _, l in ipairs(s.limits) do
  local key = P..'quota:'..suffix(l)
  local q = read_quota(l)
  local was_flying = redis.call('ZREM', P..'flight:'..suffix(l), l.cost..':'..s.reservation) == 1
  if was_flying then q.flying = redis.call('HINCRBY', key, 'flying', -l.cost) end
  local _, inflight = flying(l, q)
  if l.count > 0 and l.pace == 'told' then
    settle_window(l, q, inflight, was_flying, told_about(l))
  elseif l.count > 0 and was_flying and s.refund then
    if l.pace == 'fixed' then
      if q.reset and now_us < q.reset then redis.call('HSET', key, 'used', math.max(0, (q.used or 0) - l.cost)) end
    elseif q.tat then
      redis.call('HSET', key, 'tat', digits(q.tat - l.cost * interval(l)))
    end
  end
  if s.block_us > 0 then
    keep_asked(l)
    redis.call('HSET', key, 'blocked', digits(math.max(q.blocked or 0, now_us + s.block_us)))
  end
end
if s.release_room then end_room(s.reservation) end
return 1
)lua";

inline constexpr std::string_view view = R"lua(
-- → per limit {name, owner, limit, used, reset in µs from now, in flight, blocked}
local rows = {}
for _, name in ipairs(redis.call('SMEMBERS', P..'limits')) do
  local f = redis.call('HMGET', P..'quota:'..name, 'name', 'owner', 'count', 'period', 'burst',
                       'pace')
  if f[1] then
    local l = {name = f[1], owner = f[2], count = tonumber(f[3]), period = tonumber(f[4]),
               burst = tonumber(f[5]), pace = f[6]}
    local q = read_quota(l)
    local inflight = redis.call('ZCOUNT', P..'flight:'..name, '('..digits(now_us), '+inf')
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
