#pragma once

#include "queue/redis_script.hpp"

// clang-format off
/// The scripts behind queue/redis_quota.cpp: a source's quota ledger. Beside the keys of
/// queue/frontier_scripts.hpp, with one <limit>:<owner> for each limit of each owner:
///   quota:<limit>:<owner>   hash  as asked: asked (all of it), name, owner, count, period, burst, pace, concurrency
///                                 as told by the API, reserve taken off: limit
///                                 told: used, reset, assumed, seen, blind, known, silent, probe
///                                 fixed: used, reset · sliding, bucket, learned: tat
///                                 learned: rate, slots, wall, halved, grown, quick
///                                 all: blocked, flying (units of the requests in flight)
///                                 told, fixed: window (its number), wanted (work waited in it), lapsed, last_used,
///                                 last_limit
///                                 s:<stream> (window:units spent in it)
///   flight:<limit>:<owner>  zset  <units>:<reservation> → deadline, µs: requests not settled yet
///   limits                  set   "<limit>:<owner>" that were ever asked for
///   quarantine              hash  alias of a key → reason
///   weights                 hash  class → share
///   owners                  hash  fingerprint of a key → owner
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
/// `count`. Bucket: T is P / `count`, as the API's own bucket fills. Learned: T is P / `rate`.
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

local function suffix(l) return l.name..':'..l.owner end
local function rate_of(l, q) return math.min(q.rate or l.start * milli, l.count * milli) end
local function slots_of(l, q)
  if l.concurrency <= 0 or l.pace ~= 'learned' then return l.concurrency end
  return math.max(1, math.min(l.concurrency, math.floor((q.slots or slots_start * milli) / milli)))
end
local function interval(l, q)
  local burst = math.max(1, math.min(math.max(l.burst, l.cost or 1), l.count))
  if l.pace == 'learned' then return math.ceil(l.period * milli / rate_of(l, q)), burst end
  if l.pace == 'bucket' then return math.ceil(l.period / l.count), burst end
  return math.ceil(l.period / (l.count - burst + 1)) + 1, burst
end
local read_names = {'used', 'limit', 'reset', 'assumed', 'seen', 'blind', 'known', 'silent', 'probe',
                    'tat', 'blocked', 'flying', 'rate', 'slots', 'wall', 'halved', 'grown', 'quick',
                    'window', 'wanted', 'lapsed', 'asked'}
local read_count = #read_names   -- settle reads one more
local function read_quota(l)
  local values, q = redis.call('HMGET', P..'quota:'..suffix(l), unpack(read_names)), {}
  for i = 1, read_count - 1 do q[read_names[i]] = tonumber(values[i]) end
  q.asked, q.spent = values[read_count], values[read_count + 1]
  -- A clock that was set back: no window lasts longer than two of its periods.
  if l.pace == 'told' and q.reset and q.reset > now_us + 2 * l.period then
    q.reset = now_us + l.period
    redis.call('HSET', P..'quota:'..suffix(l), 'reset', digits(q.reset))
  end
  return q
end
-- What view() tells of a limit. Written when it is new or was changed in the source file.
local function keep_asked(l, q)
  local asked = table.concat({l.count, digits(l.period), l.burst, l.pace, l.concurrency}, ' ')
  if q.asked == asked then return end
  redis.call('HSET', P..'quota:'..suffix(l), 'asked', asked, 'name', l.name, 'owner', l.owner,
             'count', l.count, 'period', digits(l.period), 'burst', l.burst, 'pace', l.pace,
             'concurrency', l.concurrency)
  redis.call('SADD', P..'limits', suffix(l))
