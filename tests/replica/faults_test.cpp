#include "tests/replica/faults.hpp"

#include <map>

#include "tests/support/catch.hpp"

using namespace pawl::replica;

TEST_CASE("without rates nothing fails", "[replica]") {
    Faults faults;
    for (int i = 0; i < 100; ++i) CHECK(faults.draw("/a") == Fault::none);
}

TEST_CASE("rates are met and the same seed fails the same attempts whatever the order",
          "[replica]") {
    auto rates = parse_fault_rates(R"({"seed": 7, "server_error": 0.1, "reset": 0.05})");
    Faults forwards(rates), backwards(rates);
    std::map<std::string, Fault> first;
    std::map<Fault, int> counts;
    for (int i = 0; i < 4'000; ++i) {
        auto target = "/" + std::to_string(i);
        ++counts[first[target] = forwards.draw(target)];
    }
    for (int i = 4'000; i-- > 0;) {
        auto target = "/" + std::to_string(i);
        CHECK(backwards.draw(target) == first[target]);
    }
    CHECK(counts[Fault::server_error] > 300);
    CHECK(counts[Fault::server_error] < 500);
    CHECK(counts[Fault::reset] > 120);
    CHECK(counts[Fault::reset] < 280);
    CHECK(counts[Fault::cut] == 0);
}

TEST_CASE("another attempt at the same target may succeed", "[replica]") {
    Faults faults(parse_fault_rates(R"({"server_error": 0.5})"));
    std::map<Fault, int> counts;
    for (int i = 0; i < 100; ++i) ++counts[faults.draw("/a")];
    CHECK(counts[Fault::none] > 20);
    CHECK(counts[Fault::server_error] > 20);
}

TEST_CASE("faults may be limited to some paths", "[replica]") {
    Faults faults(parse_fault_rates(R"({"html": 1, "path": "/stargazers"})"));
    CHECK(faults.draw("/repositories/1/stargazers?page=2") == Fault::html);
    CHECK(faults.draw("/repositories/1") == Fault::none);
}

TEST_CASE("fault rates that make no sense are refused", "[replica]") {
    for (const char* rates : {"", "[]", R"({"sever_error": 0.1})", R"({"reset": 2})",
                             R"({"reset": 0.6, "cut": 0.6})", R"({"seed": -1})"})
        CHECK_THROWS_AS(parse_fault_rates(rates), std::invalid_argument);
}
