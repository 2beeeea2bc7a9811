#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/replica/stargazers.hpp"

namespace pawl::replica {

/// The JSON bodies, in the shape of GitHub's. URLs inside them name api.github.com, as GitHub's do:
/// bodies do not depend on the port the replica listens on.
class Documents {
  public:
    /// `recorded` is recorded-get-repository.json: its response is the shape of every repository
    /// object. Keeps references.
    Documents(const std::string& recorded, const Repositories& repositories, const Users& users,
              const Stargazers& stargazers);

    [[nodiscard]] const std::string& repository(std::size_t index);
    [[nodiscard]] std::string languages(std::size_t index) const;
    [[nodiscard]] std::string user(UserIndex user) const;
    /// An array of users, or of {"starred_at", "user"}, at positions [from, to).
    [[nodiscard]] std::string stargazers(std::size_t index, std::uint64_t from, std::uint64_t to,
                                         bool with_time) const;
    /// An array of repositories, or of {"starred_at", "repo"}: those in `starred`, which is what
    /// `user` starred.
    [[nodiscard]] std::string starred(UserIndex user, const std::vector<std::size_t>& starred,
                                      bool with_time);

  private:
    const Repositories& repositories_;
    const Users& users_;
    const Stargazers& stargazers_;
    std::string shape_;                                     ///< a repository object, to be filled
    std::unordered_map<std::size_t, std::string> written_;  ///< repository objects, once asked for
};

}  // namespace pawl::replica
