#pragma once

#include <string>
#include <utility>

#include "core/clock.hpp"
#include "core/errors.hpp"
#include "tests/simulation/fate.hpp"
#include "tests/simulation/timeline.hpp"

namespace pawl::simulation {

/// How likely things go wrong, for one run: drawn by its seed, so that some runs know one kind of fault only.
struct Chances {
    double request_lost = 0, reply_lost = 0, slow = 0, postgres_abort = 0;
    double kill = 0, pause = 0, wipe = 0, rollback = 0, full = 0, drift = 0, reorder = 0, expire = 0, refuse = 0, break_ = 0, jump = 0;
};

/// What holds for all calls to Redis and Postgres at the moment.
struct Servers {
    std::int64_t redis_away_until_us = 0, redis_full_until_us = 0;
};

enum class Server : std::uint8_t { redis, postgres };

/// The way from one process to the servers: takes time, loses requests and answers. Carries a call that was made ready and
/// not begun; a call that never arrives is not begun at all.
class Network {
  public:
    Network(Fate& fate, Timeline& timeline, core::Clock& clock, const Chances& chances, const Servers& servers)
        : fate_(fate), timeline_(timeline), clock_(clock), chances_(chances), servers_(servers) {}

    template <typename T>
    core::Task<T> carry(Server server, std::string what, bool writes, core::Task<T> call) {
        co_await go(server, what, writes);
        auto answer = co_await std::move(call);
        co_await come_back(what);
        co_return answer;
    }
    core::Task<> carry(Server server, std::string what, bool writes, core::Task<> call) {
        co_await go(server, what, writes);
        co_await std::move(call);
        co_await come_back(what);
    }

    /// For planted holes: does something break between two steps that must be one?
    [[nodiscard]] bool breaks_between(const std::string& what) {
        return fate_.strikes(Fault::kill, 0.05, timeline_.now_ms(), "between two steps of " + what);
    }

  private:
    core::Micros latency(const std::string& what) {
        const bool is_slow = fate_.strikes(Fault::slow, chances_.slow, timeline_.now_ms(), what);
        return core::Micros(static_cast<std::int64_t>(fate_.random().fraction() * (is_slow ? 3e6 : 2e3)));
    }
    core::Task<> go(Server server, const std::string& what, bool writes) {
        const auto way = latency(what);
        co_await clock_.sleep(way);
        if (server == Server::redis && timeline_.now_us() < servers_.redis_away_until_us)
            throw core::TransientError("Redis is away");
        if (server == Server::redis && writes && timeline_.now_us() < servers_.redis_full_until_us)
            throw core::TransientError("OOM command not allowed when used memory > 'maxmemory'");
        if (server == Server::postgres &&
            fate_.strikes(Fault::postgres_abort, chances_.postgres_abort, timeline_.now_ms(), what))
            throw core::TransientError("40P01 deadlock detected");
        if (fate_.strikes(Fault::request_lost, chances_.request_lost, timeline_.now_ms(), what))
            throw core::TransientError("connection reset");
    }
    core::Task<> come_back(const std::string& what) {
        const auto way = latency(what);
        co_await clock_.sleep(way);
        if (fate_.strikes(Fault::reply_lost, chances_.reply_lost, timeline_.now_ms(), what))
            throw core::TransientError("connection lost before the answer", true);
    }

    Fate& fate_;
    Timeline& timeline_;
    core::Clock& clock_;
    const Chances& chances_;
    const Servers& servers_;
};

}  // namespace pawl::simulation
