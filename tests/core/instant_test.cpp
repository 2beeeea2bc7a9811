#include "core/instant.hpp"

#include "tests/support/catch.hpp"

using namespace pawl::core;

TEST_CASE("second 60 is a time, a fraction of it is none", "[instant]") {
    CHECK(is_timestamptz("2016-12-31T23:59:59.5Z"));
    CHECK(is_timestamptz("2016-12-31T23:59:60Z"));
    CHECK(is_timestamptz("2016-12-31T23:59:60.000Z"));
    CHECK(parse_instant("2016-12-31T23:59:60Z") == parse_instant("2017-01-01T00:00:00Z"));
    // Postgres: date/time field value out of range
    CHECK_FALSE(is_timestamptz("2016-12-31T23:59:60.5Z"));
    CHECK_FALSE(is_timestamptz("2016-12-31T23:59:60.000000001Z"));
    CHECK_FALSE(parse_instant("2016-12-31T23:59:60.5Z"));
    CHECK_FALSE(is_timestamptz("2016-12-31T23:59:61Z"));
}

TEST_CASE("an instant counts its offset and its microseconds", "[instant]") {
    CHECK(parse_instant("1970-01-01T00:00:01.25Z") == 1'250'000);
    CHECK(parse_instant("1970-01-01 02:00:00+02:00") == 0);
    CHECK(parse_instant("1970-01-02") == 86'400'000'000);
    CHECK_FALSE(parse_instant("1970-02-30"));
}
