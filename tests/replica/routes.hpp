#pragma once

#include <string>
#include <vector>

#include "tests/replica/documents.hpp"
#include "tests/replica/message.hpp"

namespace pawl::replica {

/// The resources of the API: which path answers what, over data that never changes. Knows no
/// budgets and no faults.
class Routes {
  public:
    /// Reads the files in `folder`; a list of stargazers shows `records_max` records. Throws
    /// std::runtime_error when a file cannot be read.
    Routes(const std::string& folder, std::uint64_t records_max);
    /// `viewer` is the login of the token; "" : none. Adds ETags, and answers 304 to the one it
    /// gave before.
    [[nodiscard]] ApiResponse answer(const ApiRequest& request, const std::string& viewer);

  private:
    [[nodiscard]] ApiResponse find_resource(const ApiRequest& request, const std::string& viewer);
    ApiResponse repository(const Repository& its, const std::vector<std::string>& rest,
                           const ApiRequest& request);
    ApiResponse stargazers(std::size_t index, const ApiRequest& request) const;
    ApiResponse user(UserIndex user, const std::vector<std::string>& rest,
                     const ApiRequest& request);
    ApiResponse starred(UserIndex user, const ApiRequest& request);

    std::uint64_t records_max_;
    Repositories repositories_;
    Users users_;
    Stargazers stargazers_;
    Documents documents_;
};

}  // namespace pawl::replica
