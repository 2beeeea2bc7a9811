#pragma once

#include <filesystem>

#include "tests/support/temporary_directory.hpp"

namespace pawl::test {

/// A disk of its own that can be full: a tmpfs, mounted where only this thread and its children see it, so that it goes with
/// them whatever happens.
class SmallDisk {
  public:
    /// Throws std::system_error where this process may not mount.
    explicit SmallDisk(int megabytes);
    ~SmallDisk();
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }
    /// Writes until nothing more fits.
    void fill() const;
    /// Takes back what `fill` wrote.
    void free() const;

  private:
    TemporaryDirectory directory_;
};

}  // namespace pawl::test
