#include "core/expectation.hpp"

#include "core/source_parser.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

/// A stream over the rows of another, with these lines of its own (indented by 4).
Stream child_stream(const std::string& lines) {
    const auto source = parse_source_text(
        "source: s\nbase_url: https://api.test\nstreams:\n"
        "  repos: {path: /repos, emit: {table: repo, key: id, set: {id: $.id, stars: $.stars}}}\n"
        "  fans:\n    foreach: {stream: repos}\n    path: /fans/{id}\n    key: user\n" +
            lines,
        "test.yaml", {});
    return *source.find("fans");
}

const std::string counted = "    expect: {count: parent.stars}\n";

}  // namespace

TEST_CASE("the expected count comes from the parent row, whatever form its number has", "[expectation]") {
    const auto stream = child_stream(counted);
    CHECK(expected_records(stream, R"({"stars": 1204})", "{}") == 1204);
    CHECK(expected_records(stream, R"({"stars": "1204"})", "{}") == 1204);
    CHECK(expected_records(stream, R"({"stars": 12.6})", "{}") == 13);
    CHECK(expected_records(stream, R"({"stars": -3})", "{}") == 0);
    CHECK_FALSE(expected_records(stream, R"({"stars": null})", "{}"));
    CHECK_FALSE(expected_records(stream, "{}", "{}"));
    CHECK_FALSE(expected_records(stream, R"({"stars": "many"})", "{}"));
    CHECK_FALSE(expected_records(child_stream(""), R"({"stars": 5})", "{}"));
    CHECK(expected_records(child_stream("    expect: {count: \"parent.stars ?? 7\"}\n"), "{}", "{}") == 7);
}

TEST_CASE("expect changes neither requests nor rows, and partitions carry its columns", "[expectation]") {
    const auto with = child_stream(counted), without = child_stream("");
    CHECK(with.request_hash == without.request_hash);
    CHECK(with.mapping_hash == without.mapping_hash);
    CHECK(with.parent_columns == std::vector<std::string>{"id", "stars"});
    CHECK(without.parent_columns == std::vector<std::string>{"id"});
    CHECK(with.expect->tolerance == 0.01);
}

TEST_CASE("requests follow from the size of a page and the paginator", "[expectation]") {
    const auto requests = [](const std::string& lines, std::int64_t records) {
        return requests_for(child_stream(counted + lines), records);
    };
    CHECK(requests("", 5'000) == 1);  // no paginator, one page
    const std::string link = "    query: {per_page: 100}\n    paginate: {type: link, max_pages: 400}\n";
    CHECK(requests(link, 0) == 1);
    CHECK(requests(link, 100) == 1);
    CHECK(requests(link, 101) == 2);
    CHECK(requests(link, 1'000'000) == 400);
    // Nothing says how many records a page has, and nothing is guessed.
    CHECK_FALSE(requests("    paginate: link\n", 100));
    CHECK(requests("    paginate: link\n    query: {Limit: 50}\n", 100) == 2);
    CHECK(page_size(child_stream("    paginate: link\n    expect: {count: 1, page_size: 30}\n    query: {limit: 50}\n")) ==
          30);
    // A numbered page is followed by another until one is empty, unless the response tells the last.
    CHECK(requests("    paginate: {page: {size_param: n, size: 100}}\n", 200) == 3);
    CHECK(requests("    paginate: {page: {size_param: n, size: 100, last: $.pages}}\n", 200) == 2);
    CHECK(requests("    paginate: {offset: {limit: 100, total: $.total}}\n", 201) == 3);
}
