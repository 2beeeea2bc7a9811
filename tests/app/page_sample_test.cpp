#include "app/page_sample.hpp"

#include "core/errors.hpp"
#include "tests/app/page_samples.hpp"
#include "tests/support/catch.hpp"

namespace pawl::app {

using test_samples::sample_of;

TEST_CASE("a URL is taken apart as a source file writes it", "[page_sample]") {
    const auto parts = split_url("https://api.example.org:8443/v1/items?state=all&q=a%20b+c&flag#top");
    CHECK(parts.origin == "https://api.example.org:8443");
    CHECK(parts.path == "/v1/items");
    CHECK(parts.query == NamedTexts{{"state", "all"}, {"q", "a b c"}, {"flag", ""}});
    CHECK(split_url("https://h").path == "/");
    CHECK(split_url("https://h?a=1").query == NamedTexts{{"a", "1"}});
    CHECK(split_url("https://h/?a=%0a&b=%zz").query == NamedTexts{{"a", "%0a"}, {"b", "%zz"}});
}

TEST_CASE("what is no JSON with records in it is refused with what to do", "[page_sample]") {
    CHECK_THROWS_AS(sample_of("<html>", {{"content-type", "text/html"}}), core::PermanentError);
    CHECK_THROWS_WITH(sample_of("<html>", {{"content-type", "text/html"}}),
                      "the answer is not JSON but text/html: init proposes from JSON only; write the file with \"decode\" "
                      "(pawl config explain decode)");
    CHECK_THROWS_AS(sample_of(""), core::PermanentError);
    CHECK_THROWS_AS(sample_of("7"), core::PermanentError);
    CHECK_NOTHROW(sample_of("\xef\xbb\xbf[]"));
}

TEST_CASE("values outside of arrays are found, those less deep first, to three names", "[page_sample]") {
    const auto sample = sample_of(R"({"a":{"b":{"c":1,"d":{"e":2}}},"n":null,"list":[{"id":3}]})");
    std::vector<std::string> paths;
    for (const auto& leaf : sample.leaves()) paths.push_back(path_text(leaf.steps));
    CHECK(paths == std::vector<std::string>{"$.n", "$.a.b.c"});
}

TEST_CASE("paths and scalars are written so that they mean the text", "[page_sample]") {
    CHECK(path_text({"a", "odd name", "_b2"}) == "$.a['odd name']._b2");
    CHECK(yaml_scalar("$.items[*]") == "\"$.items[*]\"");
    CHECK(yaml_scalar("$.items") == "$.items");
    CHECK(yaml_scalar("100") == "100");
    CHECK(yaml_scalar("007") == "\"007\"");
    CHECK(yaml_scalar("true") == "\"true\"");
    CHECK(yaml_scalar("Yes") == "\"Yes\"");
    CHECK(yaml_scalar("") == "\"\"");
    CHECK(yaml_scalar("a: b # \"c\"\n") == R"("a: b # \"c\"\n")");
}

TEST_CASE("nothing of a response can end a comment", "[page_sample]") {
    CHECK(comment_text("a\r\nb\tc\x7f\xc3\xa4") == "a  b c   ");
    CHECK(comment_text(std::string(500, 'x')).size() == 163);
    CHECK(is_fit_name("odd name"));
    for (const std::string name : {"", "a\nb", "it's", "a{b}", "$x", "a\\b"}) CHECK_FALSE(is_fit_name(name));
}

TEST_CASE("names are compared without case and joints", "[page_sample]") {
    CHECK(plain_name("Next_Page-Token") == "nextpagetoken");
}

}  // namespace pawl::app
