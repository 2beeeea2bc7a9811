#include "core/field_reference.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

using namespace pawl::core;
using pawl::test::has;

namespace {

const std::string head = "| key | type | default | what |\n|---|---|---|---|\n";

std::string row(std::string_view path) { return reference_row(source_field(path)) + "\n"; }

}  // namespace

TEST_CASE("a row has path, type, default and words, with bars that do not end the cell", "[field_reference]") {
    CHECK(reference_row(source_field("limits[].per")) ==
          "| `limits[].per` | owner \\| key \\| source | `owner` | Whose budget it is: each account's, each key's, or everyone's "
          "together. |");
    CHECK(has(reference_row(source_field("limits[].rate")), " | rate | – | "));
    CHECK(reference_row(source_field("streams.*.raw")) == "| `streams.*.raw` | Keep response bodies. |");
}

TEST_CASE("the rows are those of all fields, and what is not supported apart", "[field_reference]") {
    const auto rows = reference_rows();
    for (const Field& field : source_fields()) {
        INFO(field.path);
        CHECK(has(rows, reference_row(field)));
    }
    CHECK(rows.find("`schedule.streams`") < rows.find("`streams.*.raw`"));
}

TEST_CASE("a page is renewed row by row, and nothing between them is touched", "[field_reference]") {
    const std::string page =
        "# Page\n\n" + head + "| `base_url` | text | `x` | Old words. |\n| `gone` | text | – | Old. |\n\nText | `base_url` |\n";
    const auto renewed = renewed_reference(page);
    CHECK(has(renewed, row("base_url")));
    CHECK_FALSE(has(renewed, "Old"));
    CHECK(has(renewed, "\n\nText | `base_url` |\n"));
    CHECK(renewed_reference(renewed) == renewed);
}

TEST_CASE("a field without a row gets it behind the one before it", "[field_reference]") {
    const auto renewed = renewed_reference(head + row("source") + "\nBetween.\n\n" + head + row("limits"));
    CHECK(has(renewed, row("source") + row("base_url") + row("headers")));
    CHECK(has(renewed, row("limits") + row("limits[].name")));
}

TEST_CASE("tables of other things are left alone", "[field_reference]") {
    const std::string other = "| function | what |\n|---|---|\n| `source` | of functions |\n";
    CHECK(has(renewed_reference(other + "\n" + head + row("source")), other));
}
