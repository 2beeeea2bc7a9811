#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace pawl::replica {

/// Mixes 64 bits (splitmix64's finaliser): equal input, equal output, on every machine.
[[nodiscard]] std::uint64_t mix(std::uint64_t value);
/// A stable 64-bit hash of text: FNV-1a, then mixed.
[[nodiscard]] std::uint64_t hash_text(std::string_view text);

/// A keyed one-to-one mapping of [0, size) onto itself that can be walked both ways in constant
/// time and memory. It deals users to repositories: no user twice, and "does this user star that
/// repository?" needs no table.
class Permutation {
  public:
    /// `size` is 1 … 2^40.
    Permutation(std::uint64_t key, std::uint64_t size);
    [[nodiscard]] std::uint64_t forward(std::uint64_t value) const;
    [[nodiscard]] std::uint64_t backward(std::uint64_t value) const;

  private:
    struct Round {
        std::uint64_t multiplier, inverse, addend;
    };
    [[nodiscard]] std::uint64_t mix_bits(std::uint64_t value) const;
    [[nodiscard]] std::uint64_t unmix_bits(std::uint64_t value) const;

    std::uint64_t size_, mask_;
    int shift_;
    std::array<Round, 3> rounds_;
};

}  // namespace pawl::replica
