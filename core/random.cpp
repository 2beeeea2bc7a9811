#include "core/random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace pawl::core {

std::uint64_t Random::next() {
    std::uint64_t value = 0;
    std::uint8_t bytes[sizeof value];
    fill(bytes, sizeof bytes);
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

double Random::fraction() {
    return static_cast<double>(next() >> 11) * 0x1.0p-53;  // 53 random bits: all a double holds
}

void SystemRandom::fill(std::uint8_t* out, std::size_t size) {
    while (size > 0) {
        const ssize_t got = ::getrandom(out, size, 0);
        if (got < 0) {
            if (errno == EINTR) continue;
            throw std::system_error(errno, std::generic_category(), "getrandom");
        }
        out += got;
        size -= static_cast<std::size_t>(got);
    }
}

void SeededRandom::fill(std::uint8_t* out, std::size_t size) {
    while (size > 0) {
        // splitmix64 (Steele, Lea, Flood 2014)
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        const std::size_t n = size < sizeof z ? size : sizeof z;
        std::memcpy(out, &z, n);
        out += n;
        size -= n;
    }
}

}  // namespace pawl::core
