// The files that users start from are accepted as they are.
#include <filesystem>

#include "core/settings.hpp"
#include "core/source_parser.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

const std::filesystem::path root = std::filesystem::path(__FILE__).parent_path() / "../..";

}  // namespace

TEST_CASE("every source file that is shipped is accepted", "[shipped_files]") {
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(root / "sources")) {
        if (entry.path().extension() != ".yaml") continue;
        INFO(entry.path().string());
        CHECK_NOTHROW(load_source_file(entry.path().string(), {}));
        ++files;
    }
    CHECK(files > 0);
}

TEST_CASE("the list that GitHub's file starts from is asked for without per_page",
          "[shipped_files]") {
    const auto source = load_source_file((root / "sources/github.yaml").string(), {});
    const Stream* awesome = source.find("awesome");
    REQUIRE(awesome != nullptr);
    CHECK(awesome->query.empty());
    CHECK_FALSE(source.find("repos")->query.empty());  // the default
}

TEST_CASE("the settings file that is shipped is accepted", "[shipped_files]") {
    CHECK_NOTHROW(load_settings((root / "deploy/pawl.yaml").string(), {}, {}));
}
