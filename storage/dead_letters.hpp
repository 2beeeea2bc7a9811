#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/job.hpp"
#include "core/task.hpp"
#include "storage/batch_writer.hpp"
#include "storage/connection.hpp"

namespace pawl::storage {

/// A page that could not be stored for its own sake. Its slice went on without it.
struct DeadLetter {
    std::int64_t id = 0;
    std::string source, stream, part;
    core::SliceId slice = 0;
    std::int64_t seq = 0;
    std::string state;  ///< dead, replayed, dropped
    std::string reason, url;
    int status = 0;               ///< of the response
    std::int64_t bytes = 0;       ///< of the body, compressed
    std::string created_at;       ///< UTC, "2026-11-26T22:15:04Z"
};

/// Which dead letters; what is empty does not choose.
struct DeadLetterChoice {
    std::string source, stream;
    std::string reason;             ///< part of it, whatever the case
    std::vector<std::int64_t> ids;
    bool only_dead = true;          ///< not those that were replayed or dropped
};

/// The dead letters of a catalogue. Used by one coroutine at a time. Throws core::TransientError while Postgres is away.
class DeadLetters {
  public:
    explicit DeadLetters(std::shared_ptr<ConnectionPool> pool);

    /// In the order of their ids, those behind `after`, at most `limit`.
    core::Task<std::vector<DeadLetter>> list(DeadLetterChoice choice, std::int64_t after, std::size_t limit);
    /// The job as the worker had it, with its body (compressed); nullopt: there is no such letter.
    core::Task<std::optional<core::Job>> job(std::int64_t id);
    /// They will not be stored: dead → dropped. Returns how many were dead.
    core::Task<std::int64_t> drop(std::vector<std::int64_t> ids);
    /// BatchWriter::replay.
    core::Task<PageResult> replay(std::shared_ptr<const core::SourceFile> source, std::int64_t id, PageCommit page);

  private:
    std::shared_ptr<ConnectionPool> pool_;
    std::shared_ptr<BatchWriter> writer_;
};

}  // namespace pawl::storage
