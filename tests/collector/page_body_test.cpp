#include "collector/page_body.hpp"

#include "collector/paging.hpp"
#include "core/identity.hpp"
#include "core/job.hpp"
#include "tests/collector/packing.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using Fault = PageBody::Fault;

namespace {

/// A stream with these lines beside path and key.
std::shared_ptr<const core::SourceFile> decoding(const std::string& lines) {
    return test::source_of("source: s\nbase_url: https://h\nstreams:\n  a:\n    path: /a\n    key: id\n" + lines);
}

PageBody body_of(const std::string& decode, const std::string& body, BodyOrigin origin = {}) {
    const auto source = decoding("    decode: " + decode + "\n");
    return read_body(body, source->streams[0], origin);
}

std::string carried(const PageBody& page) { return core::decompress(page.compressed, 64u << 20); }

}  // namespace

TEST_CASE("a job carries a body as the API sent it, unpacked and as UTF-8", "[collector][body]") {
    const auto plain = body_of("csv", "id\n1\n");
    CHECK(plain.failure.empty());
    CHECK(carried(plain) == "id\n1\n");
    CHECK(plain.size == 5);
    CHECK(plain.hash == core::sha256_hex("id\n1\n"));
    for (const auto& packed : {test::gzipped("id\n1\n"), test::zipped({{"data.csv", "id\n1\n"}}), core::compress("id\n1\n")}) {
        const auto page = body_of("csv", packed);
        CHECK(page.failure.empty());
        CHECK(carried(page) == "id\n1\n");
        CHECK(page.hash == plain.hash);
        CHECK(page.size == 5);
    }
    CHECK(carried(body_of("csv", "id\n\xe4\n", {.content_type = "text/csv; charset=iso-8859-1"})) == "id\nä\n");
    CHECK(carried(body_of("json", "\xef\xbb\xbf[{\"id\":1}]")) == "[{\"id\":1}]");
    CHECK(carried(body_of("json", test::gzipped("[{\"id\":1}]"))) == "[{\"id\":1}]");
}

TEST_CASE("a body that is none of its kind is asked for again", "[collector][body]") {
    const auto refused = [](const std::string& decode, const std::string& body) {
        const auto page = body_of(decode, body);
        CHECK(page.fault == Fault::unreadable);
        CHECK(page.compressed.empty());
        return page.failure;
    };
    CHECK(refused("json", "<html>").starts_with("the body is HTML, not JSON"));
    CHECK(refused("jsonl", "<html>").starts_with("the body is HTML, not JSON lines"));
    CHECK(refused("csv", "  <!DOCTYPE html><p>busy") == "the body is HTML, not CSV");
    CHECK(refused("jsonl", "{\"id\":1}\n{\"id\":").starts_with("the body is not JSON lines: line 2: "));
    CHECK(refused("csv", "id\n\"1") == "the body is not CSV: line 2: a quote that is not closed");
    CHECK(refused("xml", "<a><b>") == "the body is not XML: line 1: no element found");
    CHECK(refused("csv", test::gzipped("id\n1\n").substr(0, 12)) == "the gzip of the body ends in the middle");
    for (const char* decode : {"json", "jsonl", "csv", "xml"}) CHECK(refused(decode, "") == "the body is empty");
    CHECK(body_of("csv", "<b>\n1\n").failure.empty());  // a name of a column
}

TEST_CASE("an empty body is a page where the server means it and its kind can be empty", "[collector][body]") {
    for (const char* decode : {"jsonl", "csv"}) {
        const auto page = body_of(decode, "", {.told_empty = true});
        CHECK(page.failure.empty());
        REQUIRE(page.document);
        CHECK(page.document->raw(0) == "[]");
        CHECK(body_of(decode, test::gzipped("")).failure.empty());
    }
    for (const char* decode : {"json", "xml"}) CHECK(body_of(decode, "", {.told_empty = true}).fault == Fault::unreadable);
}

TEST_CASE("a packed body beyond the bound is too large, and what cannot be read ends at once", "[collector][body]") {
    const std::string bomb(8u << 20, ' ');
    for (const auto& packed : {test::gzipped(bomb), test::zipped({{"a", bomb}}), core::compress(bomb)}) {
        const auto page = body_of("json", packed, {.body_max = 1u << 20});
        CHECK(page.fault == Fault::too_large);
        CHECK(page.failure == "the body is larger than 1048576 bytes when it is unpacked");
    }
    CHECK(body_of("csv", test::zipped({{"a", ""}, {"b", ""}})).fault == Fault::unsuitable);
    CHECK(body_of("csv", "\xe4", {.content_type = "text/csv; charset=klingon"}).fault == Fault::unsuitable);
    CHECK(body_of("csv", "id\n" + std::string(90, '\xe4'), {.content_type = "text/csv; charset=latin1", .body_max = 100}).fault ==
          Fault::too_large);
}

TEST_CASE("text is decoded where what it holds decides what is asked next", "[collector][body]") {
    const std::string match = "    decode: text\n    records: {match: '(?<id>[0-9]+)'}\n";
    CHECK_FALSE(read_body("1\n2\n", decoding(match)->streams[0], {}).document);
    CHECK(read_body("1\n2\n", decoding(match + "    paginate: {offset: {limit: 2}}\n")->streams[0], {}).document);
}

TEST_CASE("paging looks into bodies of every kind", "[collector][body]") {
    const Headers headers;
    const auto following = [&](const std::string& lines, const std::string& body) {
        const auto source = decoding(lines);
        const auto& stream = source->streams[0];
        const auto page = read_body(body, stream, {});
        CHECK(page.failure.empty());
        PageRead seen;
        seen.url = "https://h/a";
        seen.headers = &headers;
        seen.document = page.document ? &*page.document : nullptr;
        return what_follows(stream, seen).cursor.value_or("the end");
    };
    const std::string cursor = "    paginate: {cursor: {next: $.feed.next, into: query.after}}\n";
    CHECK(following("    decode: xml\n    records: {element: entry}\n" + cursor,
                    "<feed><entry id='1'/><next>abc</next></feed>") == "abc");
    CHECK(following("    decode: xml\n    records: {element: entry}\n" + cursor, "<feed><entry id='1'/></feed>") == "the end");
    CHECK(following("    decode: jsonl\n    paginate: {cursor: {next: \"$[-1].next\", into: query.after}}\n",
                    "{\"id\": 1}\n{\"id\": 2, \"next\": \"x\"}\n") == "x");
    CHECK(following("    records: {rows: $.rows, columns: [id]}\n    paginate: {cursor: {next: $.next, into: query.after}}\n",
                    R"({"rows": [[1], [2]], "next": "y"})") == "y");
}
