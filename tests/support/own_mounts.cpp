#include "tests/support/own_mounts.hpp"

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <system_error>

namespace pawl::test {

void must(int result, const char* what) {
    if (result != 0) throw std::system_error(errno, std::generic_category(), what);
}

void see_own_mounts() {
    must(::unshare(CLONE_NEWNS), "a view of mounts of its own");
    must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mounts that nobody else sees");
}

}  // namespace pawl::test
