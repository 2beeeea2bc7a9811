#include "app/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "core/errors.hpp"

namespace pawl::app {

std::optional<FileLock> FileLock::try_lock(const std::string& path, Kind kind) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        throw core::ConfigError("cannot open the lock file " + path + ": " + std::strerror(errno));
    FileLock lock(descriptor);
    const int operation = (kind == Kind::shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
    if (::flock(descriptor, operation) == 0) return lock;
    return std::nullopt;
}

FileLock FileLock::lock(const std::string& path, Kind kind, std::chrono::seconds wait_max) {
    constexpr auto step = std::chrono::milliseconds(20);
    const auto tries = wait_max / step;
    for (std::int64_t i = 0; i <= tries; ++i) {
        if (auto lock = try_lock(path, kind)) return std::move(*lock);
        std::this_thread::sleep_for(step);
    }
    throw core::TransientError("another pawl holds " + path + " for more than " +
                               std::to_string(wait_max.count()) + " s");
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

FileLock::~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace pawl::app
