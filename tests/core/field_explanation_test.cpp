#include "core/field_explanation.hpp"

#include <algorithm>

#include "core/setting_explanation.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

using namespace pawl::core;
using pawl::test::has;

TEST_CASE("an explanation has what the table says, what is below and an example", "[field_explanation]") {
    CHECK(explanation(source_field("limits[].rate")) ==
          "limits[].rate\n\n"
          "  Requests, or units of them, per period: 5000/h, 30/m, 100/15m, 10000/month.\n\n"
          "  type     rate\n"
          "  written  5000/h, 30/m, 20/s, 100/15m, 10000/month\n"
          "  default  none\n\n"
          "Example:\n"
          "  limits:\n"
          "    - {name: core,   match: \"/**\",        per: owner,  rate: 5000/h, reserve: 5%}\n"
          "    - {name: search, match: \"/search/**\", per: owner,  rate: 30/m}\n");
    const auto paginate = explanation(source_field("streams.*.paginate"));
    CHECK(has(paginate, "  default  none\n"));
    CHECK(has(paginate, "\nBelow it:\n  type       none | link"));
    CHECK(has(paginate, "\n  cursor     map"));
    CHECK(has(paginate, "\nExample:\n  paginate: {type: link"));
}

TEST_CASE("an explanation names the words that may stand there", "[field_explanation]") {
    CHECK(has(explanation(source_field("limits[].per")), "  one of   owner, key or source\n  default  owner\n"));
}

TEST_CASE("what is as elsewhere is explained as it is there", "[field_explanation]") {
    const auto merge = explanation(source_field("streams.*.merge"));
    CHECK(has(merge, "  as in    streams.*.emit[].merge\n  one of   overwrite, newest, fill_null, append or history\n"));
    CHECK(has(merge, "\n  history  true"));
    const auto paginate = explanation(source_field("defaults.paginate"));
    CHECK(has(paginate, "  as in    streams.*.paginate\n"));
    CHECK(has(paginate, "\n  cursor     map"));
}

TEST_CASE("what is not supported in this version is said to be so", "[field_explanation]") {
    CHECK(explanation(source_field("streams.*.raw")) ==
          "streams.*.raw\n\n  Keep response bodies.\n\n  Not supported in this version.\n");
    CHECK(has(explanation(source_field("streams.*")), "Keep response bodies. Not supported in this version.\n"));
}

TEST_CASE("the file is explained by its keys", "[field_explanation]") {
    const auto file = explanation_of_file();
    for (const Field* key : source_field_children("")) {
        INFO(key->path);
        CHECK(has(file, "\n  " + std::string(key->path) + " "));
    }
    CHECK_FALSE(has(file, "headers.*"));
}

TEST_CASE("every field has an explanation, and examples and notations are of fields that are there", "[field_explanation]") {
    for (const Field& field : source_fields()) CHECK(has(explanation(field), std::string(field.doc)));
    for (const auto& example : field_examples()) {
        INFO(example.path);
        CHECK_NOTHROW(source_field(example.path));
    }
    const auto fields = source_fields();
    for (const auto& notation : type_notations()) {
        INFO(notation.type);
        CHECK(std::any_of(fields.begin(), fields.end(), [&](const Field& field) { return field.type == notation.type; }));
    }
}

TEST_CASE("an example is that of the field, or of the nearest above it", "[field_explanation]") {
    CHECK(field_example("streams.*.conditional") == "    conditional: etag");
    CHECK(field_example("streams.*.paginate.cursor.more") == field_example("streams.*.paginate.cursor"));
    CHECK(field_example("limits[].burst").starts_with("limits:"));
    CHECK(field_example("source").empty());
}

TEST_CASE("a setting is explained with the places that set it", "[field_explanation]") {
    const auto found = find_settings("redis.queue_bytes_max");
    REQUIRE(found.size() == 1);
    CHECK(explanation(*found.front()) ==
          "redis.queue_bytes_max (a setting, not of a source file)\n\n"
          "  Compressed bodies that may wait on the queue, per source.\n\n"
          "  type     size\n"
          "  default  256MiB\n"
          "  set by   pawl.yaml, PAWL_REDIS_QUEUE_BYTES_MAX, --set redis.queue_bytes_max=…\n");
    const auto section = find_settings("redis");
    CHECK(section.size() == 3);
    CHECK(has(explanation(section), "\n  redis.url              redis://"));
    CHECK(find_settings("red").empty());
    CHECK(setting_hint("http.walks_mox") == "did you mean \"http.walks_max\"?");
}
