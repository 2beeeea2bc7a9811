#include "tests/support/small_disk.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

#include "tests/support/own_mounts.hpp"

namespace pawl::test {

namespace {

std::string filling(const SmallDisk& disk) { return (disk.path() / "filling").string(); }

}  // namespace

SmallDisk::SmallDisk(int megabytes) {
    see_own_mounts();
    std::filesystem::permissions(path(), std::filesystem::perms(0711));  // the server runs as another user
    const auto options = "mode=1777,size=" + std::to_string(megabytes) + "m";
    must(::mount("tmpfs", path().c_str(), "tmpfs", 0, options.c_str()), "mount tmpfs");
}

SmallDisk::~SmallDisk() { ::umount2(path().c_str(), MNT_DETACH); }

void SmallDisk::fill() const {
    const int file = ::open(filling(*this).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const std::string piece(4096, 'x');
    while (::write(file, piece.data(), piece.size()) > 0) {
    }
    ::close(file);
}

void SmallDisk::free() const { std::filesystem::remove(filling(*this)); }

}  // namespace pawl::test
