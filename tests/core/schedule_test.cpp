#include "core/schedule.hpp"

#include "core/errors.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;
using namespace std::chrono_literals;

namespace {

/// "2026-03-08 12:30" in UTC.
WallTime utc(const std::string& text) {
    std::tm fields{};
    REQUIRE(strptime(text.c_str(), "%Y-%m-%d %H:%M", &fields) != nullptr);
    return WallTime{std::chrono::seconds(timegm(&fields))};
}

std::string next(const std::string& cron, const std::string& zone, const std::string& after) {
    Schedule schedule;
    schedule.cron = cron;
    schedule.timezone = zone;
    const auto found = next_fire(schedule, utc(after));
    if (!found) return "never";
    const std::time_t seconds =
        std::chrono::duration_cast<std::chrono::seconds>(found->time_since_epoch()).count();
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", gmtime(&seconds));
    return text;
}

}  // namespace

TEST_CASE("no schedule never fires", "[schedule]") {
    CHECK_FALSE(next_fire(Schedule{}, WallTime{}));
}

TEST_CASE("every fires that long after", "[schedule]") {
    Schedule schedule;
    schedule.every = 6h;
    CHECK(next_fire(schedule, utc("2026-01-01 00:00")) == utc("2026-01-01 06:00"));
}

TEST_CASE("cron fires strictly after the given time", "[schedule]") {
    CHECK(next("0 3 * * *", "UTC", "2026-01-01 02:59") == "2026-01-01 03:00");
    CHECK(next("0 3 * * *", "UTC", "2026-01-01 03:00") == "2026-01-02 03:00");
    CHECK(next("*/15 * * * *", "UTC", "2026-01-01 03:01") == "2026-01-01 03:15");
    CHECK(next("7/20 1-3,5 * * *", "UTC", "2026-01-01 03:47") == "2026-01-01 05:07");
    CHECK(next("0 0 1 jan *", "UTC", "2026-01-01 00:00") == "2027-01-01 00:00");
    CHECK(next("0 0 29 2 *", "UTC", "2026-01-01 00:00") == "2028-02-29 00:00");
    CHECK(next("0 0 29 2 *", "UTC", "2096-03-01 00:00") == "2104-02-29 00:00");
    CHECK(next("0 0 30 2 *", "UTC", "2026-01-01 00:00") == "never");
}

TEST_CASE("weekdays count from Sunday, which is 0 and 7", "[schedule]") {
    CHECK(next("0 0 * * mon", "UTC", "2026-01-01 00:00") == "2026-01-05 00:00");
    CHECK(next("0 0 * * 0", "UTC", "2026-01-01 00:00") == "2026-01-04 00:00");
    CHECK(next("0 0 * * 7", "UTC", "2026-01-01 00:00") == "2026-01-04 00:00");
    CHECK(next("0 0 * * 5-7", "UTC", "2026-01-01 00:00") == "2026-01-02 00:00");
}

TEST_CASE("either day field is enough where both are restricted", "[schedule]") {
    CHECK(next("0 0 13 * fri", "UTC", "2026-01-01 00:00") == "2026-01-02 00:00");
    CHECK(next("0 0 3 * fri", "UTC", "2026-01-02 00:00") == "2026-01-03 00:00");
}

TEST_CASE("cron follows its zone", "[schedule]") {
    CHECK(next("0 3 * * *", "Asia/Seoul", "2026-01-01 00:00") == "2026-01-01 18:00");
    CHECK(next("0 23 * * *", "America/New_York", "2026-01-01 00:00") == "2026-01-01 04:00");
    CHECK(next("0 0 * * *", "Pacific/Kiritimati", "2026-01-01 00:00") == "2026-01-01 10:00");
}

TEST_CASE("a time that a clock change skips fires when it is over", "[schedule]") {
    // Berlin, 29 March 2026: 02:00 → 03:00 at 01:00 UTC.
    CHECK(next("30 2 * * *", "Europe/Berlin", "2026-03-28 12:00") == "2026-03-29 01:00");
    CHECK(next("30 2 * * *", "Europe/Berlin", "2026-03-29 01:00") == "2026-03-30 00:30");
    CHECK(next("*/30 * * * *", "Europe/Berlin", "2026-03-29 00:30") == "2026-03-29 01:00");
    CHECK(next("*/30 * * * *", "Europe/Berlin", "2026-03-29 01:00") == "2026-03-29 01:30");
}

TEST_CASE("a time that comes twice fires once, every hour fires at both", "[schedule]") {
    // Berlin, 25 October 2026: 03:00 → 02:00 at 01:00 UTC, so 02:30 is 00:30 and 01:30 UTC.
    CHECK(next("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00") == "2026-10-25 00:30");
    CHECK(next("30 2 * * *", "Europe/Berlin", "2026-10-25 00:30") == "2026-10-26 01:30");
    CHECK(next("30 * * * *", "Europe/Berlin", "2026-10-25 00:30") == "2026-10-25 01:30");
    CHECK(next("30 * * * *", "Europe/Berlin", "2026-10-25 01:30") == "2026-10-25 02:30");
}

TEST_CASE("cron lines that are wrong say which field", "[schedule]") {
    CHECK_THROWS_WITH(Cron::parse("61 * * * *"),
                      "\"61\" is not the minute of a cron line (0 to 59)");
    CHECK_THROWS_WITH(Cron::parse("* 24 * * *"), "\"24\" is not the hour of a cron line (0 to 23)");
    CHECK_THROWS_WITH(Cron::parse("* * 0 * *"), "\"0\" is not the day of a cron line (1 to 31)");
    CHECK_THROWS_WITH(Cron::parse("* * * foo *"),
                      "\"foo\" is not the month of a cron line (1 to 12)");
    CHECK_THROWS_WITH(Cron::parse("* * * * 8"), "\"8\" is not the weekday of a cron line (0 to 7)");
    CHECK_THROWS_WITH(Cron::parse("5-1 * * * *"),
                      "\"5-1\" is not the minute of a cron line (0 to 59)");
    CHECK_THROWS_WITH(Cron::parse("*/0 * * * *"),
                      "\"*/0\" is not the minute of a cron line (0 to 59)");
    CHECK_THROWS_WITH(Cron::parse("1,,2 * * * *"),
                      "\"\" is not the minute of a cron line (0 to 59)");
    CHECK_THROWS_WITH(Cron::parse("@daily"),
                      "\"@daily\" is not a cron line: it has 1 fields, not 5 (minute hour day "
                      "month weekday)");
}

TEST_CASE("a zone that does not exist is told", "[schedule]") {
    CHECK(is_time_zone("Asia/Seoul"));
    CHECK(is_time_zone("UTC"));
    CHECK_FALSE(is_time_zone("Asia/Soul"));
    CHECK_FALSE(is_time_zone("../passwd"));
    CHECK_FALSE(is_time_zone(""));
    Schedule schedule;
    schedule.cron = "* * * * *";
    schedule.timezone = "Mars/Base";
    CHECK_THROWS_AS(next_fire(schedule, WallTime{}), ConfigError);
}
