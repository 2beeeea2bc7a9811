#include "collector/ietf_ratelimit.hpp"

#include "collector/feedback.hpp"
#include "collector/limits.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;

namespace {

HttpResponse with(Headers headers) {
    HttpResponse response;
    response.status = 200;
    response.headers = std::move(headers);
    return response;
}

}  // namespace

TEST_CASE("the standard headers are read in all the forms their drafts had", "[collector][ietf]") {
    const auto eight = read_ietf_ratelimit(
        with({{"ratelimit", "\"burst\";r=5;t=10, \"a,day\";r=900;t=3600"},
              {"ratelimit-policy", "\"burst\";q=10;w=60;pk=:c2VjcmV0:,\"a,day\";q=1000;w=86400"}}));
    REQUIRE(eight.size() == 2);
    CHECK(eight[0].name == "burst");
    CHECK(eight[0].quota == 10);
    CHECK(eight[0].remaining == 5);
    CHECK(eight[0].reset == 10);
    CHECK(eight[0].window == 60);
    CHECK(eight[1].name == "a,day");
    CHECK(eight[1].remaining == 900);
    CHECK(eight[1].window == 86'400);

    const auto seven = read_ietf_ratelimit(
        with({{"ratelimit", "limit=100, remaining=50, reset=5"}, {"ratelimit-policy", "10;w=1, 100;w=60"}}));
    REQUIRE(seven.size() == 1);
    CHECK(seven[0].quota == 100);
    CHECK(seven[0].remaining == 50);
    CHECK(seven[0].reset == 5);
    CHECK(seven[0].window == 60);

    const auto six = read_ietf_ratelimit(with({{"ratelimit-limit", "100, 10;w=1, 100;w=60"},
                                               {"ratelimit-remaining", "7"},
                                               {"ratelimit-reset", "50"}}));
    REQUIRE(six.size() == 1);
    CHECK(six[0].quota == 100);
    CHECK(six[0].remaining == 7);
    CHECK(six[0].window == 60);
}

TEST_CASE("standard headers that make no sense tell nothing", "[collector][ietf]") {
    for (const char* text : {"", ",", ";;", "\"a", "\"a\";r", "\"a\";r=x", "limit=", "\"a\";t=5", "r=5"})
        CHECK(read_ietf_ratelimit(with({{"ratelimit", text}})).empty());
    CHECK(read_ietf_ratelimit(with({})).empty());
    std::string many;
    for (int i = 0; i < 1'000; ++i) many += "\"p\";r=1,";
    CHECK(read_ietf_ratelimit(with({{"ratelimit", many}})).size() == 16);
}

TEST_CASE("policies of the standard correct the limits they are about", "[collector][ietf]") {
    const auto source = test::source_paged(
        "none",
        "limits: [{name: minute, per: source, rate: 60/m}, {name: day, per: source, rate: 1000/1d}]\n"
        "feedback: {standard: ietf, policies: {burst: minute, daily: day}}\n");
    PageRequest request;
    request.own_origin = true;
    request.url = "https://api.example.com/x";
    const auto limits = asks_for(matching_limits(*source, source->streams[0], request, {}, {}), {});
    REQUIRE(limits.size() == 2);
    CHECK(limits[0].pace == queue::Pace::told);
    CHECK(limits[1].pace == queue::Pace::told);
    const auto told = read_feedback(
        *source, with({{"ratelimit", "\"burst\";r=5;t=10, \"daily\";r=900;t=3600, \"odd\";r=1;t=1"}}), limits, 1'000'000);
    REQUIRE(told.size() == 2);
    CHECK(told[0].name == "minute");
    CHECK(told[0].remaining == 5);
    CHECK(told[0].reset_at_us == 11'000'000);
    CHECK(told[1].name == "day");

    const auto alone = test::source_paged("none", "limits: [{name: core, rate: 100/m}]\nfeedback: {standard: ietf}\n");
    const auto one = asks_for(matching_limits(*alone, alone->streams[0], request, {}, {}), {"ann", "ann/1"});
    const auto lone = read_feedback(*alone, with({{"ratelimit", "\"default\";r=50;t=30"}}), one, 0);
    REQUIRE(lone.size() == 1);
    CHECK(lone[0].owner == "ann");
    CHECK(lone[0].remaining == 50);
    const auto wait = time_to_reset(alone->feedback, with({{"ratelimit", "\"default\";r=0;t=30"}}));
    REQUIRE(wait);
    CHECK(*wait == std::chrono::seconds(31));
}
