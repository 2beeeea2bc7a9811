#include "tests/replica/options.hpp"

#include <charconv>

namespace pawl::replica {
namespace {

std::int64_t whole(const std::string& name, const std::string& text) {
    std::int64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ptr !=
            text.data() + text.size() ||
        text.empty() || value < 0)
        throw std::invalid_argument(name + ": \"" + text + "\" is no whole number");
    return value;
}

Time seconds(const std::string& name, const std::string& text) {
    try {
        std::size_t used = 0;
        auto value = std::stod(text, &used);
        if (used == text.size() && value > 0)
            return static_cast<Time>(value * static_cast<double>(second));
    } catch (const std::logic_error&) {  // no number at all, or out of range: told below
    }
    throw std::invalid_argument(name + ": \"" + text + "\" is no time in seconds");
}

/// "alice=key-alice,bob=key-bob": owner and token. An owner may come twice: its keys share one
/// budget.
std::map<std::string, std::string> tokens(const std::string& text) {
    std::map<std::string, std::string> out;
    for (std::size_t at = 0; at < text.size();) {
        auto end = std::min(text.find(',', at), text.size());
        auto equals = text.find('=', at);
        if (equals >= end)
            throw std::invalid_argument("--owners: expected owner=token,owner=token");
        out[text.substr(equals + 1, end - equals - 1)] = text.substr(at, equals - at);
        at = end + 1;
    }
    return out;
}

}  // namespace

std::string_view usage() {
    return R"(pawl_replica: GitHub's REST API over real data, on 127.0.0.1. Prints "listening on 127.0.0.1:PORT" first.

  --port N            port; 0 (default): a free one
  --data DIR          repositories.csv, awesome-nodejs.md, recorded-get-repository.json (default tests/data/github)
  --owners LIST       owner=token,… (default alice=key-alice,bob=key-bob,carol=key-carol,dave=key-dave)
  --limit N           requests per window and owner (default 5000)
  --anonymous N       requests per window without a token (default 60)
  --window SECONDS    length of a window (default 3600)
  --concurrent N      secondary limit: requests at once of one owner; 0: none (default 100)
  --per-minute N      secondary limit: requests a minute of one owner; 0: none (default 900)
  --retry-after S     told when a secondary limit refuses (default 60)
  --records-max N     records a list of stargazers shows (default 40000: 400 pages of 100)
  --faults JSON       {"seed":1,"server_error":0.01,"reset":0,"cut":0,"secondary":0,"html":0,"path":"","retry_after":1}
  --latency MS        wait before every answer (default 0)
  --log FILE          one line per request: time_us owner method target status cost fault

Besides GitHub's paths: GET /_replica/report, GET /_replica/log?after=N, POST /_replica/faults, POST /_replica/reset.
GET /raw/sindresorhus/awesome-nodejs/main/readme.md stands for raw.githubusercontent.com.
)";
}

Options parse_options(const std::vector<std::string>& arguments) {
    Options options;
    options.api.tokens = tokens("alice=key-alice,bob=key-bob,carol=key-carol,dave=key-dave");
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& name = arguments[i];
        if (name == "--help") {
            options.help = true;
            continue;
        }
        if (i + 1 == arguments.size())
            throw std::invalid_argument(name + ": unknown, or its value is missing");
        const auto& value = arguments[++i];
        auto& rates = options.api.rates;
        if (name == "--data")
            options.api.data = value;
        else if (name == "--log")
            options.api.log = value;
        else if (name == "--owners")
            options.api.tokens = tokens(value);
        else if (name == "--faults")
            options.api.faults = parse_fault_rates(value);
        else if (name == "--limit")
            rates.limit = whole(name, value);
        else if (name == "--anonymous")
            rates.anonymous_limit = whole(name, value);
        else if (name == "--window")
            rates.window = seconds(name, value);
        else if (name == "--concurrent")
            rates.concurrent_max = whole(name, value);
        else if (name == "--per-minute")
            rates.per_minute_max = whole(name, value);
        else if (name == "--retry-after")
            rates.retry_after = seconds(name, value);
        else if (name == "--records-max")
            options.api.records_max = static_cast<std::uint64_t>(whole(name, value));
        else if (name == "--latency")
            options.latency_ms = whole(name, value);
        else if (name == "--port" && whole(name, value) <= 65'535)
            options.port = static_cast<std::uint16_t>(whole(name, value));
        else
            throw std::invalid_argument(name + " " + value + ": unknown option, or out of range");
    }
    return options;
}

}  // namespace pawl::replica
