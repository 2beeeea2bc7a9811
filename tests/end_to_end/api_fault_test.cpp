// An API that fails, resets, cuts bodies, refuses and answers in HTML: what is stored is what it would have been.
#include <iostream>

#include "tests/end_to_end/accounts.hpp"
#include "tests/end_to_end/crew.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

TEST_CASE("an API that fails one request in ten costs requests and nothing else", "[end_to_end][faults][api_faults]") {
    const auto expected = undisturbed_tables(few_pages);
    World world({.replica = {"--faults",
                             R"({"seed": 5, "server_error": 0.04, "reset": 0.02, "cut": 0.02, "secondary": 0.005, "html": 0.02, "retry_after": 1})"},
                 .env = few_pages});
    const auto ran = world.run({"backfill", "github"}, 240s);
    INFO(ran.errors.substr(ran.errors.size() > 4'000 ? ran.errors.size() - 4'000 : 0));
    CHECK(ran.status == 0);
    check_same_tables(expected, world.tables());
    CHECK(world.sql("select count(*) from pawl.dead_letter") == "0");
    CHECK(world.sql("select count(*) from pawl.slice_done where outcome in ('failed', 'too_large', 'stuck', 'dead', 'cancelled')") == "0");
    CHECK(world.run({"verify", "github"}).status == 0);
    const auto asked = world.replica().asked();
    const auto pages = std::stoi(world.sql("select count(*) from pawl.page"));
    std::cout << "API fault test: " << asked.size() << " requests for " << pages << " pages" << std::endl;
    CHECK(static_cast<int>(asked.size()) > pages + pages / 20);  // the faults did happen
}
