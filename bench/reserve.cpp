// What a reservation costs Redis: microseconds of its CPU, and bytes for each limit of each owner. Starts a Redis of its own.
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <map>

#include "core/random.hpp"
#include "core/telemetry.hpp"
#include "queue/redis_address.hpp"
#include "queue/redis_connection.hpp"
#include "queue/redis_quota.hpp"
#include "tests/support/private_redis.hpp"
#include "tests/support/run_task.hpp"

namespace {

using namespace pawl;
using queue::LimitAsk;
using queue::Pace;

constexpr int rounds = 20, reservations = 1'000;  // of a round: made, then settled
constexpr std::int64_t hour_us = 3'600'000'000;

struct Load {
    int limits, owners, payers;  ///< payers that one reservation names
};

/// Told windows, token buckets, sliding and fixed windows in turn, wide enough never to refuse.
LimitAsk limit_of(int index, const std::string& owner, std::int64_t now_us) {
    constexpr Pace paces[]{Pace::told, Pace::bucket, Pace::sliding, Pace::fixed};
    LimitAsk ask;
    ask.name = "limit-" + std::to_string(index);
    ask.owner = owner;
    ask.count = 3'600'000'000;  // one a microsecond
    ask.period_us = hour_us;
    ask.burst = 1'000;
    ask.pace = paces[index % 4];
    ask.ends_us = now_us + hour_us;
    ask.next_ends_us = ask.ends_us + hour_us;
    return ask;
}

class Bench {
  public:
    explicit Bench(Load load) : load_(load) {
        queue::RedisOptions options;
        options.address = queue::parse_redis_url(server_.socket_url());
        connection_ = std::make_shared<queue::RedisConnection>(io_.get_executor(), options, random_);
        quota_ = std::make_unique<queue::RedisQuota>(connection_, "bench", telemetry_, random_, std::size_t{1} << 30);
        now_us_ = std::stoll(command({"TIME"}).at(0).text()) * 1'000'000;
    }

    void run() {
        round(load_.owners);  // every ledger exists, every told window is known
        const auto cpu_before = cpu_us();
        double reserve_us = 0, settle_us = 0;
        for (int i = 0; i < rounds; ++i) {
            const auto [reserving, settling] = round(reservations);
            reserve_us += reserving;
            settle_us += settling;
        }
        const double all = rounds * reservations;
        fmt::print("| {} | {} | {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} |\n", load_.limits, load_.owners, load_.payers,
                   reserve_us / all, settle_us / all, (cpu_us() - cpu_before) / all, bytes());
    }

  private:
    /// Reserves so often, then settles: µs that the scripts took, each.
    std::pair<double, double> round(int count) {
        std::vector<queue::Settlement> settlements;
        command({"CONFIG", "RESETSTAT"});
        for (int i = 0; i < count; ++i) settlements.push_back(reserve());
        const auto reserving = script_us();
        command({"CONFIG", "RESETSTAT"});
        for (auto& settlement : settlements) test::run_task(io_, quota_->settle(std::move(settlement)));
        return {reserving, script_us()};
    }

    queue::Settlement reserve() {
        std::vector<queue::Payer> payers;
        for (int i = 0; i < load_.payers; ++i) payers.push_back(payer((turn_ + i) % load_.owners));
        turn_ = (turn_ + 1) % load_.owners;
        queue::Settlement settlement;
        settlement.limits = payers.front().limits;
        const auto answer = test::run_task(io_, quota_->reserve(std::move(payers), 0));
        const auto* granted = std::get_if<queue::Granted>(&answer);
        if (granted == nullptr || granted->payer != 0) throw std::runtime_error("a reservation was refused");
        settlement.reservation = granted->reservation;
        for (const auto& limit : settlement.limits) {
            if (limit.pace != Pace::told) continue;
            queue::LimitFeedback told;
            told.name = limit.name;
            told.owner = limit.owner;
            told.limit = limit.count;
            told.remaining = limit.count - 1;
            told.reset_at_us = now_us_ + hour_us;
            settlement.feedback.push_back(std::move(told));
        }
        return settlement;
    }

    queue::Payer payer(int index) {
        queue::Payer payer;
        payer.owner = "owner-" + std::to_string(index);
        for (int i = 0; i < load_.limits; ++i) payer.limits.push_back(limit_of(i, payer.owner, now_us_));
        return payer;
    }

    queue::RedisReply command(std::vector<std::string> words) {
        return test::run_task(io_, connection_->command(std::move(words)));
    }
    /// Of a ledger, key and all.
    double bytes() {
        const auto names = command({"KEYS", "*:quota:*"});
        std::int64_t sum = 0;
        for (const auto& name : names.array()) sum += command({"MEMORY", "USAGE", name.text()}).integer();
        return static_cast<double>(sum) / static_cast<double>(names.array().size());
    }
    double script_us() {
        const auto text = command({"INFO", "commandstats"}).text();
        const auto line = text.find("cmdstat_evalsha:");
        const auto at = text.find("usec=", line);
        return line == std::string::npos ? 0 : std::atof(text.c_str() + at + 5);
    }
    double cpu_us() {
        const auto text = command({"INFO", "cpu"}).text();
        double all = 0;
        for (const std::string field : {"used_cpu_sys:", "used_cpu_user:"})
            all += std::atof(text.c_str() + text.find(field) + field.size()) * 1e6;
        return all;
    }

    Load load_;
    test::PrivateRedis server_;
    boost::asio::io_context io_;
    core::SeededRandom random_{1};
    core::CountingTelemetry telemetry_;
    std::shared_ptr<queue::RedisConnection> connection_;
    std::unique_ptr<queue::RedisQuota> quota_;
    std::int64_t now_us_ = 0;
    int turn_ = 0;
};

}  // namespace

int main() {
    fmt::print("| limits | owners | payers named | reserve µs | settle µs | Redis CPU µs, both | bytes per limit and owner |\n"
               "|---|---|---|---|---|---|---|\n");
    for (const auto load : {Load{1, 1, 1}, Load{3, 4, 4}, Load{10, 1'000, 1}, Load{10, 1'000, 8}}) Bench(load).run();
}
