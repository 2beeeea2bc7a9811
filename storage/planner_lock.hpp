#pragma once

#include <string>

#include "storage/connection.hpp"

namespace pawl::storage {

/// The right to plan one source, for one process at a time: a session-level advisory lock on a
/// connection of its own, so that it ends with the process whatever kills it. Not thread-safe.
/// Blocks.
class PlannerLock {
  public:
    PlannerLock(std::string url, std::string source);

    /// Takes the lock, or makes sure that it is still held: a session that was lost meanwhile lost
    /// the lock too, and it is asked for anew. False: another process holds it.
    bool hold();
    void release();

  private:
    Connection connection_;
    std::string source_;
    int session_ = 0;  ///< backend pid of the session that holds the lock; 0: not held
};

/// True when no session holds the planner lock of `source`; nobody takes it until the transaction
/// ends.
[[nodiscard]] bool nobody_plans(pqxx::transaction_base& transaction, const std::string& source);

}  // namespace pawl::storage
