#include "queue/redis_quota.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/identity.hpp"
#include "core/log.hpp"
#include "queue/quota_scripts.hpp"
#include "queue/redis_frontiers.hpp"

namespace pawl::queue {

using core::Metric;
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
    }
    return "sliding";
}

constexpr std::size_t payers_max = 8;  // of one call: a script looks at each limit of each payer

json to_json(const LimitAsk& limit) {
    return {{"name", limit.name},     {"owner", limit.owner},
            {"count", limit.count},   {"period", limit.period_us},
            {"burst", limit.burst_used()},   {"concurrency", limit.concurrency},
            {"cost", std::clamp(limit.cost, std::int64_t{0}, std::max(limit.count, std::int64_t{1}))},
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
    const json object{{"owner", payer.owner}, {"limits", to_json(payer.limits)}};
    return object.dump();
}

/// Absent members stay absent: cjson would make of null a value that is not nil.
json to_json(const LimitFeedback& told) {
    json object{{"name", told.name}, {"owner", told.owner}};
    if (told.limit) object["limit"] = *told.limit;
    if (told.remaining) object["remaining"] = *told.remaining;
    if (told.reset_at_us) object["reset"] = *told.reset_at_us;
    return object;
}

std::string encode(const Settlement& settlement) {
    json feedback = json::array();
    for (const auto& told : settlement.feedback) feedback.push_back(to_json(told));
    const json object{{"reservation", settlement.reservation},
                      {"limits", to_json(settlement.limits)},
                      {"feedback", feedback},
                      {"refund", settlement.refund},
                      {"release_room", settlement.release_room},
                      {"block_us", settlement.block.value_or(Millis(0)).count() * 1000}};
    return object.dump();
}

}  // namespace

RedisQuota::RedisQuota(std::shared_ptr<RedisConnection> connection, std::string source,
                       core::Telemetry& telemetry, core::Random& random,
                       std::size_t queue_bytes_max)
    : connection_(std::move(connection)),
      source_(std::move(source)),
      prefix_(key_prefix(source_)),
      telemetry_(telemetry),
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

Task<> RedisQuota::quarantine(std::string owner, std::string reason) {
    std::vector<std::string> command{"HSET", prefix_ + "quarantine", owner, reason};
    co_await connection_->command(std::move(command));
    core::log::error("Account quarantined, the API refuses it",
                     {{"source", source_}, {"owner", owner}, {"reason", reason}});
}

Task<std::vector<std::string>> RedisQuota::quarantined() {
    std::vector<std::string> command{"HKEYS", prefix_ + "quarantine"};
    const auto reply = co_await connection_->command(std::move(command));
    std::vector<std::string> owners;
    for (const auto& owner : reply.array()) owners.push_back(owner.text());
    std::ranges::sort(owners);
    co_return owners;
}

Task<> RedisQuota::unquarantine(std::string owner) {
    std::vector<std::string> command{"HDEL", prefix_ + "quarantine", owner};
    co_await connection_->command(std::move(command));
}

Task<std::vector<LimitView>> RedisQuota::view() {
    std::vector<std::string> nothing;
    const auto reply = co_await connection_->run(quota_view_script, prefix_, std::move(nothing));
    std::vector<LimitView> views;
    for (const auto& row : reply.array()) {
        LimitView view;
        view.name = row.at(0).text();
        view.owner = row.at(1).text();
        view.limit = row.at(2).integer();
        view.used = row.at(3).integer();
        view.remaining = std::max<std::int64_t>(0, view.limit - view.used);
        view.reset_seconds = static_cast<double>(row.at(4).integer()) / 1e6;
        view.in_flight = row.at(5).integer();
        view.blocked = row.at(6).integer() != 0;
        telemetry_.set(Metric::quota_limit, {source_, view.owner, view.name},
                       static_cast<double>(view.limit));
        telemetry_.set(Metric::quota_remaining, {source_, view.owner, view.name},
                       static_cast<double>(view.remaining));
        telemetry_.set(Metric::quota_reset_seconds, {source_, view.owner, view.name},
                       view.reset_seconds);
        views.push_back(std::move(view));
    }
    std::ranges::sort(views, [](const LimitView& a, const LimitView& b) {
        return std::tie(a.name, a.owner) < std::tie(b.name, b.owner);
    });
    co_return views;
}

}  // namespace pawl::queue
