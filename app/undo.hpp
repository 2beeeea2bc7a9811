#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/session.hpp"
#include "core/errors.hpp"
#include "core/log.hpp"
#include "queue/redis_frontiers.hpp"
#include "storage/known_streams.hpp"

/// What `reset` and `forget` have in common.
namespace pawl::app {

/// The streams that a command line names, known to the catalogue.
struct ChosenStreams {
    std::string source;
    std::vector<std::string> streams;
    bool is_whole = false;  ///< none was named: all of the source
};

/// SOURCE [STREAM…] among what the catalogue knows, also where no source file has it any more. Throws UsageError with a
/// suggestion for what it does not know.
[[nodiscard]] ChosenStreams choose_streams(Session& session, storage::KnownStreams& known,
                                           const std::vector<std::string>& names);

/// Numbers of each chosen stream.
[[nodiscard]] std::vector<storage::KnownStream> count_streams(Session& session, storage::KnownStreams& known,
                                                              const ChosenStreams& chosen);

/// "github" or "github.repos, github.stargazers".
[[nodiscard]] std::string named(const ChosenStreams& chosen);
/// "1 partition", "2,000 partitions".
[[nodiscard]] std::string amount(std::int64_t number, const std::string& noun);

/// The Redis of the source: makes sure that it is that of this catalogue, and forgets slices there.
class RedisSide {
  public:
    /// Throws core::TransientError while it is away, core::ConfigError where it belongs to another catalogue.
    RedisSide(Session& session, const std::string& source, core::Token instance);

    void forget(std::vector<core::SliceId> slices);
    [[nodiscard]] std::shared_ptr<queue::RedisConnection> connection() const { return connection_; }

  private:
    Session& session_;
    std::shared_ptr<queue::RedisConnection> connection_;
    queue::RedisFrontiers frontiers_;
};

/// Runs `step` to its end; again where Postgres or Redis was away for a moment, or two met in a deadlock: every step may be
/// made twice.
template <typename Step>
auto made(Session& session, Step step) {
    constexpr int attempts = 5;
    for (int attempt = 1;; ++attempt) {
        try {
            return session.wait_for(step());
        } catch (const core::TransientError& error) {
            if (attempt == attempts) throw;
            core::log::warn("A step failed and is made again", {{"error", error.what()}});
        }
        session.wait_for(session.clock.sleep(core::Millis(500)));
    }
}

}  // namespace pawl::app
