#pragma once

#include "storage/backlog.hpp"
#include "storage/connection.hpp"

namespace pawl::storage {

/// The backlog in Postgres, in one read-only snapshot. Its cost: one pass over the source's open slices and due
/// partitions for each stream; for `resting` one over all partitions of the stream, and for `foreach: table` one over
/// the table, with a sort of its keys. Pages are never counted: what walks took
/// comes from running totals, latency from the pages of the last slices. Slices that are alike to `expect` come as one
/// row, a bounded number of rows at a time. Before the first migration there is no backlog.
class PgBacklog final : public Backlog {
  public:
    explicit PgBacklog(std::shared_ptr<ConnectionPool> pool) : pool_(std::move(pool)) {}

    core::Task<SourceBacklog> backlog(std::shared_ptr<const core::SourceFile> source,
                                      std::vector<std::string> streams, core::Millis patience) override;

  private:
    std::shared_ptr<ConnectionPool> pool_;
};

}  // namespace pawl::storage
