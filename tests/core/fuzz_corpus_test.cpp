// What fuzzing once came to, found or kept because it reaches code that nothing else does: none of it breaks a target.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/fuzz/targets.hpp"
#include "tests/support/catch.hpp"

namespace {

namespace fs = std::filesystem;
const fs::path corpus = "tests/fuzz/corpus";

std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("the corpus of each fuzz target runs through it", "[fuzz]") {
    for (const auto& target : pawl::fuzz::targets) {
        int files = 0;
        for (const auto& entry : fs::directory_iterator(corpus / target.name)) {
            INFO(entry.path());
            CHECK_NOTHROW(target.run(bytes_of(entry.path())));
            ++files;
        }
        INFO(target.name);
        CHECK(files >= 5);
    }
}

TEST_CASE("a fuzz target notices what should not be", "[fuzz]") {
    CHECK_THROWS_AS(pawl::fuzz::require(false, "no"), pawl::fuzz::Violation);
    CHECK_NOTHROW(pawl::fuzz::require(true, "yes"));
}

TEST_CASE("each folder of the corpus has its target", "[fuzz]") {
    std::set<std::string> names;
    for (const auto& target : pawl::fuzz::targets) names.insert(target.name);
    for (const auto& entry : fs::directory_iterator(corpus)) CHECK(names.contains(entry.path().filename().string()));
}
