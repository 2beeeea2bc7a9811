#include "core/settings.hpp"

#include <filesystem>
#include <fstream>

#include "core/redact.hpp"
#include "core/settings_table.hpp"
#include "tests/core/problem_list.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;
using Map = std::map<std::string, std::string>;

/// A settings file in a folder of its own, removed at the end.
class SettingsText {
  public:
    explicit SettingsText(const std::string& text) {
        std::string folder = (std::filesystem::temp_directory_path() / "pawl-settings-XXXXXX");
        REQUIRE(mkdtemp(folder.data()) != nullptr);
        folder_ = folder;
        std::ofstream{path()} << text;
    }
    ~SettingsText() { std::filesystem::remove_all(folder_); }
    SettingsText(const SettingsText&) = delete;
    SettingsText& operator=(const SettingsText&) = delete;

    [[nodiscard]] std::string path() const { return folder_ + "/pawl.yaml"; }
    [[nodiscard]] const std::string& folder() const { return folder_; }

  private:
    std::string folder_;
};

Settings load(const std::string& text, const Map& environment = {}, const Map& flags = {}) {
    const SettingsText file{text};
    return load_settings(file.path(), environment, flags);
}

Lines wrong_settings(const std::string& text, const Map& environment = {}, const Map& flags = {}) {
    return problems_of([&] { (void)load(text, environment, flags); });
}

}  // namespace

TEST_CASE("without anything the defaults hold", "[settings]") {
    const Settings settings = load("");
    CHECK(settings.redis.url.empty());
    CHECK(settings.postgres.writers == 2);
    CHECK(settings.http.listen == "127.0.0.1:9464");
    CHECK(settings.http.body_max == 32u << 20);
    CHECK(settings.lease == 30s);
    CHECK(settings.sources.empty());
    CHECK(settings.migrate);
}

TEST_CASE("flags win over the environment, the environment over the file", "[settings]") {
    const std::string text = "redis: {url: redis://file}\npostgres: {url: file}\nlease: 10s\n";
    const Map environment{{"PAWL_REDIS_URL", "redis://environment"}, {"PAWL_LEASE", "20s"}};
    const Settings settings = load(text, environment, {{"lease", "40s"}});
    CHECK(settings.postgres.url == "file");
    CHECK(settings.redis.url == "redis://environment");
    CHECK(settings.lease == 40s);
}

TEST_CASE("every setting can be set in the file, the environment and by flag", "[settings]") {
    const Map values{{"URL", "redis://h"},
                     {"text", "t"},
                     {"duration", "1s"},
                     {"size", "1MiB"},
                     {"number", "3"},
                     {"host:port", "h:1"},
                     {"path", "/p"},
                     {"true or false", "true"},
                     {"list of paths", "/p"},
                     {"debug, info, warn or error", "warn"},
                     {"human, logfmt or json", "json"}};
    for (const SettingField& field : settings_fields()) {
        INFO(field.path);
        REQUIRE(values.contains(std::string(field.type)));
        const std::string value = values.at(std::string(field.type));
        const std::string path{field.path};
        const std::size_t dot = path.find('.');
        const std::string line =
            dot == std::string::npos
                ? path + ": " + value
                : path.substr(0, dot) + ": {" + path.substr(dot + 1) + ": \"" + value + "\"}";
        CHECK(wrong_settings(line).empty());
        CHECK(wrong_settings("", {{setting_variable(path), value}}).empty());
        CHECK(wrong_settings("", {}, {{path, value}}).empty());
        CHECK(field.doc.size() > 5);
        // A setting that reads its text at all refuses nonsense, unless any text will do.
        const bool any_text = field.type == "text" || field.type == "path" ||
                              field.type == "host:port" || field.type == "list of paths";
        CHECK(wrong_settings("", {{setting_variable(path), "?!"}}).empty() == any_text);
    }
}

TEST_CASE("fallbacks of the table are the defaults of the code", "[settings]") {
    for (const SettingField& field : settings_fields()) {
        if (field.fallback.empty() || field.fallback.find('$') != std::string_view::npos) continue;
        INFO(field.path);
        const std::string variable = setting_variable(field.path);
        CHECK(wrong_settings("", {{variable, std::string(field.fallback)}}).empty());
    }
    const auto fallback = [](std::string_view path) {
        for (const SettingField& field : settings_fields())
            if (field.path == path) return std::string(field.fallback);
        return std::string();
    };
    const Settings defaults;
    const auto with = [&](const std::string& path) {
        return load("", {{setting_variable(path), fallback(path)}});
    };
    CHECK(with("redis.command_timeout").redis.command_timeout == defaults.redis.command_timeout);
    CHECK(with("redis.queue_bytes_max").redis.queue_bytes_max == defaults.redis.queue_bytes_max);
    CHECK(with("postgres.batch_bytes").postgres.batch_bytes == defaults.postgres.batch_bytes);
    CHECK(with("postgres.batch_pages").postgres.batch_pages == defaults.postgres.batch_pages);
    CHECK(with("postgres.batch_age").postgres.batch_age == defaults.postgres.batch_age);
    CHECK(with("postgres.writers").postgres.writers == defaults.postgres.writers);
    CHECK(with("http.walks_max").http.walks_max == defaults.http.walks_max);
    CHECK(with("http.connect_timeout").http.connect_timeout == defaults.http.connect_timeout);
    CHECK(with("http.request_timeout").http.request_timeout == defaults.http.request_timeout);
    CHECK(with("http.body_max").http.body_max == defaults.http.body_max);
    CHECK(with("http.listen").http.listen == defaults.http.listen);
    CHECK(with("http.private_addresses").http.private_addresses == defaults.http.private_addresses);
    CHECK(with("log.level").log.level == defaults.log.level);
    CHECK(with("log.format").log.format == defaults.log.format);
    CHECK(with("lease").lease == defaults.lease);
    CHECK(with("drain").drain == defaults.drain);
    CHECK(with("offers_max").offers_max == defaults.offers_max);
    CHECK(with("local").local == defaults.local);
    CHECK(with("migrate").migrate == defaults.migrate);
}