end
local function append(list, more)
  for _, value in ipairs(more) do list[#list + 1] = value end
  return list
end
-- The window that `q` tells of is over: what is written of it. What was left lapsed if work waited
-- meanwhile, for whatever reason.
local function close_window(l, q)
  q.window = (q.window or 0) + 1
  local fields = {'window', q.window, 'wanted', 0}
  if not q.used or not q.reset then return fields end
  local limit = q.limit or l.count
  local used = math.min(q.used, limit)
  local waits = q.wanted == 1
  if now_us < q.reset + 5 * second then
    for _, class in ipairs(classes) do waits = waits or redis.call('ZCARD', P..'offer:'..class) > 0 end
  end
  local lapsed = (q.lapsed or 0) + (waits and limit - used or 0)
  return append(fields, {'last_used', used, 'last_limit', limit, 'lapsed', lapsed})
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
  if l.concurrency > 0 and requests >= slots_of(l, q) then return now_us + poll end
  if l.count <= 0 then return nil, {}, q end
  local cost = math.min(l.cost, q.limit or l.count)  -- one that takes more than there is takes all
  if l.pace == 'fixed' then
    local ends = now_us < l.ends + l.guard and l.ends or l.next_ends
    if now_us >= ends + l.guard then ends = now_us + l.period end  -- the collector's clock is far off
    if now_us >= ends - l.guard then return ends + l.guard end
    local used = q.reset == ends and (q.used or 0) or inflight
    if used > 0 and used + cost > l.count then return ends + l.guard end
    local fields = {'used', used + cost, 'reset', digits(ends)}
    if q.reset ~= ends then append(fields, close_window(l, q)) end
    return nil, fields, q
  end
  if l.pace ~= 'told' then
    local step, burst = interval(l, q)
    -- A new bucket (first request ever, or Redis was wiped) lets one go and has no burst: we cannot
    -- know what went before.
    local free = (burst - cost) * step
    local tat = q.tat or now_us + free
    -- A clock that was set back: no debt is older than a period.
    tat = math.min(math.max(tat, now_us), now_us + burst * step + l.period)
    if tat - now_us > free then return tat - free end
    return nil, {'tat', digits(tat + cost * step)}, q
  end
  -- Nothing known (first request ever, or wiped): one request finds out where the API's count
  -- stands.
  if q.known ~= 1 then
    if requests > 0 and (q.probe or 0) > now_us then return math.min(q.probe, now_us + poll) end
    local used, reset, blind, closed = q.used or 0, q.reset, q.blind or 0, {}
    if not reset or now_us >= reset + margin then
      used, reset, blind, closed = inflight, now_us + l.period, 0, close_window(l, q)
    end
    return nil, append({'used', used + cost, 'reset', digits(reset), 'assumed', 1, 'blind', blind,
                        'probe', digits(now_us + probe_us)}, closed), q
  end
  if not q.reset or now_us >= q.reset + margin then
    -- A new window. Requests in flight may be counted in it. Its end is a guess until the API
    -- tells.
    if inflight + cost > (q.limit or l.count) then return now_us + poll end
    local reset = digits(now_us + l.period)
    return nil, append({'used', inflight + cost, 'reset', reset, 'assumed', 1, 'blind', 0},
                       close_window(l, q)), q, true
  end
  if (q.used or 0) + cost > (q.limit or l.count) then return q.reset + margin, nil, q end
  return nil, {'used', (q.used or 0) + cost, 'reset', digits(q.reset)}, q
end
-- Work waits that these limits do not hold up: what they have left when their window ends lapses.
local function note_wanted(asked)
  for _, one in ipairs(asked) do
    local l, q = one[1], one[2]
    if q and q.reset and now_us < q.reset and q.wanted ~= 1 and
       (l.pace == 'told' or l.pace == 'fixed') then
      redis.call('HSET', P..'quota:'..suffix(l), 'wanted', 1)
    end
  end
end

-- The first payer all of whose limits grant, else how long at least.
local grants, chosen, earliest, binding, bound_owner
local held_up = {}
for index, payer in ipairs(payers) do
  local writes, latest, reason = {}, nil, nil
  if payer.key ~= '' and redis.call('HEXISTS', P..'quarantine', payer.key) == 1 then
    latest, reason = now_us + 5 * second, 'quarantine'
  else
    for i, l in ipairs(payer.limits) do
      local at, fields, q, is_new = ask(l)
      if at and (not latest or at > latest) then latest, reason = at, l.name end
      writes[i] = {l, q, fields, is_new}
    end
    if latest then append(held_up, writes) end
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
  note_wanted(held_up)
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
    note_wanted(grants)
    return {0, poll / ms, 'room', ''}
  end
  redis.call('ZADD', P..'room:held', digits(now_ms + flight_us / ms), id)
  redis.call('HSET', P..'room:size', id, digits(room))
  redis.call('HSET', P..'room', 'reserved', digits(reserved + room))
end
for _, write in ipairs(grants) do
  local l, q, fields, is_new = write[1], write[2], write[3], write[4]
  local key = P..'quota:'..suffix(l)
  if is_new then redis.call('HDEL', key, 'seen') end
  keep_asked(l, q)
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

-- Each of these returns the fields that it changes.
local function settle_told(l, q, inflight, was_flying, told, units)
  local fields = {}
  local function set(name, value)
    q[name] = value
    fields[#fields + 1] = name
    fields[#fields + 1] = digits(value)
  end
  local paid = was_flying and not s.refund
  if was_flying and units ~= l.cost then set('used', math.max(0, (q.used or 0) + units - l.cost)) end
  if told.limit then set('limit', math.max(1, math.floor(told.limit * (1 - l.reserve)))) end
  if not told.remaining then
    if paid then
      set('blind', (q.blind or 0) + units)
      set('silent', (q.silent or 0) + 1)
      if q.silent >= silent_max then set('known', 1) end
    end
    return fields
  end
  local raw = told.limit or math.floor(l.count / (1 - l.reserve) + 0.5)
  local seen, reset = math.max(0, raw - told.remaining), told.reset
  local ends = reset or q.reset
  -- A window that is over tells nothing of this one, but the probe has done its work only when it
  -- told of this one.
  if ends and ends + margin <= now_us then return fields end
  if not (reset and q.reset and q.assumed ~= 1 and reset < q.reset - same_window) then
    local is_newer = reset and q.reset and q.assumed ~= 1 and reset > q.reset + same_window
    if is_newer then append(fields, close_window(l, q)) end
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
  set('known', 1)
  set('silent', 0)
  return fields
end
local function settle_counted(l, q, was_flying, units)
  if not was_flying or units == l.cost then return {} end
  if l.pace == 'fixed' then
    if not q.reset or now_us >= q.reset then return {} end
    return {'used', math.max(0, (q.used or 0) + units - l.cost)}
  end
  return q.tat and {'tat', digits(q.tat + (units - l.cost) * interval(l, q))} or {}
end
local function learn(l, q, inflight_before)
  local rate, slots = rate_of(l, q), q.slots or slots_start * milli
  if s.signal == 'trouble' then
    if q.halved and now_us - s.latency_us <= q.halved then return {} end  -- it was under way then
    local least = math.max(1, math.floor(l.start * milli / 10))
    return {'rate', digits(math.max(least, math.floor(rate / 2))), 'wall', digits(rate),
            'slots', digits(math.max(milli, math.floor(slots / 2))), 'halved', digits(now_us),
            'grown', digits(now_us)}
  end
  if s.signal ~= 'clean' then return {} end
  -- Quick: at most twice the best time known, which is forgotten slowly, as an API's best changes.
  local quick = math.min(q.quick and q.quick * 1.001 or s.latency_us, s.latency_us)
  local fields = {'quick', digits(math.ceil(quick)), 'grown', digits(now_us)}
  if s.latency_us > 2 * quick + 50 * ms then return fields end
  local ceiling = l.count * milli
  local passed = math.min(second, now_us - (q.grown or now_us - second)) / second
  local growth = ceiling / growth_s * passed
  if q.wall and rate > near * q.wall then growth = growth * near_growth end
  if l.count > 0 and q.tat and q.tat > now_us then
    append(fields, {'rate', digits(math.min(ceiling, rate + math.max(1, growth)))})
  end
  if l.concurrency > 0 and inflight_before >= slots_of(l, q) then
    local most = l.concurrency * milli
    append(fields, {'slots', digits(math.min(most, slots + milli * milli / slots))})
  end
  return fields
end
-- Units by stream in this window; without one, in this period.
local function spend(l, q, units)
  local field = 's:'..s.stream
  local window = q.window or 0
  if l.pace ~= 'told' and l.pace ~= 'fixed' then window = math.floor(now_us / l.period) end
  local number, spent = string.match(q.spent or '', '^(%d+):(%d+)$')
  if number ~= digits(window) then spent = 0 end
  return {field, digits(window)..':'..digits(tonumber(spent) + units)}
end

read_names[read_count + 1] = 's:'..s.stream
for _, l in ipairs(s.limits) do
  local key = P..'quota:'..suffix(l)
  local q = read_quota(l)
  local flying_before = redis.call('ZCARD', P..'flight:'..suffix(l))
  local was_flying = redis.call('ZREM', P..'flight:'..suffix(l), l.cost..':'..s.reservation) == 1
  if was_flying then q.flying = redis.call('HINCRBY', key, 'flying', -l.cost) end
  local _, inflight = flying(l, q)
  local told, fields = told_about(l), {}
  local units = s.refund and 0 or told.cost or l.cost
  if l.count > 0 then
    if l.pace == 'told' then
      fields = settle_told(l, q, inflight, was_flying, told, units)
    else
      fields = settle_counted(l, q, was_flying, units)
    end
    if was_flying and units > 0 and s.stream ~= '' then append(fields, spend(l, q, units)) end
  end
  if l.pace == 'learned' and was_flying then append(fields, learn(l, q, flying_before)) end
  if s.block_us > 0 then
    keep_asked(l, q)
    append(fields, {'blocked', digits(math.max(q.blocked or 0, now_us + s.block_us))})
  end
  if #fields > 0 then redis.call('HSET', key, unpack(fields)) end
end
if s.release_room then end_room(s.reservation) end
return 1
)lua";

inline constexpr std::string_view view = R"lua(
-- → per limit {name, owner, pace, limit, used, period, reset in µs from now, in flight, concurrency,
--    blocked, others, lapsed, last used, last limit, {stream, units, …}}
local rows = {}
for _, name in ipairs(redis.call('SMEMBERS', P..'limits')) do
  local all, f = redis.call('HGETALL', P..'quota:'..name), {}
  for i = 1, #all, 2 do f[all[i]] = all[i + 1] end
  if f.name then
    local function number(field) return tonumber(f[field]) or 0 end
    local l = {name = f.name, owner = f.owner, count = number('count'), period = number('period'),
               burst = number('burst'), pace = f.pace, concurrency = number('concurrency'), start = 1}
    local q = read_quota(l)
    local inflight = redis.call('ZCOUNT', P..'flight:'..name, '('..digits(now_us), '+inf')
    local limit, used, reset = q.limit or l.count, inflight, 0
    local is_window = l.pace == 'told' or l.pace == 'fixed'
    local is_open = is_window and q.reset and now_us < q.reset + margin
    if l.count > 0 and is_open then
      used, reset = q.used or 0, q.reset - now_us
    elseif l.count > 0 and not is_window then
      local step, burst = interval(l, q)
      reset = math.max(0, (q.tat or now_us) - now_us)
      limit, used = burst, math.min(burst, math.ceil(reset / step))
      if l.pace == 'learned' then limit, used = math.ceil(rate_of(l, q) / milli), 0 end
    end
    local blocked = q.blocked and q.blocked > now_us
    if blocked then reset = q.blocked - now_us end
    local window = is_window and (q.window or 0) or l.period > 0 and math.floor(now_us / l.period) or 0
    local streams, ours = {}, 0
    for field, value in pairs(f) do
      local stream = string.match(field, '^s:(.*)$')
      local of, units = string.match(value, '^(%d+):(%d+)$')
      if stream and of == digits(window) and (is_open or not is_window) then
        append(streams, {stream, tonumber(units)})
        ours = ours + tonumber(units)
      end
    end
    local others = l.pace == 'told' and is_open and math.max(0, (q.seen or 0) - ours - inflight) or 0
    rows[#rows + 1] = {l.name, l.owner, l.pace, limit, used, digits(l.period), digits(math.max(0, reset)),
                       inflight, slots_of(l, q), blocked and 1 or 0, others, number('lapsed'),
                       number('last_used'), number('last_limit'), streams}
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
