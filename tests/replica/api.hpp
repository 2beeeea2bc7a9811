#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/replica/documents.hpp"
#include "tests/replica/faults.hpp"
#include "tests/replica/journal.hpp"
#include "tests/replica/pagination.hpp"
#include "tests/replica/rate_limits.hpp"

namespace pawl::replica {

struct ApiOptions {
    std::string data = "tests/data/github";
    std::map<std::string, std::string> tokens;  ///< token → owner
    RateLimitOptions rates;
    FaultRates faults;
    std::string log;  ///< file; "" : none
    std::uint64_t records_max =
        40'000;  ///< GitHub lists no more stargazers than these: 400 pages of 100
};

/// What the API looks at in a request.
struct ApiRequest {
    std::string method, target;
    std::string host;  ///< for absolute links
    std::string authorization, accept, if_none_match;
    std::string body;
};

struct ApiResponse {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    Fault fault = Fault::none;  ///< reset and cut are for the server to do
    std::string account;        ///< whose request is in flight until `finish`; "" : nobody's
};

/// GitHub's REST API as a function of request and time. Owns the data, the budgets, the faults and
/// the journal; does no I/O after construction except for the log file.
class Api {
  public:
    /// Throws std::runtime_error when the data cannot be read.
    explicit Api(ApiOptions options);
    [[nodiscard]] ApiResponse answer(const ApiRequest& request, Time now);
    /// The response was sent, or its connection is gone.
    void finish(const ApiResponse& response);

  private:
    struct Answer;
    ApiResponse administer(const ApiRequest& request);
    ApiResponse refuse(RateLimits::Verdict verdict, const std::string& owner);
    ApiResponse fail(Fault fault, const std::string& target);
    Answer route(const ApiRequest& request, const std::string& owner, Time now);
    Answer repository(const Repository& its, const std::vector<std::string>& rest,
                      const ApiRequest& request);
    Answer stargazers(std::size_t index, const ApiRequest& request);
    Answer user(UserIndex user, const std::vector<std::string>& rest, const ApiRequest& request);
    Answer starred(UserIndex user, const ApiRequest& request);
    Answer viewer(const std::string& owner) const;
    Answer rate_limit(const std::string& owner, Time now);
    void add_common_headers(ApiResponse& response, const std::string& owner, Time now);

    ApiOptions options_;
    Repositories repositories_;
    Users users_;
    Stargazers stargazers_;
    Documents documents_;
    RateLimits rates_;
    Faults faults_;
    Journal journal_;
    std::uint64_t requests_ = 0;
};

}  // namespace pawl::replica
