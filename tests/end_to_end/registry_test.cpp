// Against a registry that nobody here wrote: HTTP Basic, Link headers with relative URLs, names with slashes, three levels of
// streams, ETags.
#include <algorithm>
#include <random>
#include <set>
#include <sstream>

#include "tests/end_to_end/private_registry.hpp"
#include "tests/end_to_end/scene.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;

namespace {

constexpr const char* registry_source = R"yaml(
source: registry
base_url: ${REGISTRY}
auth: {basic: {user: "${REGISTRY_USER}", password: "${REGISTRY_PASSWORD}"}}
limits:
  - {name: pace, match: "/**", per: source, rate: 100/s}
streams:
  repositories:
    path: /v2/_catalog
    query: {n: 7}
    paginate: link
    emit: {table: repository, each: "$.repositories[*]", key: [name], set: {name: $}}
  tags:
    foreach: {stream: repositories}
    path: /v2/{name}/tags/list
    emit: {table: tag, each: "$.tags[*]", key: [name, tag], set: {name: $$.name, tag: $}}
  manifests:
    foreach: {stream: tags}
    path: /v2/{name}/manifests/{tag}
    headers: {Accept: application/vnd.docker.distribution.manifest.v2+json}
    conditional: etag
    emit:
      table: manifest
      key: [name, tag]
      set: {name: parent.name, tag: parent.tag, digest: header.docker_content_digest, config: $.config.digest,
            size: "$.config.size as bigint", layers: count($.layers)}
)yaml";

/// What was pushed, as the tables should say it: "repository|tag|digest|config|size|layers".
struct Pushed {
    std::set<std::string> repositories, manifests;

    void image(PrivateRegistry& registry, const std::string& repository, const std::string& tag, const std::string& config) {
        const auto digest = registry.push(repository, tag, config);
        const auto blob = registry.push_blob(repository, config);
        repositories.insert(repository);
        manifests.insert(repository + "|" + tag + "|" + digest + "|" + blob + "|" + std::to_string(config.size()) + "|0");
    }
};

std::set<std::string> lines(const std::string& text) {
    std::set<std::string> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) all.insert(line);
    return all;
}

void check_pushed(const Scene& scene, const Pushed& pushed) {
    CHECK(lines(scene.sql("select name from registry.repository")) == pushed.repositories);
    CHECK(lines(scene.sql("select name, tag, digest, config, size, layers from registry.manifest")) == pushed.manifests);
    CHECK(scene.sql("select count(*) from registry.tag") == std::to_string(pushed.manifests.size()));
    const auto verified = scene.run({"verify"});
    INFO(verified.output);
    CHECK(verified.status == 0);
}

}  // namespace

TEST_CASE("what a docker-registry holds is in the tables, whatever is killed", "[end_to_end][registry]") {
    PrivateRegistry registry;
    Pushed pushed;
    for (int i = 0; i < 20; ++i) {
        const auto repository = (i % 3 == 0 ? "team/" : "") + std::string("app-") + std::to_string(i) + (i % 5 == 0 ? "/web" : "");
        for (int tag = 0; tag <= i % 4; ++tag)
            pushed.image(registry, repository, "v" + std::to_string(tag), R"({"app": )" + std::to_string(i * 10 + tag) + "}");
    }
    registry.push_blob("nothing", "{}");  // listed, but its tags are 404
    pushed.repositories.insert("nothing");

    Scene scene(registry_source);
    scene.set_env("REGISTRY", registry.url());
    scene.set_env("REGISTRY_USER", PrivateRegistry::user);
    scene.set_env("REGISTRY_PASSWORD", PrivateRegistry::password);
    std::mt19937 random(1);
    const auto collect = [&] {
        const auto ran = scene.sync_with_kills(random);
        INFO(ran.errors);
        REQUIRE(ran.status == 0);
    };
    collect();
    check_pushed(scene, pushed);
    CHECK(scene.sql("select outcome from pawl.slice_done where stream = 'tags' and outcome <> 'ok'") == "gone");

    // More of everything; a tag that moves to another image.
    pushed.image(registry, "late", "v0", R"({"app": "late"})");
    pushed.image(registry, "app-1", "v9", R"({"app": "ninth"})");
    std::erase_if(pushed.manifests, [](const std::string& line) { return line.starts_with("app-1|v0|"); });
    pushed.image(registry, "app-1", "v0", R"({"app": "moved"})");
    collect();
    check_pushed(scene, pushed);
    const auto unchanged = std::stoi(scene.sql("select count(*) from pawl.page where url like '%/manifests/%' and status = 304"));
    CHECK(unchanged >= static_cast<int>(pushed.manifests.size()) - 3);

    scene.set_env("REGISTRY_PASSWORD", "wrong");
    const auto refused = scene.run({"sync"});
    INFO(refused.errors);
    CHECK(refused.status != 0);
}
