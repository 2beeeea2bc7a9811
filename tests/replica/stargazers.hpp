#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "tests/replica/repositories.hpp"
#include "tests/replica/users.hpp"

namespace pawl::replica {

/// Who starred what, derived: a repository's stargazers are as many as its real stars, each user at
/// most once, skewed towards active users. Nothing is stored, so both directions agree: a user's
/// star count is the number of repositories that have the user.
class Stargazers {
  public:
    /// Keeps a reference to `repositories`.
    explicit Stargazers(const std::vector<Repository>& repositories);

    /// The user at `position` (0 is the oldest star) of the repository at `index` in the list.
    /// `position` < its stars.
    [[nodiscard]] UserIndex at(std::size_t index, std::uint64_t position) const;
    /// Where the user stands among the stargazers of that repository, if at all.
    [[nodiscard]] std::optional<std::uint64_t> position(std::size_t index, UserIndex user) const;
    /// Indices of all repositories that the user starred, in the order of the list.
    [[nodiscard]] std::vector<std::size_t> starred_by(UserIndex user) const;
    /// When the star at `position` was given, seconds since the epoch; grows with the position.
    [[nodiscard]] std::int64_t starred_at(std::size_t index, std::uint64_t position) const;

  private:
    struct Dealt {
        Permutation users;        ///< order in which the tier's users are dealt
        std::uint64_t count = 0;  ///< so many of them star the repository
    };
    const std::vector<Repository>& repositories_;
    std::vector<Permutation> orders_;  ///< per repository: mixes the tiers over time
    std::array<std::vector<Dealt>, tiers.size()> dealt_;  ///< per tier and repository
};

}  // namespace pawl::replica
