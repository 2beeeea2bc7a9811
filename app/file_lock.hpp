#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace pawl::app {

/// An advisory lock on a file (flock), released by the kernel when the process ends in any way.
/// Children that are executed do not inherit it.
class FileLock {
  public:
    enum class Kind : std::uint8_t { shared, exclusive };

    /// Creates the file where it is missing. nullopt: someone else holds it.
    /// Throws core::ConfigError when the file cannot be opened.
    [[nodiscard]] static std::optional<FileLock> try_lock(const std::string& path, Kind kind);
    /// Waits, polling. Blocks. Throws core::TransientError after `wait_max`.
    [[nodiscard]] static FileLock lock(const std::string& path, Kind kind,
                                       std::chrono::seconds wait_max);

    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&& other) noexcept;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    ~FileLock();

  private:
    explicit FileLock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_ = -1;
};

}  // namespace pawl::app
