#include "core/charset.hpp"

#include "core/errors.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;
using Decode = pawl::core::Stream::Decode;

namespace {

std::string whole(std::string_view text) { return std::string(text); }
using namespace std::string_view_literals;

}  // namespace

TEST_CASE("a byte order mark says what a body is written in, and is no part of it", "[charset]") {
    for (const auto decode : {Decode::json, Decode::jsonl, Decode::csv, Decode::xml, Decode::text}) {
        CHECK(as_utf8(whole("\xef\xbb\xbf{}"sv), decode, "") == "{}");
        CHECK(as_utf8(whole("\xff\xfe\xe4\0a\0\x3d\xd8\x00\xde"sv), decode, "text/csv; charset=utf-8") == "äa\xf0\x9f\x98\x80");
        CHECK(as_utf8(whole("\xfe\xff\0\xe4\0a"sv), decode, "") == "äa");
        CHECK(as_utf8(whole("\xff\xfe\0\0\xe4\0\0\0"sv), decode, "") == "ä");
        CHECK(as_utf8(whole("\0\0\xfe\xff\0\0\0\xe4"sv), decode, "") == "ä");
    }
    CHECK(as_utf8(whole("\xff\xfe" "a\0b"sv), Decode::csv, "") == "a\xef\xbf\xbd");            // cut in the middle
    CHECK(as_utf8(whole("\xff\xfe\0\xd8" "a\0"sv), Decode::csv, "") == "\xef\xbf\xbd" "a");  // half a pair
    CHECK(as_utf8(whole("\xff\xfe"sv), Decode::csv, "").empty());
}

TEST_CASE("the charset of a body that is no JSON is what its Content-Type tells", "[charset]") {
    CHECK(as_utf8("\xe4\x80", Decode::csv, "text/csv; charset=ISO-8859-1") == "ä€");
    CHECK(as_utf8("\xe4\x80", Decode::text, "text/plain;charset=\"windows-1252\"; x=y") == "ä€");
    CHECK(as_utf8("\x81", Decode::csv, "text/csv; charset=windows-1252") == "\xef\xbf\xbd");
    CHECK(as_utf8("ä", Decode::csv, "text/csv; charset=iso-8859-1") == "ä");  // labelled wrong
    CHECK(as_utf8(whole("a\0\xe4\0"sv), Decode::csv, "text/csv; charset=utf-16le") == "aä");
    CHECK(as_utf8("\xff", Decode::csv, "text/csv; charset=utf-8") == "\xff");
    CHECK(as_utf8("\xe4", Decode::csv, "text/csv") == "\xe4");
    CHECK(as_utf8("\xe4", Decode::json, "application/json; charset=iso-8859-1") == "\xe4");
    CHECK(as_utf8("x", Decode::csv, "text/csv; charset=klingon") == "x");
    CHECK_THROWS_WITH(as_utf8("\xe4", Decode::csv, "text/csv; charset=klingon"), "its charset is not known: klingon");
    CHECK_THROWS_AS(as_utf8("\xe4", Decode::csv, "text/csv; charset=../../x,/"), PermanentError);
}

TEST_CASE("XML says itself what it is written in", "[charset]") {
    CHECK(as_utf8("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe4</a>", Decode::xml, "").ends_with("<a>ä</a>"));
    CHECK(as_utf8("<?xml version='1.0' encoding = 'windows-1252'?><a>\x80</a>", Decode::xml, "text/xml").ends_with("<a>€</a>"));
    CHECK(as_utf8("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>ä</a>", Decode::xml, "text/xml; charset=utf-8").ends_with("<a>ä</a>"));
    CHECK(as_utf8("<a encoding=\"iso-8859-1\">\xe4</a>", Decode::xml, "").ends_with("\xe4</a>"));
    CHECK(as_utf8("a,encoding=latin1\n\xe4", Decode::csv, "").ends_with("\xe4"));
}
