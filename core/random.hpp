#pragma once

#include <cstddef>
#include <cstdint>

namespace pawl::core {

/// Port: where randomness comes from. The real one reads getrandom(2); a simulation gives a seeded one.
class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(std::uint8_t* out, std::size_t size) = 0;

    [[nodiscard]] std::uint64_t next();
    /// Uniform in [0, 1): for jitter.
    [[nodiscard]] double fraction();
};

/// getrandom(2); throws std::system_error where the kernel refuses.
class SystemRandom final : public Random {
  public:
    void fill(std::uint8_t* out, std::size_t size) override;
};

/// The same numbers for the same seed (splitmix64). For tests and simulation only.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    void fill(std::uint8_t* out, std::size_t size) override;

  private:
    std::uint64_t state_;
};

}  // namespace pawl::core
