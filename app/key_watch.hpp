#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/source_file.hpp"

namespace pawl::app {

/// Notices that the files a source takes its keys from have changed: by name, size, time and inode of each, so also when
/// a folder is swapped by a symbolic link. A handful of stat calls per look.
class KeyWatch {
  public:
    explicit KeyWatch(std::string secrets_dir) : secrets_dir_(std::move(secrets_dir)) {}

    /// True when the files are not as at the last look; false at the first look, and for keys of the environment, which
    /// cannot change while a process runs.
    [[nodiscard]] bool changed(const core::SourceFile& source);

  private:
    std::string secrets_dir_;
    std::map<std::string, std::string> seen_;  // by source
};

}  // namespace pawl::app
