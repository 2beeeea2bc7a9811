#include "app/limit_headers.hpp"

#include "tests/support/catch.hpp"

namespace pawl::app {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

const collector::Headers told_headers{{"content-type", "application/json"},
                                 {"x-ratelimit-limit", "60"},
                                 {"x-ratelimit-used", "1"},
                                 {"retry-after", "5"},
                                 {"ratelimit", "r"},
                                 {"ratelimit-policy", "p"}};

}  // namespace

TEST_CASE("headers of limits are told apart by whether the feedback reads them", "[limit_headers]") {
    core::Feedback feedback;
    feedback.limit = "x-ratelimit-limit";
    feedback.retry_after = "retry-after";
    const auto found = limit_headers(feedback, told_headers);
    CHECK(found.named == Pairs{{"x-ratelimit-limit", "60"}, {"retry-after", "5"}});
    CHECK(found.unnamed == Pairs{{"x-ratelimit-used", "1"}, {"ratelimit", "r"}, {"ratelimit-policy", "p"}});
}

TEST_CASE("the standard reads the standard headers", "[limit_headers]") {
    core::Feedback feedback;
    feedback.ietf = true;
    const auto found = limit_headers(feedback, told_headers);
    CHECK(found.named == Pairs{{"ratelimit", "r"}, {"ratelimit-policy", "p"}});
    CHECK(found.unnamed == Pairs{{"x-ratelimit-limit", "60"}, {"x-ratelimit-used", "1"}, {"retry-after", "5"}});
}

TEST_CASE("without headers of limits there are none", "[limit_headers]") {
    const auto found = limit_headers({}, {{"content-type", "text/plain"}, {"x-rate", "1"}});
    CHECK(found.named.empty());
    CHECK(found.unnamed.empty());
}

}  // namespace pawl::app
