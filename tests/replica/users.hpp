#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/replica/permutation.hpp"

namespace pawl::replica {

/// Place of a user in the derived population, 0 … users_count-1; the most active ones come first.
using UserIndex = std::uint32_t;

/// The population falls into tiers of equal activity: few users give many stars, most give one or
/// none.
struct Tier {
    std::uint64_t size;     ///< users
    std::uint64_t percent;  ///< share of every repository's stars that comes from this tier
    std::uint64_t first;    ///< index of its first user
};
inline constexpr std::array<Tier, 5> tiers{{
    {1u << 9, 10, 0},
    {1u << 12, 20, 1u << 9},
    {1u << 16, 25, (1u << 9) + (1u << 12)},
    {1u << 20, 20, (1u << 9) + (1u << 12) + (1u << 16)},
    {1u << 25, 25, (1u << 9) + (1u << 12) + (1u << 16) + (1u << 20)},
}};
inline constexpr std::uint64_t users_count = tiers.back().first + tiers.back().size;

[[nodiscard]] std::size_t tier_of(UserIndex user);

/// Logins and ids of the population. Both are one-to-one functions of the index, so nothing is
/// stored, except for the owners of repositories: they are users as well, spread over the tiers,
/// and keep their real logins.
class Users {
  public:
    explicit Users(const std::vector<std::string>& owners);

    [[nodiscard]] std::uint64_t id(
        UserIndex user) const;  ///< below 2^33 + 100,000; three of four are beyond 2^31
    [[nodiscard]] std::string login(UserIndex user) const;
    [[nodiscard]] std::optional<UserIndex> by_id(std::uint64_t id) const;
    [[nodiscard]] std::optional<UserIndex> by_login(
        std::string_view login) const;  ///< without regard to case
    [[nodiscard]] bool is_owner(UserIndex user) const;

  private:
    Permutation ids_, names_;
    std::array<std::vector<std::string>, tiers.size()>
        owners_;  ///< they take the first indices of their tier
    std::unordered_map<std::string, UserIndex> owner_logins_;  ///< by lower case
};

}  // namespace pawl::replica
