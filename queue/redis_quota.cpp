#include "queue/redis_quota.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/identity.hpp"
#include "queue/quota_scripts.hpp"
#include "queue/redis_frontiers.hpp"

namespace pawl::queue {

using core::Millis;
using core::Task;
using nlohmann::json;

namespace {

std::string_view to_string(Pace pace) {
    switch (pace) {
        case Pace::sliding:
            return "sliding";
        case Pace::bucket:
            return "bucket";
        case Pace::fixed:
            return "fixed";
        case Pace::told:
            return "told";
        case Pace::learned:
            return "learned";
    }
    return "sliding";
}

Pace pace_named(std::string_view name) {
    for (const auto pace : {Pace::bucket, Pace::fixed, Pace::told, Pace::learned})
        if (to_string(pace) == name) return pace;
    return Pace::sliding;
}

std::string_view to_string(Signal signal) {
    switch (signal) {
        case Signal::none:
            break;
        case Signal::clean:
            return "clean";
        case Signal::trouble:
            return "trouble";
    }
    return "none";
}

constexpr std::size_t payers_max = 8;  // of one call: a script looks at each limit of each payer

json to_json(const LimitAsk& limit) {
    return {{"name", limit.name},     {"owner", limit.owner},
            {"count", limit.count},   {"period", limit.period_us},
            {"burst", limit.burst_used()},   {"concurrency", limit.concurrency},
            {"cost", std::clamp(limit.cost, std::int64_t{0}, std::max(limit.count, std::int64_t{1}))},
            {"start", std::clamp(limit.start, std::int64_t{1}, std::max(limit.count, std::int64_t{1}))},
            {"pace", to_string(limit.pace)},
            {"ends", limit.ends_us},  {"next_ends", limit.next_ends_us},
            {"guard", limit.guard_us()},
            {"reserve", std::clamp(limit.reserve, 0.0, 0.95)}};
}

json to_json(const std::vector<LimitAsk>& limits) {
    json all = json::array();
    for (const auto& limit : limits) all.push_back(to_json(limit));
    return all;
}

std::string encode(const Payer& payer) {
    const json object{{"owner", payer.owner}, {"key", payer.key}, {"limits", to_json(payer.limits)}};
    return object.dump();
}

/// Absent members stay absent: cjson would make of null a value that is not nil.
json to_json(const LimitFeedback& told) {
    json object{{"name", told.name}, {"owner", told.owner}};
    if (told.limit) object["limit"] = *told.limit;
    if (told.remaining) object["remaining"] = *told.remaining;
    if (told.reset_at_us) object["reset"] = *told.reset_at_us;
    if (told.cost) object["cost"] = std::max<std::int64_t>(0, *told.cost);
    return object;
}

std::string encode(const Settlement& settlement) {
    json feedback = json::array();
    for (const auto& told : settlement.feedback) feedback.push_back(to_json(told));
    const json object{{"reservation", settlement.reservation},
                      {"limits", to_json(settlement.limits)},
                      {"feedback", feedback},
                      {"stream", settlement.stream},
                      {"signal", to_string(settlement.signal)},
                      {"latency_us", std::max<std::int64_t>(0, settlement.latency_us)},
                      {"refund", settlement.refund},
                      {"release_room", settlement.release_room},
                      {"block_us", settlement.block.value_or(Millis(0)).count() * 1000}};
    return object.dump();
}

LimitView view_of(const RedisReply& row) {
    LimitView view;
    view.name = row.at(0).text();
    view.owner = row.at(1).text();
    view.pace = pace_named(row.at(2).text());
    view.limit = row.at(3).integer();
    view.used = row.at(4).integer();
    view.remaining = std::max<std::int64_t>(0, view.limit - view.used);
    view.period_us = row.at(5).integer();
    view.reset_seconds = static_cast<double>(row.at(6).integer()) / 1e6;
    view.in_flight = row.at(7).integer();
    view.concurrency = row.at(8).integer();
    view.blocked = row.at(9).integer() != 0;
    view.others = row.at(10).integer();
    view.lapsed = row.at(11).integer();
    view.last_used = row.at(12).integer();
    view.last_limit = row.at(13).integer();
    const auto& spent = row.at(14).array();
    for (std::size_t i = 0; i + 1 < spent.size(); i += 2) view.spent[spent[i].text()] = spent[i + 1].integer();
    return view;
}

}  // namespace

RedisQuota::RedisQuota(std::shared_ptr<RedisConnection> connection, const std::string& source, core::Random& random,
                       std::size_t queue_bytes_max)
    : connection_(std::move(connection)),
      prefix_(key_prefix(source)),
      random_(random),
      queue_bytes_max_(queue_bytes_max) {}

Task<std::variant<Granted, Wait>> RedisQuota::reserve(std::vector<Payer> payers,
                                                      std::size_t room_bytes) {
    std::variant<Granted, Wait> answer;
    const std::string reservation = core::Token::random(random_).str();
    std::vector<std::string> arguments{reservation, std::to_string(room_bytes), std::to_string(queue_bytes_max_),
                                       slot_, has_asked_ ? "" : "1"};
    for (std::size_t i = 0; i < std::min(payers.size(), payers_max); ++i) arguments.push_back(encode(payers[i]));
    const auto reply = co_await connection_->run(reserve_script, prefix_, std::move(arguments));
    has_asked_ = true;
    if (reply.at(0).integer() == 1) {
        Granted granted;
        granted.reservation = reservation;
        granted.payer = static_cast<std::size_t>(reply.at(1).integer());
        granted.at_us = reply.at(2).integer();
        granted.deadline = Millis(reply.at(3).integer());
        answer = std::move(granted);
    } else {
        Wait wait;
        wait.retry_in = Millis(reply.at(1).integer());
        wait.reason = reply.at(2).text();
        wait.owner = reply.at(3).text();
        answer = std::move(wait);
    }
    co_return answer;
}

Task<> RedisQuota::settle(Settlement settlement) {
    std::vector<std::string> arguments;
    arguments.push_back(encode(settlement));
    co_await connection_->run(settle_script, prefix_, std::move(arguments));
}

Task<> RedisQuota::quarantine(std::string key, std::string reason) {
    std::vector<std::string> command{"HSET", prefix_ + "quarantine", std::move(key), std::move(reason)};
    co_await connection_->command(std::move(command));
}

Task<std::map<std::string, std::string>> RedisQuota::quarantined() {
    auto refused = co_await read_hash("quarantine");
    co_return refused;
}

Task<> RedisQuota::unquarantine(std::string key) {
    std::vector<std::string> command{"HDEL", prefix_ + "quarantine", std::move(key)};
    co_await connection_->command(std::move(command));
}

Task<Weights> RedisQuota::weights() {
    const auto texts = co_await read_hash("weights");
    Weights weights;
    for (const auto slice_class : core::slice_classes) {
        const auto found = texts.find(std::string(core::to_string(slice_class)));
        if (found == texts.end()) continue;
        const auto weight = std::strtoll(found->second.c_str(), nullptr, 10);
        weights[slice_class] = std::clamp<std::int64_t>(weight, 1, weight_max);
    }
    co_return weights;
}

Task<> RedisQuota::set_weight(core::SliceClass slice_class, std::int64_t weight) {
    std::vector<std::string> command{"HSET", prefix_ + "weights", std::string(core::to_string(slice_class)),
                                     std::to_string(std::clamp<std::int64_t>(weight, 1, weight_max))};
    co_await connection_->command(std::move(command));
}

Task<std::map<std::string, std::string>> RedisQuota::owners() {
    auto known = co_await read_hash("owners");
    co_return known;
}

Task<> RedisQuota::set_owner(std::string fingerprint, std::string owner) {
    std::vector<std::string> command{"HSET", prefix_ + "owners", std::move(fingerprint), std::move(owner)};
    co_await connection_->command(std::move(command));
}

Task<std::map<std::string, std::string>> RedisQuota::read_hash(std::string name) {
    std::vector<std::string> command{"HGETALL", prefix_ + name};
    const auto reply = co_await connection_->command(std::move(command));
    const auto& flat = reply.array();
    std::map<std::string, std::string> hash;
    for (std::size_t i = 0; i + 1 < flat.size(); i += 2) hash[flat[i].text()] = flat[i + 1].text();
    co_return hash;
}

Task<std::vector<LimitView>> RedisQuota::view() {
    std::vector<std::string> nothing;
    const auto reply = co_await connection_->run(quota_view_script, prefix_, std::move(nothing));
    std::vector<LimitView> views;
    for (const auto& row : reply.array()) {
        views.push_back(view_of(row));
    }
    std::ranges::sort(views, [](const LimitView& a, const LimitView& b) {
        return std::tie(a.name, a.owner) < std::tie(b.name, b.owner);
    });
    co_return views;
}

}  // namespace pawl::queue
