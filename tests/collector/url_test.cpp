#include "collector/url.hpp"

#include "core/errors.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;

TEST_CASE("an origin is scheme, host in lower case, and port", "[collector][url]") {
    CHECK(origin_of("https://API.Example.com/x") == Origin{"https", "api.example.com", "443"});
    CHECK(origin_of("https://api.example.com:443/") == origin_of("https://api.example.com"));
    CHECK(origin_of("http://api.example.com") != origin_of("https://api.example.com"));
    CHECK(origin_of("http://[::1]:8080/x").str() == "http://[::1]:8080");
}

TEST_CASE("only absolute http URLs without user names are clean", "[collector][url]") {
    CHECK_THROWS_AS(clean_url("/relative"), core::PermanentError);
    CHECK_THROWS_AS(clean_url("file:///etc/passwd"), core::PermanentError);
    CHECK_THROWS_AS(clean_url("ftp://host/x"), core::PermanentError);
    CHECK_THROWS_AS(clean_url("https://user:secret@host/x"), core::PermanentError);
    CHECK_THROWS_AS(clean_url("https://host/a\r\nX: y"), core::PermanentError);
    CHECK_THROWS_AS(clean_url("https://host/" + std::string(20'000, 'a')), core::PermanentError);
    CHECK(clean_url("https://host/a b?q=\"é\"#part") == "https://host/a%20b?q=%22%C3%A9%22");
}

TEST_CASE("a relative link is resolved against its page", "[collector][url]") {
    CHECK(resolve_url("https://h/a/b?x=1", "?page=2") == "https://h/a/b?page=2");
    CHECK(resolve_url("https://h/a/b", "c") == "https://h/a/c");
    CHECK(resolve_url("https://h/a/b", "/c?d=e") == "https://h/c?d=e");
    CHECK(resolve_url("https://h/a/b", "//other/c") == "https://other/c");
    CHECK(resolve_url("https://h/a", "https://h/b") == "https://h/b");
}

TEST_CASE("a query parameter is replaced in its place or appended", "[collector][url]") {
    CHECK(with_query("https://h/a", "page", "2") == "https://h/a?page=2");
    CHECK(with_query("https://h/a?page=1&x=y", "page", "2") == "https://h/a?page=2&x=y");
    CHECK(with_query("https://h/a?x=y", "q", "a b&c=d/+") ==
          "https://h/a?x=y&q=a%20b%26c%3Dd%2F%2B");
    CHECK(without_query("https://h/a?key=1&x=y&key=2", "key") == "https://h/a?x=y");
    CHECK(without_query("https://h/a?key=1", "key") == "https://h/a");
}

TEST_CASE("the path is what lies between host and query", "[collector][url]") {
    CHECK(path_of("https://h") == "/");
    CHECK(path_of("https://h?x=/y") == "/");
    CHECK(path_of("https://h/a/b?c#d") == "/a/b");
}
