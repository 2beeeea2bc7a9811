#include "tests/replica/options.hpp"

#include "tests/support/catch.hpp"

using namespace pawl::replica;

TEST_CASE("four owners have keys unless told otherwise", "[replica]") {
    auto options = parse_options({});
    CHECK(options.api.tokens.size() == 4);
    CHECK(options.api.tokens.at("key-carol") == "carol");
    CHECK(options.port == 0);
}

TEST_CASE("options are read by name", "[replica]") {
    auto options = parse_options({"--owners", "a=1,a=2", "--limit", "7", "--window", "2.5",
                                  "--faults", R"({"reset":0.5})", "--latency", "3"});
    CHECK(options.api.tokens == std::map<std::string, std::string>{{"1", "a"}, {"2", "a"}});
    CHECK(options.api.rates.limit == 7);
    CHECK(options.api.rates.window == 2'500'000);
    CHECK(options.api.faults.reset == 0.5);
    CHECK(options.latency_ms == 3);
}

TEST_CASE("what is no option is refused", "[replica]") {
    for (const auto& arguments : std::vector<std::vector<std::string>>{{"--limits", "1"},
                                                                       {"--limit"},
                                                                       {"--limit", "x"},
                                                                       {"--window", "0"},
                                                                       {"--owners", "alice"},
                                                                       {"--port", "70000"}})
        CHECK_THROWS_AS(parse_options(arguments), std::invalid_argument);
}
