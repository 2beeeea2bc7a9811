// Loaded into a server in front of the C library: its wall clock is then the number of microseconds that stands in the file
// $PAWL_TEST_CLOCK, and the machine's own while that is 0. Other clocks are left alone: they tell the server how long it works.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

std::int64_t set_us() {
    static const auto* const held = []() -> const std::atomic<std::int64_t>* {
        const char* file = std::getenv("PAWL_TEST_CLOCK");
        const int fd = file == nullptr ? -1 : ::open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return nullptr;
        void* memory = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
        ::close(fd);
        return memory == MAP_FAILED ? nullptr : static_cast<const std::atomic<std::int64_t>*>(memory);
    }();
    return held == nullptr ? 0 : held->load();
}

template <typename Function>
Function next_of(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int gettimeofday(struct timeval* time, void* zone) noexcept {
    static const auto machine = next_of<int (*)(struct timeval*, void*)>("gettimeofday");
    const auto us = set_us();
    if (us == 0) return machine(time, zone);
    time->tv_sec = us / 1'000'000;
    time->tv_usec = us % 1'000'000;
    return 0;
}

extern "C" int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
    static const auto machine = next_of<int (*)(clockid_t, struct timespec*)>("clock_gettime");
    const auto us = clock == CLOCK_REALTIME ? set_us() : 0;
    if (us == 0) return machine(clock, time);
    time->tv_sec = us / 1'000'000;
    time->tv_nsec = us % 1'000'000 * 1'000;
    return 0;
}

extern "C" time_t time(time_t* out) noexcept {
    static const auto machine = next_of<time_t (*)(time_t*)>("time");
    const auto us = set_us();
    if (us == 0) return machine(out);
    if (out != nullptr) *out = us / 1'000'000;
    return us / 1'000'000;
}
