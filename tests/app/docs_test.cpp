#include <fstream>
#include <iterator>
#include <string>

#include "app/command_line.hpp"
#include "core/outcome.hpp"
#include "core/settings_table.hpp"
#include "core/telemetry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

namespace pawl::app {

namespace {

using test::has;

std::string operations() {
    std::ifstream file("docs/operations.md");
    REQUIRE(file.is_open());
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("docs/operations.md has every setting with its default", "[docs]") {
    auto text = operations();
    text.erase(0, text.find("## Settings"));  // `migrate` is a command, too
    for (const auto& field : core::settings_fields()) {
        INFO(field.path);
        const auto row = text.find("| `" + std::string(field.path) + "` | ");
        REQUIRE(row != std::string::npos);
        const auto line = text.substr(row, text.find('\n', row) - row);
        CHECK(has(line, std::string(field.fallback)));
    }
}

TEST_CASE("docs/operations.md has every metric with its kind", "[docs]") {
    const auto text = operations();
    for (const auto& family : core::metric_families()) {
        INFO(family.name);
        const std::string kind = family.kind == core::MetricKind::counter ? "counter"
                                 : family.kind == core::MetricKind::gauge ? "gauge"
                                                                          : "histogram";
        CHECK(has(text, "| `" + std::string(family.name) + "` | " + kind + " | "));
    }
}

TEST_CASE("docs/operations.md has every command, flag and exit code", "[docs]") {
    const auto text = operations();
    for (const auto& command : command_names()) {
        INFO(command);
        CHECK((has(text, "| `" + command + "` |") || has(text, "| `" + command + " ")));
    }
    for (const auto& flag : flag_names()) {
        INFO(flag);
        CHECK((has(text, "`" + flag + "`") || has(text, "`" + flag + " ")));
    }
    for (const auto code : {0, 1, 2, 3, 4, 5, 6, 78})
        CHECK(has(text, "| " + std::to_string(code) + " | "));
}

}  // namespace pawl::app
