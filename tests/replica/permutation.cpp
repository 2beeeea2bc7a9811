// On a power of two, "times an odd number", "plus a number" and "xor with the own upper half" can
// each be undone; three rounds of them scatter well enough for test data. Other sizes walk the
// cycle: values beyond the size are mapped again, less than one extra step on average, because the
// power of two is less than twice the size.
#include "tests/replica/permutation.hpp"

#include <bit>

namespace pawl::replica {

std::uint64_t mix(std::uint64_t value) {
    value += 0x9E3779B97F4A7C15ULL;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
    return value ^ (value >> 31);
}

std::uint64_t hash_text(std::string_view text) {
    std::uint64_t hash = 0xCBF29CE484222325ULL;
    for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    return mix(hash);
}

namespace {

/// The inverse of an odd number modulo 2^64: Newton's iteration doubles the correct bits each time.
std::uint64_t inverse_of(std::uint64_t odd) {
    std::uint64_t inverse = odd;
    for (int i = 0; i < 5; ++i) inverse *= 2 - odd * inverse;
    return inverse;
}

}  // namespace

Permutation::Permutation(std::uint64_t key, std::uint64_t size)
    : size_(size),
      mask_(std::bit_ceil(size < 2 ? 2 : size) - 1),
      shift_(static_cast<int>((std::bit_width(mask_) + 1) / 2)),
      rounds_{} {
    for (auto& round : rounds_) {
        key = mix(key);
        round.multiplier = key | 1;
        round.inverse = inverse_of(round.multiplier);
        round.addend = mix(key ^ 0xA5A5A5A5ULL);
    }
}

std::uint64_t Permutation::mix_bits(std::uint64_t value) const {
    for (const auto& round : rounds_) {
        value = (value * round.multiplier + round.addend) & mask_;
        value ^= value >> shift_;
    }
    return value;
}

std::uint64_t Permutation::unmix_bits(std::uint64_t value) const {
    for (auto round = rounds_.rbegin(); round != rounds_.rend(); ++round) {
        value ^= value >> shift_;  // its own inverse: the shift is at least half the width
        value = ((value - round->addend) * round->inverse) & mask_;
    }
    return value;
}

std::uint64_t Permutation::forward(std::uint64_t value) const {
    do value = mix_bits(value);
    while (value >= size_);
    return value;
}

std::uint64_t Permutation::backward(std::uint64_t value) const {
    do value = unmix_bits(value);
    while (value >= size_);
    return value;
}

}  // namespace pawl::replica
