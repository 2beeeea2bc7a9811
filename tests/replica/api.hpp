#pragma once

#include <map>
#include <string>

#include "tests/replica/journal.hpp"
#include "tests/replica/rate_limits.hpp"
#include "tests/replica/routes.hpp"

namespace pawl::replica {

struct ApiOptions {
    std::string data = "tests/data/github";
    std::map<std::string, std::string> tokens;  ///< token → owner
    RateLimitOptions rates;
    FaultRates faults;
    std::string log;                     ///< file; "" : none
    std::uint64_t records_max = 40'000;  ///< GitHub shows no more stargazers: 400 pages of 100
};

/// GitHub's REST API as a function of request and time: who asks, whether they may, what goes wrong
/// on purpose, and the journal of it all. Does no I/O after construction except for the log file.
class Api {
  public:
    /// Throws std::runtime_error when the data cannot be read.
    explicit Api(ApiOptions options);
    [[nodiscard]] ApiResponse answer(const ApiRequest& request, Time now);
    /// The response was sent, or its connection is gone. Once for every answer.
    void finish(const ApiResponse& response);

  private:
    /// Who asks, and by which rules.
    struct Asker {
        std::string owner;       ///< as journalled
        bool is_known = true;    ///< false: a token nobody has
        bool is_charged = true;  ///< false: the README and /rate_limit
    };
    [[nodiscard]] Asker identify(const ApiRequest& request) const;
    ApiResponse admit(const ApiRequest& request, const Asker& asker, Time now);
    ApiResponse serve(const ApiRequest& request, const Asker& asker, Time now);
    ApiResponse refuse(RateLimits::Verdict verdict, const std::string& owner) const;
    ApiResponse fail(Fault fault, ApiResponse response) const;
    ApiResponse rate_limit(const std::string& owner, Time now);
    void add_headers(ApiResponse& response, const Asker& asker, Time now);
    ApiResponse administer(const ApiRequest& request);

    ApiOptions options_;
    Routes routes_;
    RateLimits rates_;
    Faults faults_;
    Journal journal_;
    std::uint64_t requests_ = 0;
};

}  // namespace pawl::replica
