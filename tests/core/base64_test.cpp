#include "core/base64.hpp"

#include "core/redact.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

TEST_CASE("base64 is that of RFC 4648", "[base64]") {
    // Its section 10.
    const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) {
        CHECK(base64(bytes) == text);
        CHECK(from_base64(text) == bytes);
    }
    const std::string odd{"\xfb\xff\0\xfe", 4};
    CHECK(base64(odd) == "+/8A/g==");
    CHECK(base64url(odd) == "-_8A_g");
    CHECK(from_base64(base64(odd)) == odd);
}

TEST_CASE("what is not base64 is not read as it", "[base64]") {
    for (const std::string bad :
         {"Zg=", "Zg", "Z===", "====", "Zm9v\n", " Zm9v", "Zm9-", "Zg==Zg=="})
        CHECK(from_base64(bad) == std::nullopt);
}

TEST_CASE("a secret that is forgotten is shown again", "[redact]") {
    remember_secret("ghs_forgettable");
    CHECK(redact("token ghs_forgettable.") == "token ***.");
    forget_secret("ghs_forgettable");
    CHECK(redact("token ghs_forgettable.") == "token ghs_forgettable.");
}
