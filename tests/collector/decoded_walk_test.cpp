// Walks by number over bodies that are no JSON: records are counted as they are decoded.
#include "collector/numbered_paging.hpp"
#include "collector/page_body.hpp"
#include "collector/page_position.hpp"
#include "core/page_records.hpp"
#include "tests/collector/packing.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;

namespace {

/// How a list of ids is written.
using Written = std::function<std::string(const std::vector<int>& ids)>;

std::string lines_of(const std::vector<int>& ids, const std::string& before, const std::string& behind) {
    std::string text;
    for (const int id : ids) text += before + std::to_string(id) + behind;
    return text;
}

const Written as_csv = [](const std::vector<int>& ids) { return "id,note\r\n" + lines_of(ids, "", ",\"two\r\nlines\"\r\n"); };
const Written as_jsonl = [](const std::vector<int>& ids) { return lines_of(ids, "{\"id\": ", "}\n"); };
const Written as_xml = [](const std::vector<int>& ids) { return "<r><x>" + lines_of(ids, "<item><id>", "</id></item>") + "</x></r>"; };
const Written as_rows = [](const std::vector<int>& ids) {
    auto rows = lines_of(ids, "[", "],");
    if (!rows.empty()) rows.pop_back();
    return "{\"names\": [\"id\"], \"rows\": [" + rows + "]}";
};
const Written as_text = [](const std::vector<int>& ids) { return lines_of(ids, "- item ", "\n") + "\n"; };

struct DecodedWalk {
    std::vector<std::int64_t> offsets;  ///< asked for
    std::size_t records = 0;
    bool shifted = false;
};

/// Walks ids 0 … count-1 by `paginate`, 4 a page.
DecodedWalk walk_decoded(const std::string& decode, const std::string& paginate, int count, const Written& written) {
    const auto source = test::source_of("source: s\nbase_url: https://h\nstreams:\n  a:\n    path: /a\n    key: id\n    paginate: " + paginate +
                                        "\n" + decode);
    const auto& stream = source->streams[0];
    const bool by_page = stream.paginate.kind == core::Pagination::Kind::page;
    DecodedWalk walked;
    const Headers headers;
    std::optional<std::string> cursor;
    do {
        const auto number = cursor ? PagePosition::parse(*cursor).number : by_page ? 1 : 0;
        walked.offsets.push_back(number);
        std::vector<int> ids;
        for (auto id = by_page ? (number - 1) * 4 : number; id < count && ids.size() < 4; ++id) ids.push_back(static_cast<int>(id));
        const auto body = read_body(test::gzipped(written(ids)), stream, {});
        CHECK(body.failure.empty());
        REQUIRE(body.document);
        walked.records += core::listed_records(stream, *body.document)->size();
        PageRead page;
        page.cursor = cursor;
        page.headers = &headers;
        page.document = &*body.document;
        const auto following = follow_numbers(stream, page);
        walked.shifted = walked.shifted || following.shift != core::Shift::none;
        cursor = following.cursor;
    } while (cursor && walked.offsets.size() < 100);
    return walked;
}

struct Format {
    std::string name, decode;
    Written written;
};
const std::vector<Format> formats{
    {"csv", "    decode: csv\n", as_csv},
    {"jsonl", "    decode: jsonl\n", as_jsonl},
    {"xml", "    decode: xml\n    records: {element: item}\n", as_xml},
    {"xml path", "    decode: xml\n    records: $.r.x.item\n", as_xml},
    {"rows", "    records: {rows: $.rows, columns: $.names}\n", as_rows},
    {"text", "    decode: text\n    records: {match: 'item (?<id>[0-9]+)'}\n", as_text},
};

}  // namespace

TEST_CASE("a list by offset is walked by its records, whatever they are written in", "[collector][paging]") {
    using Offsets = std::vector<std::int64_t>;
    for (const auto& format : formats) {
        INFO(format.name);
        const auto walked = walk_decoded(format.decode, "{offset: {limit: 4, overlap: 0}}", 10, format.written);
        CHECK(walked.offsets == Offsets{0, 4, 8, 10});
        CHECK(walked.records == 10);
        const auto overlapping = walk_decoded(format.decode, "{offset: {limit: 4}}", 10, format.written);  // by their identities
        CHECK(overlapping.offsets == Offsets{0, 3, 6, 9});
        CHECK(overlapping.records == 13);
        CHECK_FALSE(overlapping.shifted);
    }
}

TEST_CASE("a list by page ends at a page without records, whatever they are written in", "[collector][paging]") {
    for (const auto& format : formats) {
        INFO(format.name);
        CHECK(walk_decoded(format.decode, "{page: {}}", 8, format.written).offsets == std::vector<std::int64_t>{1, 2, 3});
    }
}
