#include "tests/support/server_clock.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace pawl::test {

ServerClock::ServerClock() {
    const auto file = (directory_.path() / "now").string();
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ::ftruncate(fd, sizeof(Clock)) != 0)
        throw std::system_error(errno, std::generic_category(), file);
    void* memory = ::mmap(nullptr, sizeof(Clock), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), file);
    clock_ = static_cast<Clock*>(memory);
}

ServerClock::~ServerClock() { ::munmap(clock_, sizeof(Clock)); }

std::map<std::string, std::string> ServerClock::env() const {
    const auto tests = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const char* set = std::getenv("ASAN_OPTIONS");
    const std::string sanitizer = set == nullptr ? "" : set;  // it wants to be first, and here it need not be
    return {{"LD_PRELOAD", (tests / "libpawl_server_clock.so").string()},
            {"PAWL_TEST_CLOCK", (directory_.path() / "now").string()},
            {"ASAN_OPTIONS", sanitizer + ":verify_asan_link_order=0"}};
}

}  // namespace pawl::test
