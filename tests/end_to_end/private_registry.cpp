#include "tests/end_to_end/private_registry.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/base64.hpp"
#include "core/identity.hpp"
#include "tests/end_to_end/http_client.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/free_port.hpp"

namespace pawl::test {
namespace {

constexpr const char* manifest_type = "application/vnd.docker.distribution.manifest.v2+json";
constexpr const char* config_type = "application/vnd.docker.container.image.v1+json";

HttpReply send(const std::string& method, const std::string& url, const std::string& body, const std::string& type) {
    const auto pair = std::string(PrivateRegistry::user) + ":" + PrivateRegistry::password;
    auto reply = http_send(method, url, body, {{"Authorization", "Basic " + core::base64(pair)}, {"Content-Type", type}});
    if (reply.status / 100 != 2) throw std::runtime_error(method + " " + url + ": " + std::to_string(reply.status) + " " + reply.body);
    return reply;
}

}  // namespace

PrivateRegistry::PrivateRegistry() {
    const auto folder = directory_.path();
    const auto port = free_port();
    url_ = "http://127.0.0.1:" + std::to_string(port);
    // The password as bcrypt, the only hash that it takes.
    std::ofstream(folder / "users") << user << ":$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";
    std::ofstream(folder / "config.yml") << "version: 0.1\n"
                                         << "log: {level: error, accesslog: {disabled: true}}\n"
                                         << "storage: {filesystem: {rootdirectory: \"" << (folder / "data").string() << "\"}}\n"
                                         << "http: {addr: \"127.0.0.1:" << port << "\"}\n"
                                         << "auth: {htpasswd: {realm: test, path: \"" << (folder / "users").string() << "\"}}\n";
    ChildProcess::Options options;
    options.argv = {"docker-registry", "serve", (folder / "config.yml").string()};
    server_ = std::make_unique<ChildProcess>(std::move(options));
    if (!eventually(std::chrono::seconds(20), [&] { return !server_->is_running() || listens(port); }) || !server_->is_running())
        throw std::runtime_error("docker-registry did not start: " + server_->errors());
}

std::string PrivateRegistry::push_blob(const std::string& repository, const std::string& content) {
    const auto digest = "sha256:" + core::sha256_hex(content);
    const auto begun = send("POST", url_ + "/v2/" + repository + "/blobs/uploads/", "", "application/octet-stream");
    const auto place = begun.location + (begun.location.find('?') == std::string::npos ? "?" : "&") + "digest=" + digest;
    send("PUT", place, content, "application/octet-stream");
    return digest;
}

std::string PrivateRegistry::push(const std::string& repository, const std::string& tag, const std::string& config) {
    const nlohmann::json manifest{
        {"schemaVersion", 2},
        {"mediaType", manifest_type},
        {"config", {{"mediaType", config_type}, {"digest", push_blob(repository, config)}, {"size", config.size()}}},
        {"layers", nlohmann::json::array()}};
    send("PUT", url_ + "/v2/" + repository + "/manifests/" + tag, manifest.dump(), manifest_type);
    return "sha256:" + core::sha256_hex(manifest.dump());
}

}  // namespace pawl::test
