#pragma once

#include <string>

#include "app/file_lock.hpp"

namespace pawl::app {

/// The stable name under which a process leases slices: host name and a number held by a file lock.
/// A process that is restarted gets the number back, so it takes its own leases back at once
/// instead of waiting for them to lapse.
class Slot {
  public:
    /// `name` not empty: that name, locked all the same. Throws core::ConfigError when it is taken,
    /// or when all numbers (1 … 256) are.
    [[nodiscard]] static Slot take(const std::string& state_dir, const std::string& name);

    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    Slot(std::string name, FileLock lock) : name_(std::move(name)), lock_(std::move(lock)) {}
    std::string name_;
    FileLock lock_;
};

}  // namespace pawl::app
