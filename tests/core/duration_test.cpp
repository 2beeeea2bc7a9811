#include "core/duration.hpp"

#include "tests/support/catch.hpp"

using namespace pawl::core;
using namespace std::chrono_literals;

TEST_CASE("durations are numbers with units, largest first", "[duration]") {
    CHECK(parse_duration("500ms") == Micros{500ms});
    CHECK(parse_duration("30s") == Micros{30s});
    CHECK(parse_duration("15m") == Micros{15min});
    CHECK(parse_duration("6h") == Micros{6h});
    CHECK(parse_duration("30d") == Micros{720h});
    CHECK(parse_duration("1h30m") == Micros{90min});
    CHECK(parse_duration("0") == Micros{0});
    CHECK(parse_duration("0s") == Micros{0});
}

TEST_CASE("what is no duration is refused", "[duration]") {
    for (const auto* text : {"", "5", "5 s", "-5s", "5S", "m", "1.5h", "30m1h", "1h1h", "5weeks",
                             "99999999999999999999s", "40000d", "1h ", " 1h"})
        CHECK_FALSE(parse_duration(text));
}

TEST_CASE("a range of durations goes upwards", "[duration]") {
    CHECK(parse_duration_range("2s..10m") == std::pair<Micros, Micros>{2s, 10min});
    CHECK(parse_duration_range("60s") == std::pair<Micros, Micros>{60s, 60s});
    CHECK_FALSE(parse_duration_range("10m..2s"));
    CHECK_FALSE(parse_duration_range("2s.."));
    CHECK_FALSE(parse_duration_range("..2s"));
}

TEST_CASE("rates count per unit or per several", "[duration]") {
    const auto hourly = parse_rate("5000/h");
    REQUIRE(hourly);
    CHECK(hourly->count == 5000);
    CHECK(hourly->period == Micros{1h});
    const auto quarter = parse_rate("100/15m");
    REQUIRE(quarter);
    CHECK(quarter->count == 100);
    CHECK(quarter->period == Micros{15min});
    for (const auto* text : {"", "5000", "/h", "0/h", "-5/h", "5/", "5/0s", "5/x", "5 /h", "5/h/h"})
        CHECK_FALSE(parse_rate(text));
}

TEST_CASE("sizes are binary", "[duration]") {
    CHECK(parse_size("100") == 100u);
    CHECK(parse_size("100B") == 100u);
    CHECK(parse_size("64KiB") == 65'536u);
    CHECK(parse_size("256MiB") == 268'435'456u);
    CHECK(parse_size("2GiB") == 2'147'483'648u);
    for (const auto* text : {"", "KiB", "64KB", "64 KiB", "-1", "1.5MiB", "99999999999GiB"})
        CHECK_FALSE(parse_size(text));
}

TEST_CASE("a share is a percentage or a fraction up to one", "[duration]") {
    CHECK_THAT(parse_share("5%").value(), Catch::Matchers::WithinAbs(0.05, 1e-12));
    CHECK_THAT(parse_share("0.05").value(), Catch::Matchers::WithinAbs(0.05, 1e-12));
    CHECK(parse_share("0") == 0.0);
    CHECK(parse_share("100%") == 1.0);
    for (const auto* text : {"", "%", "101%", "1.1", "-5%", "5 %", "1e-2", ".5", "nan"})
        CHECK_FALSE(parse_share(text));
}

TEST_CASE("durations are told in their two largest units", "[duration]") {
    CHECK(format_duration(0s) == "0s");
    CHECK(format_duration(250ms) == "250ms");
    CHECK(format_duration(Micros{1'500}) == "1.5ms");
    CHECK(format_duration(1500ms) == "1.5s");
    CHECK(format_duration(30s) == "30s");
    CHECK(format_duration(150s) == "2m 30s");
    CHECK(format_duration(6h) == "6h");
    CHECK(format_duration(25h + 30min) == "1d 1h");
    CHECK(format_duration(24h + 30min) == "1d");
    CHECK(format_duration(-30s) == "-30s");
}

TEST_CASE("sizes are told with at most one decimal", "[duration]") {
    CHECK(format_size(12) == "12 B");
    CHECK(format_size(65'536) == "64 KiB");
    CHECK(format_size(1'572'864) == "1.5 MiB");
    CHECK(format_size(std::size_t{3} << 40) == "3 TiB");
}
