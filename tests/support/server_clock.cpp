#include "tests/support/server_clock.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace pawl::test {

ServerClock::ServerClock() {
    const auto file = (directory_.path() / "now").string();
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ::ftruncate(fd, sizeof(std::int64_t)) != 0)
        throw std::system_error(errno, std::generic_category(), file);
    void* memory = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), file);
    now_us_ = static_cast<std::atomic<std::int64_t>*>(memory);
}

ServerClock::~ServerClock() { ::munmap(now_us_, sizeof(std::int64_t)); }

std::map<std::string, std::string> ServerClock::env() const {
    const auto tests = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    return {{"LD_PRELOAD", (tests / "libpawl_server_clock.so").string()},
            {"PAWL_TEST_CLOCK", (directory_.path() / "now").string()}};
}

}  // namespace pawl::test
