// Loaded into a process in front of the C library: its wall clock is then the number of microseconds that stands in the file
// $PAWL_TEST_CLOCK, and while that is 0 the machine's own and as much more as the second number says. Other clocks are left alone: they tell the server how long it works.
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

struct Clock {
    std::atomic<std::int64_t> now_us, ahead_us;
};

const Clock* held_clock() {
    static const auto* const held = []() -> const Clock* {
        const char* file = std::getenv("PAWL_TEST_CLOCK");
        const int fd = file == nullptr ? -1 : ::open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return nullptr;
        void* memory = ::mmap(nullptr, sizeof(Clock), PROT_READ, MAP_SHARED, fd, 0);
        ::close(fd);
        return memory == MAP_FAILED ? nullptr : static_cast<const Clock*>(memory);
    }();
    return held;
}

/// The wall clock as the test wants it, in microseconds, where the machine's says `machine_us`.
std::int64_t told_us(std::int64_t machine_us) {
    const auto* clock = held_clock();
    if (clock == nullptr) return machine_us;
    const auto now_us = clock->now_us.load();
    return now_us != 0 ? now_us : machine_us + clock->ahead_us.load();
}

template <typename Function>
Function next_of(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int gettimeofday(struct timeval* time, void* zone) noexcept {
    static const auto machine = next_of<int (*)(struct timeval*, void*)>("gettimeofday");
    const int result = machine(time, zone);
    const auto us = told_us(time->tv_sec * 1'000'000 + time->tv_usec);
    time->tv_sec = us / 1'000'000;
    time->tv_usec = us % 1'000'000;
    return result;
}

extern "C" int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
    static const auto machine = next_of<int (*)(clockid_t, struct timespec*)>("clock_gettime");
    const int result = machine(clock, time);
    if (clock != CLOCK_REALTIME) return result;
    const auto us = told_us(time->tv_sec * 1'000'000 + time->tv_nsec / 1'000);
    time->tv_sec = us / 1'000'000;
    time->tv_nsec = us % 1'000'000 * 1'000;
    return result;
}

extern "C" time_t time(time_t* out) noexcept {
    static const auto machine = next_of<time_t (*)(time_t*)>("time");
    const auto now = told_us(machine(nullptr) * 1'000'000) / 1'000'000;
    if (out != nullptr) *out = now;
    return now;
}
