#include "tests/end_to_end/world.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/end_to_end/http_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

namespace pawl::test {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

}  // namespace

int lines_with(const std::string& log, const std::string& sentence) {
    const auto lines = lines_of(log);
    return static_cast<int>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
        return line.find(sentence) != std::string::npos;
    }));
}

std::string service_url(const ChildProcess& service) {
    const std::string words = "Metrics and health are served address=";
    std::string log;
    if (!eventually(std::chrono::seconds(20), [&] {
            log = service.errors();
            const auto at = log.find(words);
            return at != std::string::npos && log.find('\n', at) != std::string::npos;
        }))
        throw std::runtime_error("the service does not tell its address: " + log);
    const auto begin = log.find(words) + words.size();
    return "http://" + log.substr(begin, log.find('\n', begin) - begin);
}

std::string pawl_binary() { return PAWL_BINARY_DIR "/pawl"; }

Replica::Replica(const std::filesystem::path& directory, std::vector<std::string> options) : log_(directory / "asked") {
    std::vector<std::string> argv{PAWL_BINARY_DIR "/pawl_replica", "--data", "tests/data/github", "--log", log_.string()};
    argv.insert(argv.end(), options.begin(), options.end());
    process_ = std::make_unique<ChildProcess>(ChildProcess::Options{.argv = argv});
    const std::string greeting = "listening on ";
    if (!eventually(std::chrono::seconds(20), [&] { return process_->output().find('\n') != std::string::npos; }))
        throw std::runtime_error("the replica does not start: " + process_->errors());
    const auto output = process_->output();
    url_ = "http://" + output.substr(greeting.size(), output.find('\n') - greeting.size());
}

std::int64_t now_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

nlohmann::json Replica::report() const { return nlohmann::json::parse(http_get(url_ + "/_replica/report").body); }

std::vector<Asked> Replica::asked() const {
    std::vector<Asked> all;
    std::ifstream in(log_);
    for (std::string line; std::getline(in, line);) {
        Asked asked;
        std::string method;
        std::istringstream words(line);
        if (words >> asked.time_us >> asked.owner >> method >> asked.target >> asked.status) all.push_back(asked);
    }
    return all;
}

World::World(Options options)
    : options_(std::move(options)),
      replica_(directory_.path(), options_.replica),
      redis_(options_.redis_config, options_.redis_env),
      postgres_(PrivatePostgres::Options{.fsync = options_.fsync, .disk = options_.postgres_disk}),
      database_(postgres_.new_database()) {
    std::ofstream settings(directory_.path() / "pawl.yaml");
    settings << "redis: {url: \"" << redis_.url() << "\", command_timeout: 3s}\n"
             << "postgres: {url: \"" << database_ << "\"}\n"
             << "http: {listen: \"\", walks_max: " << options_.walks_max << "}\n"
             << "sources: [\"" << std::filesystem::absolute(options_.source).string() << "\"]\n"
             << "state_dir: \"" << (directory_.path() / "state").string() << "\"\n"
             << "lease: " << options_.lease << "\n";
}

World::~World() {
    // For a person who looks into a failure: what all processes of all tests said.
    if (const char* file = std::getenv("PAWL_TEST_LOG")) std::ofstream(file, std::ios::app) << log_;
}

ChildProcess::Options World::command(std::vector<std::string> arguments, const std::string& slot) const {
    ChildProcess::Options options;
    options.argv = {pawl_binary()};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    for (const char* word : {"--config"}) options.argv.emplace_back(word);
    options.argv.push_back((directory_.path() / "pawl.yaml").string());
    options.env = {{"GITHUB_API", replica_.url()},
                   {"GITHUB_RAW", replica_.url() + "/raw"},
                   {"GITHUB_TOKENS", "alice:key-alice,bob:key-bob,carol:key-carol,dave:key-dave"},
                   {"PAWL_ALLOW_UNSAFE_POSTGRES", "1"},
                   {"PAWL_LOG_LEVEL", "debug"}};
    if (!slot.empty()) options.env["PAWL_SLOT"] = slot;
    for (const auto& [name, value] : options_.env) options.env[name] = value;
    return options;
}

std::unique_ptr<ChildProcess> World::start(std::vector<std::string> arguments, const std::string& slot) {
    return std::make_unique<ChildProcess>(command(std::move(arguments), slot));
}

void World::move_database(const std::string& url) {
    database_ = url;
    set_env("PAWL_POSTGRES_URL", url);
}

void World::end(std::unique_ptr<ChildProcess>& process) {
    process->kill();
    log_ += process->errors();
    process.reset();
}

Ran World::run(std::vector<std::string> arguments, std::chrono::seconds patience) {
    auto ran = run_program(command(std::move(arguments), "command"), patience);
    log_ += ran.errors;
    return ran;
}

int World::told(const std::string& sentence) const { return lines_with(log_, sentence); }

std::map<std::string, std::string> World::tables() const {
    std::map<std::string, std::string> all;
    const auto names = lines_of(sql("select table_name from information_schema.tables where table_schema = 'github' order by 1"));
    for (const auto& name : names) {
        const auto columns = sql("select string_agg(quote_ident(column_name), ', ' order by column_name) from "
                                 "information_schema.columns where table_schema = 'github' and table_name = '" + name +
                                 "' and column_name not like '\\_pawl%'");
        all[name] = sql("select " + columns + " from github." + name + " order by " + columns);
    }
    return all;
}

void check_same_tables(const std::map<std::string, std::string>& expected,
                       const std::map<std::string, std::string>& found) {
    for (const auto& [name, rows] : expected) {
        INFO("table " << name);
        REQUIRE(found.contains(name));
        const auto wanted = lines_of(rows), got = lines_of(found.at(name));
        CHECK(wanted.size() == got.size());
        const auto part = std::mismatch(wanted.begin(), wanted.end(), got.begin(), got.end());
        INFO("expected: " << (part.first == wanted.end() ? "(end)" : *part.first));
        INFO("found: " << (part.second == got.end() ? "(end)" : *part.second));
        CHECK(part.first == wanted.end());
        CHECK(part.second == got.end());
    }
    CHECK(found.size() == expected.size());
}

}  // namespace pawl::test
