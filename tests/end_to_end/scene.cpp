#include "tests/end_to_end/scene.hpp"

#include <algorithm>
#include <fstream>

#include "tests/end_to_end/world.hpp"

namespace pawl::test {

Scene::Scene(const std::string& source, const std::string& settings)
    : database_(PrivatePostgres::shared().new_database()) {
    const auto folder = directory_.path();
    std::ofstream(folder / "source.yaml") << source;
    std::ofstream(folder / "pawl.yaml") << "redis: {url: \"" << redis_.url() << "\"}\n"
                                        << "postgres: {url: \"" << database_ << "\"}\n"
                                        << "sources: [source.yaml]\nstate_dir: state\nlease: 1s\n"
                                        << settings;
    env_ = {{"API", api_.url()}, {"PAWL_ALLOW_UNSAFE_POSTGRES", "1"}};
}

int Scene::asked(const std::string& target) const {
    const auto requests = api_.requests();
    const auto head = "GET " + target + " HTTP/";
    return static_cast<int>(
        std::count_if(requests.begin(), requests.end(),
                      [&](const std::string& one) { return one.starts_with(head); }));
}

ChildProcess::Options Scene::command(std::vector<std::string> arguments) const {
    ChildProcess::Options options;
    options.argv = {pawl_binary()};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    if (std::find(arguments.begin(), arguments.end(), "--config") == arguments.end())
        options.argv.insert(options.argv.end(),
                            {"--config", (directory_.path() / "pawl.yaml").string()});
    options.env = env_;
    return options;
}

Ran Scene::run(std::vector<std::string> arguments) const {
    return run_program(command(std::move(arguments)), std::chrono::seconds(60));
}

Ran Scene::sync_with_kills(std::mt19937& random) const {
    for (int kill = 0; kill < 4; ++kill) {
        ChildProcess process(command({"sync"}));
        if (process.wait(std::chrono::milliseconds(300 + random() % 900))) break;
        process.kill();
    }
    return run({"sync"});
}

}  // namespace pawl::test
