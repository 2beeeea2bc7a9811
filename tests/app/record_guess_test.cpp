#include "app/record_guess.hpp"

#include "tests/app/page_samples.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

namespace pawl::app {

using test::has;
using test_samples::sample_of;

TEST_CASE("an array at the top is the records", "[record_guess]") {
    const auto guess = guess_records(sample_of(R"([{"id":1,"name":"a"},{"id":2,"name":"b"}])"));
    CHECK(guess.is_list);
    CHECK(guess.path.empty());
    CHECK(guess.count == 2);
    CHECK(guess.key == "id");
    CHECK(guess.members == std::vector<std::string>{"id", "name"});
    CHECK(has(guess.key_why, "each of the 2 records"));
}

TEST_CASE("inside an object the largest array of objects is the records", "[record_guess]") {
    const auto guess = guess_records(
        sample_of(R"({"meta":{"pages":[{"n":1}]},"data":[{"id":1},{"id":2}],"included":[{"id":1},{"id":2},{"id":3}]})"));
    CHECK(guess.path == "$.data[*]");
    CHECK(guess.count == 2);
    CHECK(guess_records(sample_of(R"({"a":{"b":[{"id":1},{"id":2}]}})")).path == "$.a.b[*]");
    CHECK(guess_records(sample_of(R"({"odd name":[{"id":1},{"id":2}]})")).path == "$['odd name'][*]");
}

TEST_CASE("records inside a wrapper are those inside it", "[record_guess]") {
    const auto guess =
        guess_records(sample_of(R"({"edges":[{"cursor":"x","node":{"id":"a"}},{"cursor":"y","node":{"id":"b"}}]})"));
    CHECK(guess.path == "$.edges[*].node");
    CHECK(guess.key == "id");
}

TEST_CASE("an object with an id is one record, whatever lists it has", "[record_guess]") {
    const auto guess = guess_records(sample_of(R"({"id":7,"title":"x","tags":[{"n":1},{"n":2}]})"));
    CHECK_FALSE(guess.is_list);
    CHECK(guess.count == 1);
    CHECK(guess.key == "id");
    CHECK(has(guess.key_why, "one record"));
}

TEST_CASE("a key is in every record, never null, and differs", "[record_guess]") {
    CHECK(guess_records(sample_of(R"([{"id":1},{"id":1}])")).key.empty());
    CHECK(guess_records(sample_of(R"([{"id":1},{"name":"x"}])")).key.empty());
    CHECK(guess_records(sample_of(R"([{"id":null,"uuid":"a"},{"id":2,"uuid":"b"}])")).key == "uuid");
    CHECK(guess_records(sample_of(R"([{"order_id":1,"n":1},{"order_id":2,"n":2}])")).key == "order_id");
    CHECK(guess_records(sample_of(R"([{"order_id":1,"id":1},{"order_id":2,"id":2}])")).key == "id");
    CHECK(has(guess_records(sample_of(R"([{"n":1},{"n":2}])")).key_why, "no id, uuid or *_id"));
}

TEST_CASE("a member that is a time says how new a record is, a change before a creation", "[record_guess]") {
    const auto guess = guess_records(sample_of(
        R"([{"id":1,"created_at":"2024-01-01T00:00:00Z","updated_at":"2024-01-02T00:00:00Z"},)"
        R"({"id":2,"created_at":"2024-01-01T00:00:00Z","updated_at":null}])"));
    CHECK(guess.since == "updated_at");
    CHECK_FALSE(guess.since_is_number);
    const auto numbers = guess_records(sample_of(R"([{"id":1,"timestamp":1700000000}])"));
    CHECK(numbers.since == "timestamp");
    CHECK(numbers.since_is_number);
    CHECK(guess_records(sample_of(R"([{"id":1,"updated":"yesterday"}])")).since.empty());
    CHECK(guess_records(sample_of(R"([{"id":1,"updated":true}])")).since.empty());
}

TEST_CASE("an empty list and plain values are told", "[record_guess]") {
    const auto empty = guess_records(sample_of(R"({"items":[]})"));
    CHECK(empty.is_list);
    CHECK(empty.path == "$.items[*]");
    CHECK(empty.count == 0);
    CHECK(has(empty.key_why, "no record to look at"));
    const auto plain = guess_records(sample_of("[1,2,3]"));
    CHECK(plain.path == "$[*]");
    CHECK(plain.key == "value");
    CHECK(guess_records(sample_of("[1,1]")).key.empty());
}

TEST_CASE("names that could end a path or a comment are left out", "[record_guess]") {
    const auto guess = guess_records(sample_of(R"({"it's":[{"id":1},{"id":2}],"rows":[{"a\nb":1,"id":1}]})"));
    CHECK(guess.path == "$.rows[*]");
    CHECK(guess.members == std::vector<std::string>{"id"});
}

}  // namespace pawl::app
