#include "app/derived_name.hpp"

#include "tests/support/catch.hpp"

namespace pawl::app {

TEST_CASE("a name is made of what a person or an API calls a thing", "[derived_name]") {
    CHECK(name_of("my-shop") == "my_shop");
    CHECK(name_of("fullName") == "full_name");
    CHECK(name_of("ID") == "id");
    CHECK(name_of("__2fa code!") == "fa_code");
    CHECK(name_of("123").empty());
    CHECK(name_of(std::string(100, 'a')).size() == 40);
}

TEST_CASE("a source is not called like a schema of Postgres or pawl", "[derived_name]") {
    CHECK(source_name("pawl") == "api_pawl");
    CHECK(source_name("pg-shop") == "api_pg_shop");
    CHECK(source_name("shop") == "shop");
}

TEST_CASE("a source is called like its host, a stream like its path", "[derived_name]") {
    CHECK(source_name_of("https://api.github.com/repos") == "github");
    CHECK(source_name_of("https://hacker-news.firebaseio.com:443/v0") == "firebaseio");
    CHECK(source_name_of("http://127.0.0.1:8080/a") == "api");
    CHECK(source_name_of("http://localhost/a") == "localhost");
    CHECK(stream_name_of("https://h/repos/postgres/postgres/issues?state=all") == "issues");
    CHECK(stream_name_of("https://h/v0/item/8863.json") == "item");
    CHECK(stream_name_of("https://h/posts/") == "posts");
    CHECK(stream_name_of("https://h/a%20b/") == "records");
    CHECK(stream_name_of("https://h") == "records");
}

}  // namespace pawl::app