TEST_CASE("the state folder follows systemd, then XDG, then home", "[settings]") {
    Map environment{{"HOME", "/home/a"}};
    CHECK(load("", environment).state_dir == "/home/a/.local/state/pawl");
    environment["XDG_STATE_HOME"] = "/x";
    CHECK(load("", environment).state_dir == "/x/pawl");
    environment["STATE_DIRECTORY"] = "/var/lib/pawl:/var/lib/other";
    CHECK(load("", environment).state_dir == "/var/lib/pawl");
    environment["PAWL_STATE_DIR"] = "/mine";
    CHECK(load("", environment).state_dir == "/mine");
    CHECK(load("", {}).state_dir == "/var/lib/pawl");
    CHECK(load("", {{"CREDENTIALS_DIRECTORY", "/run/c"}}).secrets_dir == "/run/c");
}

TEST_CASE("paths in a settings file are relative to it", "[settings]") {
    const SettingsText file{"sources: [a.yaml, /etc/b]\nstate_dir: state\n"};
    const Settings settings = load_settings(file.path(), {}, {});
    CHECK(settings.sources == Lines{file.folder() + "/a.yaml", "/etc/b"});
    CHECK(settings.state_dir == file.folder() + "/state");
    CHECK(load("", {{"PAWL_SOURCES", "a.yaml:/etc/b"}}).sources == Lines{"a.yaml", "/etc/b"});
}

TEST_CASE("settings take variables", "[settings]") {
    CHECK(load("redis: {url: \"redis://${HOST:-h}:1\"}\n").redis.url == "redis://h:1");
    CHECK(wrong_settings("redis:\n  url: ${HOST}\n") ==
          Lines{"2:8: variable HOST is not set (set it, or give a default: ${HOST:-default})"});
}

TEST_CASE("everything wrong with the settings is told at once", "[settings]") {
    CHECK(wrong_settings("redsi: {url: x}\n"
                "redis: {ulr: x, command_timeout: soon}\n"
                "postgres: 5\n"
                "migrate: yes\n"
                "log: {level: loud}\n"
                "lease:\n"
                "sources: {a: b}\n",
                {{"PAWL_HTTP_WALKS_MAX", "many"}}, {{"redis.ur", "x"}}) ==
          Lines{"1:1: unknown setting \"redsi\" (did you mean \"redis\"?)",
                "2:9: unknown setting \"redis.ulr\" (did you mean \"url\"?)",
                "2:34: \"redis.command_timeout\" must be a duration from 10ms to 1h such as 500ms "
                "or 30s, not \"soon\"",
                "3:11: \"postgres\" must be a map",
                "4:10: \"migrate\" must be true or false, not \"yes\"",
                "5:14: \"log.level\" must be \"debug\", \"info\", \"warn\" or \"error\", not "
                "\"loud\"",
                "6:1: \"lease\" has no value",
                "7:10: \"sources\" must be a path or a list of paths",
                "must be a whole number from 1 to 10000, not \"many\"",
                "unknown setting (did you mean \"redis.url\"?)"});
}

TEST_CASE("a wrong variable is told by its name", "[settings]") {
    CHECK_THROWS_WITH(load("", {{"PAWL_LEASE", "x"}}),
                      "PAWL_LEASE: must be a duration from 100ms to 1h such as 500ms or 30s, not "
                      "\"x\"");
    CHECK_THROWS_WITH(load("", {}, {{"lease", "x"}}),
                      "--lease: must be a duration from 100ms to 1h such as 500ms or 30s, not "
                      "\"x\"");
}

TEST_CASE("a settings file that is named must exist", "[settings]") {
    CHECK_THROWS_AS(load_settings("/nonexistent/pawl.yaml", {}, {}), ConfigError);
}

TEST_CASE("passwords in URLs are secrets", "[settings]") {
    (void)load("", {{"PAWL_REDIS_URL", "redis://me:redis-pass-1@h:1/0"},
                    {"PAWL_POSTGRES_URL", "host=h password=pg-pass-22 user=u"}});
    CHECK(redact("x redis-pass-1 y pg-pass-22 z") == "x *** y *** z");
}
