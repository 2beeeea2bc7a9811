#include "storage/identifier.hpp"

#include "tests/support/catch.hpp"

using namespace pawl::storage;

TEST_CASE("names are lower-case and short names stay as they are", "[identifier]") {
    CHECK(identifier("Full_Name") == "full_name");
    CHECK(identifier("naïve Ä") == "naïve Ä");
    CHECK(identifier(std::string(54, 'x')) == std::string(54, 'x'));
}

TEST_CASE("long names are cut between characters and end in a stable hash", "[identifier]") {
    const std::string long_name(70, 'x');
    CHECK(identifier(long_name).size() == 63);
    CHECK(identifier(long_name) == identifier(long_name));
    CHECK(identifier(long_name) != identifier(long_name + "y"));
    CHECK(identifier(std::string(70, 'X')) == identifier(long_name));
    std::string umlauts;
    for (int i = 0; i < 40; ++i) umlauts += "ä";
    const std::string odd = identifier("a" + umlauts);
    CHECK(odd.size() == 62);
    CHECK(valid_text(odd) == odd);
}

TEST_CASE("names that Postgres or pawl own, empty ones and ones with NUL get another name",
          "[identifier]") {
    for (const std::string& name :
         {std::string("ctid"), std::string("_pawl_page"), std::string(), std::string("a\0b", 3)}) {
        const std::string made = identifier(name);
        CHECK(made != name);
        CHECK_FALSE(made.starts_with("_pawl_"));
        CHECK(made.find('\0') == std::string::npos);
    }
    CHECK(identifier(std::string("a\0b", 3)) != identifier(std::string("a\0c", 3)));
}

TEST_CASE("quotes inside names and texts are doubled", "[identifier]") {
    CHECK(quoted(std::string("a\"b")) == "\"a\"\"b\"");
    CHECK(literal("it's") == "'it''s'");
    CHECK(quoted_table("S", "T") == "\"s\".\"t\"");
}

TEST_CASE("texts from outside become valid UTF-8 without NUL", "[identifier]") {
    CHECK(valid_text(std::string("a\0b", 3)) ==
          "a\xEF\xBF\xBD"
          "b");
    CHECK(valid_text("\xC3\xA4\xFF") == "\xC3\xA4\xEF\xBF\xBD");
    CHECK(valid_text("\xED\xA0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}
