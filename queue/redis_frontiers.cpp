#include "queue/redis_frontiers.hpp"

#include <algorithm>
#include <utility>

#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"
#include "queue/frontier_scripts.hpp"
#include "queue/page_queue.hpp"

namespace pawl::queue {

using core::Metric;
using core::Millis;
using core::SliceId;
using core::Task;

namespace {

constexpr std::size_t lease_count_max =
    1'000;                                  // of one call: a script stays under a few milliseconds
constexpr std::int64_t reclaim_step = 500;  // slices freed by one script call
constexpr std::size_t listed_slices_max = 50;  // of one log line

core::Token token(const RedisReply& reply) {
    const auto parsed = core::Token::parse(reply.text());
    if (!parsed)
        throw core::TransientError("a key in Redis holds no uuid where one should be: " +
                                   reply.text());
    return *parsed;
}

template <typename Word>
Word parse_answer(const std::string& text, Word last) {
    for (int i = 0; i <= static_cast<int>(last); ++i) {
        if (to_string(static_cast<Word>(i)) == text) return static_cast<Word>(i);
    }
    throw core::TransientError("a script answered with an unknown word: " + text);
}

/// "17 23 42 …" for a log line.
std::string list_slices(const std::vector<SliceId>& slices) {
    std::string text;
    for (std::size_t i = 0; i < std::min(slices.size(), listed_slices_max); ++i) {
        text += (i == 0 ? "" : " ") + std::to_string(slices[i]);
    }
    return slices.size() > listed_slices_max ? text + " …" : text;
}

}  // namespace

std::string key_prefix(const std::string& source) { return "pawl:{" + source + "}:"; }

RedisFrontiers::RedisFrontiers(std::shared_ptr<RedisConnection> connection, std::string source,
                               core::Telemetry& telemetry, core::Random& random,
                               std::size_t bytes_max)
    : connection_(std::move(connection)),
      source_(std::move(source)),
      prefix_(key_prefix(source_)),
      telemetry_(telemetry),
      random_(random),
      bytes_max_(bytes_max) {}

Task<std::optional<Frontiers::Instance>> RedisFrontiers::instance() {
    std::vector<std::string> command{"HMGET", prefix_ + "meta", "instance", "epoch"};
    const auto reply = co_await connection_->command(std::move(command));
    if (reply.at(0).is_nil()) co_return std::nullopt;
    co_return Instance{token(reply.at(0)), token(reply.at(1))};
}

Task<Frontiers::Instance> RedisFrontiers::adopt(core::Token instance, bool override_other, Past past) {
    std::vector<std::string> arguments{instance.str(), core::Token::random(random_).str(),
                                       override_other ? "1" : "", past == Past::none ? "1" : ""};
    const auto reply = co_await connection_->run(adopt_script, prefix_, std::move(arguments));
    const Instance held{token(reply.at(0)), token(reply.at(1))};
    co_return held;
}

Task<std::vector<OfferAnswer>> RedisFrontiers::offer(std::vector<Offer> offers) {
    std::vector<std::vector<std::string>> arguments;
    for (const auto& offer : offers) {
        arguments.push_back(
            {std::to_string(offer.slice.slice), std::to_string(offer.tip.seq), offer.tip.link.str(),
             offer.tip.cursor ? "1" : "", offer.tip.cursor.value_or(""), offer.slice.encode(),
             std::string(core::to_string(offer.slice.slice_class)), offer.force ? "1" : ""});
    }
    const auto replies =
        co_await connection_->run_each(offer_script, prefix_, std::move(arguments));
    core::hit(core::Failpoint::in_seed);
    std::vector<OfferAnswer> answers;
    for (std::size_t i = 0; i < replies.size(); ++i) {
        const auto answer = parse_answer(replies[i].at(0).text(), OfferAnswer::behind);
        tell_offer(offers[i], answer, replies[i].at(1).integer(), replies[i].at(2).integer());
        answers.push_back(answer);
    }
    co_return answers;
}

void RedisFrontiers::tell_offer(const Offer& offer, OfferAnswer answer, std::int64_t frontier_seq,
                                std::int64_t purged) {
    // Pages behind the tip will be asked for again: the log must tell why.
    if (answer == OfferAnswer::reseeded) {
        core::log::warn("Slice seeded again from its tip", {{"source", source_},
                                                            {"slice", offer.slice.slice},
                                                            {"stream", offer.slice.stream},
                                                            {"tip_seq", offer.tip.seq},
                                                            {"frontier_seq", frontier_seq},
                                                            {"purged", purged},
                                                            {"forced", offer.force}});
    } else {
        core::log::debug("Slice offered", {{"source", source_},
                                           {"slice", offer.slice.slice},
                                           {"stream", offer.slice.stream},
                                           {"tip_seq", offer.tip.seq},
                                           {"answer", to_string(answer)}});
    }
}

Task<std::vector<Lease>> RedisFrontiers::lease(std::string owner, std::size_t count, Millis ttl) {
    count = std::min(count, lease_count_max);
    std::vector<Lease> leases;
    if (count == 0) co_return leases;
    std::vector<core::Nonce> nonces;
    std::vector<std::string> arguments{owner, std::to_string(count), std::to_string(ttl.count())};
    for (std::size_t i = 0; i < count; ++i) {
        nonces.push_back(core::Nonce::random(random_));
        arguments.push_back(nonces.back().str());
    }
    const auto reply = co_await connection_->run(lease_script, prefix_, std::move(arguments));
    for (const auto& one : reply.array()) leases.push_back(read_lease(one, nonces, owner));
    if (!leases.empty()) core::hit(core::Failpoint::after_lease);
    co_return leases;
}

Lease RedisFrontiers::read_lease(const RedisReply& reply, const std::vector<core::Nonce>& nonces,
                                 const std::string& owner) {
    Lease lease;
    lease.slice = core::SliceDescriptor::decode(reply.at(9).text());
    lease.nonce = nonces.at(static_cast<std::size_t>(reply.at(1).integer() - 1));
    lease.seq = reply.at(2).integer();
    lease.link = token(reply.at(3));
    if (reply.at(4).integer() != 0) lease.cursor = reply.at(5).text();
    lease.attempts = static_cast<int>(reply.at(6).integer());
    const bool is_lapsed = reply.at(7).integer() != 0;
    const auto& before = reply.at(8).text();
    lease.lapsed = is_lapsed && before != owner;
    telemetry_.add(Metric::leases, {source_, is_lapsed ? "lapsed" : "taken"});
    if (is_lapsed) {
        core::log::warn("Lease lapsed, slice taken over", {{"source", source_},
                                                           {"slice", lease.slice.slice},
                                                           {"stream", lease.slice.stream},
                                                           {"seq", lease.seq},
                                                           {"from", before},
                                                           {"to", owner}});
    }
    return lease;
}

Task<std::vector<SliceId>> RedisFrontiers::renew(
    std::vector<std::pair<SliceId, core::Nonce>> leases, Millis ttl) {
    std::vector<SliceId> lost;
    if (leases.empty()) co_return lost;
    std::vector<std::string> arguments{std::to_string(ttl.count())};
    for (const auto& [slice, nonce] : leases) {
        arguments.push_back(std::to_string(slice));
        arguments.push_back(nonce.str());
    }
    const auto reply = co_await connection_->run(renew_script, prefix_, std::move(arguments));
    for (const auto& slice : reply.array()) lost.push_back(slice.integer());
    co_return lost;
}

Task<> RedisFrontiers::release(SliceId slice, core::Nonce nonce) {
    std::vector<std::string> arguments{std::to_string(slice), nonce.str()};
    const auto reply = co_await connection_->run(release_script, prefix_, std::move(arguments));
    if (reply.integer() != 0) telemetry_.add(Metric::leases, {source_, "released"});
}

Task<std::int64_t> RedisFrontiers::reclaim(std::string owner) {
    std::vector<SliceId> freed;
    std::int64_t left = 1;
    while (left > 0) {
        std::vector<std::string> arguments{owner, std::to_string(reclaim_step)};
        const auto reply = co_await connection_->run(reclaim_script, prefix_, std::move(arguments));
        left = reply.at(0).integer();
        for (const auto& slice : reply.at(1).array()) freed.push_back(slice.integer());
    }
    if (!freed.empty()) {
        telemetry_.add(Metric::leases, {source_, "resumed"}, static_cast<double>(freed.size()));
        core::log::info("Slices of an earlier process reclaimed",
                        {{"source", source_},
                         {"owner", owner},
                         {"count", static_cast<std::int64_t>(freed.size())},
                         {"slices", list_slices(freed)}});
    }
    co_return static_cast<std::int64_t>(freed.size());
}

Task<int> RedisFrontiers::count_attempt(SliceId slice, core::Nonce nonce) {
    std::vector<std::string> arguments{std::to_string(slice), nonce.str()};
    const auto reply = co_await connection_->run(attempt_script, prefix_, std::move(arguments));
    co_return static_cast<int>(reply.integer());
}

Task<Advance> RedisFrontiers::advance(core::Job job, core::Nonce nonce, std::string room,
                                      Millis ttl) {
    std::vector<std::string> arguments{std::to_string(job.slice),
                                       nonce.str(),
                                       std::to_string(job.seq),
                                       job.link.str(),
                                       job.previous.str(),
                                       job.next_cursor ? "1" : "",
                                       job.next_cursor.value_or(""),
                                       job.last ? "1" : "",
                                       std::to_string(shard_of(job.slice)),
                                       job.encode_envelope(),
                                       std::move(job.body),
                                       std::to_string(bytes_max_),
                                       std::move(room),
                                       std::to_string(ttl.count())};
    const auto reply = co_await connection_->run(advance_script, prefix_, std::move(arguments));
    const auto answer = parse_answer(reply.text(), Advance::full);
    core::hit(core::Failpoint::after_append_ok);
    if (answer == Advance::fenced) {
        core::log::warn(
            "Page refused, another collector holds the slice or its frontier was written anew",
            {{"source", source_}, {"slice", job.slice}, {"stream", job.stream}, {"seq", job.seq}});
    }
    co_return answer;
}

Task<FrontierTotals> RedisFrontiers::totals() {
    std::vector<std::string> nothing;
    const auto reply =
        co_await connection_->run(frontier_totals_script, prefix_, std::move(nothing));
    const FrontierTotals totals{reply.at(0).integer(), reply.at(1).integer(),
                                reply.at(2).integer()};
    telemetry_.set(Metric::slices, {source_, "offered"},
                   static_cast<double>(totals.offered_live + totals.offered_backfill));
    telemetry_.set(Metric::slices, {source_, "leased"}, static_cast<double>(totals.leased));
    co_return totals;
}

Task<std::vector<FrontierView>> RedisFrontiers::view(std::vector<SliceId> slices) {
    std::vector<std::vector<std::string>> arguments;
    for (const auto slice : slices) {
        std::vector<std::string> one;
        one.push_back(std::to_string(slice));
        arguments.push_back(std::move(one));
    }
    const auto replies =
        co_await connection_->run_each(frontier_view_script, prefix_, std::move(arguments));
    std::vector<FrontierView> views;
    for (std::size_t i = 0; i < slices.size(); ++i) {
        FrontierView view;
        view.slice = slices[i];
        view.seq = -1;
        if (!replies[i].array().empty()) {
            view.seq = replies[i].at(0).integer();
            view.link = token(replies[i].at(1));
            view.done = replies[i].at(2).integer() != 0;
            view.leased = replies[i].at(3).integer() != 0;
            view.chained = replies[i].at(4).integer();
        }
        views.push_back(view);
    }
    co_return views;
}

Task<> RedisFrontiers::forget(std::vector<SliceId> slices) {
    if (slices.empty()) co_return;
    std::vector<std::string> arguments;
    for (const auto slice : slices) arguments.push_back(std::to_string(slice));
    co_await connection_->run(forget_script, prefix_, std::move(arguments));
}

}  // namespace pawl::queue
